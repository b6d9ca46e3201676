"""An incident that may have touched everybody touched nobody who came when it was over: one rule for every page and document."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support.learning_world import BEGAN, Vendor, declared, step

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.errors import NotFound
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.learning.incidents.model import IncidentFilter
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.gathering.incidents import gather
from trust_portal.trust.gathering.model import Ask

pytestmark = pytest.mark.takes(seconds=8)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHO = ("the customer's page", "the vendor's list", "the trust report", "compliance")
#: When the last customer came: the first incident ended at that very moment.
CAME = BEGAN + 2 * HOUR


async def told_of(house: House, reader: Actor, tenant_id: UUID) -> dict[str, list[str]]:
    """The incidents of one customer by who tells of them, by title."""
    now = house.storage.clock.now()
    touched = await house.customer_incidents.of_tenant(reader, tenant_id, BEGAN - DAY, now)
    listed = await house.incidents.page(reader, IncidentFilter(customer_id=tenant_id), PageRequest(50))
    tenant = await house.tenants.get(CONSOLE, tenant_id)
    async with house.storage.read(StaffScope(), snapshot=True) as session:
        section = await gather(session, Ask(tenant, parse_period("2026-06", "UTC"), now))
    evaluation = await house.compliance.evaluate(Evaluate(tenant_id, "the auditor asks"), CONSOLE)
    (coverage,) = [each for each in evaluation.results if each.control == "postmortem-coverage"]
    assert coverage.looked_at == len(coverage.gaps), "none has a postmortem, and its time is up"
    return {
        "the customer's page": sorted(each.title for each in touched.incidents),
        "the vendor's list": sorted(each.title for each in listed.items),
        "the trust report": sorted(str(row.cells[0].value) for row in section.table("major").rows),
        "compliance": sorted(each.name.removeprefix("P1: ") for each in coverage.gaps),
    }


async def test_who_came_when_everybodys_incident_was_over_is_told_of_it_nowhere(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    globex = (await house.tenants.create(CreateTenant("globex", "Globex", onboarded_at=CAME), CONSOLE)).id
    reader = (await vendor.person("Rita Holm", Role.CSM)).as_actor()
    clock.advance(3 * HOUR)
    await vendor.tell(
        declared("OVER"),
        step("OVER", "resolved", minute=120),
        declared("STILL", minute=1),
        step("STILL", "resolved", minute=121),
        declared("THEIRS", minute=2, tenants=["globex"]),
        step("THEIRS", "resolved", minute=60),
    )
    register = await vendor.register()
    clock.advance(20 * DAY)
    assert await told_of(house, reader, acme) == {who: ["Trouble OVER", "Trouble STILL"] for who in WHO}
    assert await told_of(house, reader, globex) == {
        who: ["Trouble STILL", "Trouble THEIRS"] for who in WHO
    }, "one that names a customer is its own, whenever it was"

    assert (
        await house.customer_incidents.find(reader, acme, register["OVER"].shown_id)
    ).title == "Trouble OVER"
    with pytest.raises(NotFound):
        await house.customer_incidents.find(reader, globex, register["OVER"].shown_id)
    with pytest.raises(NotFound):
        await house.incidents.page(reader, IncidentFilter(customer_id=new_id()), PageRequest(50))
