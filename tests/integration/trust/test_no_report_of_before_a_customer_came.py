"""A period that was over before a customer came has no report of it, neither by the batch nor by hand, and no review."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from qbr_desk import by_the_clock, everything
from report_desk import CORA
from sqlalchemy import text
from support.learning_world import Vendor, declared
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.errors import InvalidInput
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import IncidentFilter
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.batches.model import StartTrustBatch
from trust_portal.trust.gathering.ids import INCIDENTS, MAJOR
from trust_portal.trust.qbr.model import Prepare, Promise
from trust_portal.trust.report.model import PublishTrustReport

pytestmark = pytest.mark.takes(seconds=10)

Q2 = "2026-Q2"
#: The first day of the third quarter begins where the customer is, as the form stores it.
CAME = {
    "utc": ("UTC", datetime(2026, 7, 1, tzinfo=UTC)),
    "berlin": ("Europe/Berlin", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    "angeles": ("America/Los_Angeles", datetime(2026, 7, 1, 7, tzinfo=UTC)),
}


async def test_who_came_on_the_first_day_after_a_quarter_has_no_report_and_no_review_of_it(
    portal: Portal,
) -> None:
    house = portal.house
    come = {
        (await house.tenants.create(CreateTenant(key, key.title(), zone, onboarded_at=at), CONSOLE)).id: key
        for key, (zone, at) in CAME.items()
    }
    last_day = CreateTenant(
        "before", "Before", "Europe/Berlin", onboarded_at=datetime(2026, 6, 30, tzinfo=UTC)
    )
    before = (await house.tenants.create(last_day, CONSOLE)).id
    batch = await house.trust_batches.start(StartTrustBatch(Q2), CORA)
    await house.trust_batches.plan(batch.id)
    query = text("SELECT arguments ->> 'tenant_id' FROM outbox WHERE job = :job")
    async with house.storage.read(StaffScope()) as session:
        planned = {row[0] for row in await session.execute(query, {"job": Job.PUBLISH_TRUST_REPORT.value})}
    assert {str(before), str(portal.world.aurora.id)} <= planned
    assert planned.isdisjoint(map(str, come))
    for tenant_id in come:
        with pytest.raises(InvalidInput, match=f"{Q2} was over before this customer came") as refusal:
            await house.trust_reports.publish(PublishTrustReport(tenant_id, Q2), CORA)
        assert refusal.value.field == "period"
        with pytest.raises(InvalidInput, match=f"{Q2} was over before this customer came"):
            await house.qbrs.prepare(Prepare(tenant_id, Q2), CORA)
        assert await house.trust_reports.versions(CONSOLE, tenant_id) == ()
        assert (await house.trust_reports.preview(CONSOLE, tenant_id, "2026-Q3")).as_of == house.clock.now()


async def test_of_who_came_after_the_quarter_of_its_first_review_nothing_is_asked_for_and_promises_go_to_the_next(
    portal: Portal,
) -> None:
    house = portal.house
    new = CreateTenant("berlin", "Berlin", "Europe/Berlin", onboarded_at=CAME["berlin"][1])
    berlin = await house.tenants.create(new, CONSOLE)
    last_day = CreateTenant(
        "last", "Last", "Europe/Berlin", onboarded_at=CAME["berlin"][1] - timedelta(days=1)
    )
    last = await house.tenants.create(last_day, CONSOLE)
    for each in (berlin, last):
        await house.accounts.set(SetAccount(each.id, None, date(2026, 7, 13)), CORA)
    readiness = {each.tenant.id: each.readiness for each in await house.accounts.list(CORA)}
    assert (readiness[berlin.id], readiness[last.id]) == (Readiness.NOTHING_YET, Readiness.NOT_PREPARED)
    before = await everything(house, berlin.id)
    assert await by_the_clock(house) == 1, "of the other alone"
    assert await everything(house, berlin.id) == before
    async with portal.browser("csm") as csm:
        assert "Nothing to review yet" in (await csm.get("/accounts")).text
        said = "Q2 2026, which was over before this customer came: nothing is prepared"
        assert said in (await csm.get("/t/berlin/account")).text

    with pytest.raises(InvalidInput, match=f"{Q2} was over before this customer came") as refusal:
        await house.qbrs.promise(Promise(berlin.id, "Answer", "Cora", date(2026, 9, 1), Q2), CORA)
    assert refusal.value.field == "period"
    assert await everything(house, berlin.id) == before
    made = [
        await house.qbrs.promise(Promise(each.id, "Answer", "Cora", date(2026, 9, 1)), CORA)
        for each in (berlin, last)
    ]
    assert [each.period for each in made] == ["2026-Q3", Q2]

    await house.accounts.set(SetAccount(berlin.id, None, date(2026, 10, 5)), CORA)
    assert (await house.accounts.look(CORA, berlin.id)).readiness is Readiness.NOT_PREPARED


async def test_of_a_period_that_began_after_a_customer_had_left_there_is_neither_report_nor_review(
    portal: Portal,
) -> None:
    house = portal.house
    stayed = CreateTenant(
        "berlin", "Berlin", "Europe/Berlin", onboarded_at=CAME["berlin"][1] - timedelta(days=60)
    )
    berlin = (await house.tenants.create(stayed, CONSOLE)).id
    await house.tenants.offboard(berlin, CONSOLE)
    portal.clock.advance(datetime(2026, 10, 2, tzinfo=UTC) - portal.clock.now())
    before = await everything(house, berlin)
    for label in ("2026-Q4", "2026-08"):
        with pytest.raises(InvalidInput, match=f"{label} began after this customer had left") as refusal:
            await house.trust_reports.publish(PublishTrustReport(berlin, label), CORA)
        assert refusal.value.field == "period"
        with pytest.raises(InvalidInput, match=f"{label} began after this customer had left"):
            await house.qbrs.prepare(Prepare(berlin, label), CORA)
    assert await everything(house, berlin) == before
    for label in ("2026-Q3", "2026-07"):
        assert (await house.trust_reports.preview(CONSOLE, berlin, label)).as_of == house.clock.now()
    assert (await house.qbrs.prepare(Prepare(berlin, "2026-Q3"), CORA)).period == "2026-Q3"


async def test_what_befell_everybody_after_a_customer_had_left_is_not_in_the_report_of_the_period_it_left_in(
    portal: Portal,
) -> None:
    house, vendor = portal.house, Vendor(portal.house, portal.clock)
    aurora = portal.world.aurora.id
    left = await house.tenants.offboard((await vendor.customer("berlin")), CONSOLE)
    assert left.offboarded_at is not None
    portal.clock.advance(timedelta(days=1))
    told = {"tenants": None}
    for key, began in (
        ("before", left.offboarded_at - timedelta(seconds=1)),
        ("then", left.offboarded_at),
        ("after", left.offboarded_at + timedelta(hours=5)),
    ):
        await vendor.tell(declared(key, began_at=rfc3339(began), detected_at=rfc3339(began), **told))
    await vendor.register()

    async def shown(tenant_id: UUID) -> set[str]:
        found = await house.trust_reports.preview(CONSOLE, tenant_id, "2026-Q3")
        section = next(each for each in found.sections if each.id == INCIDENTS)
        return {each.id for each in section.table(MAJOR).rows}

    incidents = (await house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))).items
    ids = {each.key: str(each.shown_id) for each in incidents if each.key in {"before", "then", "after"}}
    assert await shown(left.id) == {ids["before"]}
    assert await shown(aurora) >= set(ids.values())
    assert {each.key for each in incidents if each.key in ids and each.concerns(left)} == {"before"}
