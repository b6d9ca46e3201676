"""An act that would change nothing is refused at the portal's doors: neither event nor receipt is left."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.learning_world import BEGAN, Vendor

from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.facts.tables import facts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import (
    ChangeSeverity,
    DeclareIncident,
    MergeIncident,
    MitigateIncident,
    ReopenIncident,
    ResolveIncident,
    SetAffected,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.model import Incident, Severity
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)


@pytest.fixture
async def sre(vendor: Vendor) -> Actor:
    return (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()


async def declared(
    vendor: Vendor, sre: Actor, key: str, severity: str, tenants: tuple[str, ...] | None = None
) -> UUID:
    command = DeclareIncident(
        title=key, severity=Severity(severity), service="api", began_at=BEGAN, detected_at=BEGAN, key=key,
        tenants=tenants,
    )  # fmt: skip
    return (await vendor.house.incidents.declare(command, sre)).id


async def told(vendor: Vendor, sre: Actor, command: TellOfIncident) -> Incident:
    """A minute after what was told before."""
    vendor.clock.advance(timedelta(minutes=1))
    return await vendor.house.incidents.tell(command, sre)


async def kept(vendor: Vendor) -> tuple[int, list[UUID], dict[str, Incident]]:
    """What is stored: events, receipts, and the register."""
    async with vendor.house.storage.read(VENDOR) as session:
        query = select(func.count()).select_from(facts).where(facts.c.tenant_id == VENDOR_ID)
        count = (await session.execute(query)).scalar_one()
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    return count, [each.id for each in page.items], await vendor.register(follow=False)


async def refused(vendor: Vendor, sre: Actor, command: TellOfIncident) -> tuple[str, str | None]:
    """By which code and field; nothing changed."""
    before = await kept(vendor)
    with pytest.raises((Conflict, InvalidInput)) as wrong:
        await told(vendor, sre, command)
    assert await kept(vendor) == before
    return wrong.value.code, wrong.value.field


async def test_whom_it_touches_already_is_not_said_again(vendor: Vendor, sre: Actor) -> None:
    await vendor.customer("acme")
    await vendor.customer("globex")
    incident = await declared(vendor, sre, "INC-1", "P3")
    assert await refused(vendor, sre, SetAffected(incident, "All")) == ("SAME_AFFECTED", "tenants")
    named = SetAffected(incident, "Two of them", tenants=("globex", "acme"))
    assert len((await told(vendor, sre, named)).tenants) == 2
    assert await refused(vendor, sre, named) == ("SAME_AFFECTED", "tenants")
    fewer = SetAffected(incident, "One of them", tenants=("acme",))
    assert len((await told(vendor, sre, fewer)).tenants) == 1


async def test_whom_it_touched_is_not_said_of_before_it_was_said_anew(vendor: Vendor, sre: Actor) -> None:
    await vendor.customer("acme")
    incident = await declared(vendor, sre, "INC-1", "P3")
    before = vendor.clock.now()
    await told(vendor, sre, SetAffected(incident, "One of them", tenants=("acme",)))
    assert await refused(vendor, sre, SetAffected(incident, "All", before)) == ("INVALID", "at")


async def test_a_severity_is_not_said_of_before_another_was_said(vendor: Vendor, sre: Actor) -> None:
    incident = await declared(vendor, sre, "INC-1", "P4")
    between = vendor.clock.now() + timedelta(seconds=30)
    await told(vendor, sre, ChangeSeverity(incident, "Worse", severity=Severity.P3))
    await told(vendor, sre, ChangeSeverity(incident, "Not so bad", severity=Severity.P4))
    late = ChangeSeverity(incident, "It was worse", between, severity=Severity.P3)
    assert await refused(vendor, sre, late) == ("INVALID", "at")
    # What makes it a P1 counts whenever it was said to be one.
    bad = ChangeSeverity(incident, "It was far worse", between, severity=Severity.P1)
    assert (await told(vendor, sre, bad)).severity is Severity.P1


async def test_a_merger_behind_its_undoing_is_refused_for_its_time_and_a_circle_for_what_it_names(
    vendor: Vendor, sre: Actor
) -> None:
    one, two = await declared(vendor, sre, "INC-1", "P3"), await declared(vendor, sre, "INC-2", "P3")
    merger = MergeIncident(one, "The same", into_id=two)
    await told(vendor, sre, merger)
    between = vendor.clock.now()
    assert await refused(vendor, sre, MergeIncident(two, "The same", into_id=one)) == ("INVALID", "into")
    await told(vendor, sre, UnmergeIncident(one, "Not the same"))
    behind = MergeIncident(one, "The same", between, into_id=two)
    assert await refused(vendor, sre, behind) == ("INVALID", "at")
    assert (await told(vendor, sre, merger)).merged_into == two


async def test_what_goes_on_in_another_does_not_end_before_it_was_reopened(
    vendor: Vendor, sre: Actor
) -> None:
    one, two = await declared(vendor, sre, "INC-1", "P3"), await declared(vendor, sre, "INC-2", "P3")
    await told(vendor, sre, ResolveIncident(one, "Over"))
    between = vendor.clock.now()
    await told(vendor, sre, ReopenIncident(one, "Not over"))
    await told(vendor, sre, MergeIncident(one, "The same", into_id=two))
    assert await refused(vendor, sre, ResolveIncident(one, "Over", between)) == ("INVALID", "at")
    assert await refused(vendor, sre, MitigateIncident(one, "Better", between)) == ("INVALID", "at")
    assert (await told(vendor, sre, ResolveIncident(one, "Over"))).is_open, "as what it goes on in is"
