"""Which periods are owed a report: those that the contract in force promised, by what was on record by their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from support.learning_world import Vendor
from support.portal_world import CONTRACT, LAST_DAY, NOW, deliver, measured

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.compliance.model import Evaluate, Party, Result
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.sla import gather
from trust_portal.trust.sections.model import Section, State

pytestmark = pytest.mark.takes(seconds=10)

DAY = timedelta(days=1)


async def judged(house: House, tenant_id, party: Party = Party.TENANT) -> Result:
    evaluation = await house.compliance.evaluate(Evaluate(tenant_id, "the auditor asks"), CONSOLE)
    (found,) = [each for each in evaluation.results if (each.control, each.party) == ("sla-reports", party)]
    return found


async def test_a_report_of_a_month_before_the_contract_was_recorded_is_held_to_what_every_other_is(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    clock.advance(NOW - clock.now())
    for key in ("acme", "globex"):
        await house.contracts.import_file(ImportContracts(CONTRACT.format(tenant=key).encode()), CONSOLE)
    clock.advance(2 * DAY)
    nothing = await judged(house, acme)
    assert (nothing.state.value, nothing.why) == (
        "not_evaluated",
        "no period has ended yet for which a report is due",
    )

    await deliver(house, measured("acme", LAST_DAY, 3))
    await house.reports.issue(IssueReport(acme, "2026-06"), CONSOLE)
    reported = await judged(house, acme)
    assert (reported.state.value, reported.looked_at, reported.gaps) == ("satisfied", 1, ())
    assert (await judged(house, VENDOR_ID, Party.HOUSE)).looked_at == 1, "of globex nothing was reported"
    assert (await judged(house, globex)).looked_at == 0

    late = measured("acme", LAST_DAY, 9)[8:9]
    await deliver(house, [each | {"id": "late", "source": "//late"} for each in late])
    await house.reports.issue(IssueReport(acme, "2026-06"), CONSOLE)
    overtaken = await judged(house, acme)
    assert [(each.name, each.why) for each in overtaken.gaps] == [
        (
            "2026-06 of acme",
            "data received since revision 1 give other figures, and it was not restated",
        )
    ]


async def promise(house: House, tenant: str, version: str, start: str, **changed: str) -> None:
    """A version of the tenant's contract on record; ``until``: the day on which it ends, ``period``: month or quarter."""
    terms = CONTRACT.format(tenant=tenant).replace('"2026.1"', f'"{version}"')
    until = f"\neffective_to: {changed['until']}" if "until" in changed else ""
    terms = terms.replace("effective_from: 2026-06-30T00:00:00Z", f"effective_from: {start}{until}")
    if "period" in changed:
        terms = terms.replace("time_zone: UTC", f"time_zone: UTC\n    period: {changed['period']}")
    await house.contracts.import_file(ImportContracts(terms.encode()), CONSOLE)


def owed(result: Result) -> list[str]:
    """What is judged to be unreported; nothing was reported at all, so it is all that is owed."""
    assert result.looked_at == len(result.gaps)
    return [each.name for each in result.gaps]


async def test_a_month_is_owed_its_report_however_long_ago_it_was(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    await promise(house, "acme", "1", "2026-06-01", until="2026-07-01")
    clock.advance(1500 * DAY)
    assert owed(await judged(house, acme)) == ["2026-06 of acme"]


async def test_nothing_is_owed_by_a_contract_that_has_ended(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    await promise(house, "acme", "1", "2026-05-01", until="2026-06-30")
    clock.advance(datetime(2026, 11, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-06 of acme"], "May was over before anybody had promised"
    assert owed(await judged(house, VENDOR_ID, Party.HOUSE)) == ["2026-06 of acme"]


async def test_a_contract_that_goes_from_month_to_quarter_owes_each_period_once(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    await promise(house, "acme", "1", "2026-06-01")
    await promise(house, "acme", "2", "2026-07-01", period="quarter")
    await promise(house, "globex", "1", "2026-04-01", period="quarter")
    await promise(house, "globex", "2", "2026-07-01")
    clock.advance(datetime(2026, 10, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-06 of acme", "2026-Q3 of acme"]
    theirs = ["2026-07 of globex", "2026-08 of globex", "2026-09 of globex", "2026-Q2 of globex"]
    assert owed(await judged(house, globex)) == theirs
    assert owed(await judged(house, VENDOR_ID, Party.HOUSE)) == [
        "2026-06 of acme",
        "2026-Q3 of acme",
        *theirs,
    ]


async def test_a_version_recorded_late_owes_no_period_that_was_over_and_takes_back_what_it_replaces(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    await promise(house, "acme", "1", "2026-04-01", period="quarter")
    clock.advance(datetime(2026, 8, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-Q2 of acme"]
    await promise(house, "acme", "2", "2026-04-01")
    assert (await judged(house, acme)).why == "no period has ended yet for which a report is due"
    clock.advance(datetime(2026, 9, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-08 of acme"]


async def told(house: House, tenant_id: UUID, period: str, now: datetime) -> Section:
    """What a Trust Report of the period says of its service levels."""
    tenant = await house.tenants.get(CONSOLE, tenant_id)
    async with house.storage.read(StaffScope(), snapshot=True) as session:
        return await gather(session, Ask(tenant, parse_period(period, tenant.time_zone), now))


async def test_a_trust_report_names_as_owed_what_is_judged_to_be_and_nothing_that_was_over_before_it_was_promised(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    came = CreateTenant("acme", "Acme", onboarded_at=datetime(2026, 4, 1, tzinfo=UTC))
    acme = (await house.tenants.create(came, CONSOLE)).id
    clock.advance(datetime(2026, 7, 10, tzinfo=UTC) - clock.now())
    await promise(house, "acme", "1", "2026-05-01")
    clock.advance(datetime(2026, 8, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-07 of acme"]
    july = await told(house, acme, "2026-07", clock.now())
    assert (july.state, july.why) == (State.MISSING, "no report is signed for July 2026")
    (objective,) = (each for each in july.tables if each.id != "reports")
    assert [row.id for row in objective.rows] == ["2026-07"]
    for before in ("2026-05", "2026-06", "2026-Q2"):
        section = await told(house, acme, before, clock.now())
        assert (section.state, section.why) == (
            State.NOT_APPLICABLE,
            "no contract that was on record by then promises anything in this period",
        )


async def test_what_was_over_before_a_customer_came_nobody_owes_it(house: House, clock: ManualClock) -> None:
    came = CreateTenant("acme", "Acme", onboarded_at=datetime(2026, 7, 1, tzinfo=UTC))
    acme = (await house.tenants.create(came, CONSOLE)).id
    await promise(house, "acme", "1", "2026-06-01")
    clock.advance(datetime(2026, 8, 12, tzinfo=UTC) - clock.now())
    assert owed(await judged(house, acme)) == ["2026-07 of acme"]
    await house.tenants.offboard(acme, CONSOLE)
    assert (await judged(house, VENDOR_ID, Party.HOUSE)).looked_at == 0
