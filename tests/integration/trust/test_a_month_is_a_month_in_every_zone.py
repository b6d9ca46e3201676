"""A report of June tells of June's SLA report and of none of July, wherever the customer's midnight is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support.portal_fixtures import Portal
from support.portal_world import CONTRACT, LAST_DAY, deliver, measured

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.gathering.ids import REPORTS
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.sla import gather

pytestmark = pytest.mark.takes(seconds=10)

DAY = timedelta(days=1)


async def reported(portal: Portal, tenant_id: UUID, period: str) -> list[str]:
    """The signed SLA reports that a Trust Report of the period names."""
    tenant = await portal.house.tenants.get(CONSOLE, tenant_id)
    ask = Ask(tenant, parse_period(period, tenant.time_zone), portal.clock.now())
    async with portal.house.storage.read(StaffScope(), snapshot=True) as session:
        return [row.id for row in (await gather(session, ask)).table(REPORTS).rows]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo", "UTC"])
async def test_no_later_month_comes_into_a_report_where_the_contract_counts_in_another_zone(
    portal: Portal, zone: str
) -> None:
    house = portal.house
    came = CreateTenant("pacific", "Pacific", time_zone=zone, onboarded_at=LAST_DAY)
    pacific = (await house.tenants.create(came, CONSOLE)).id
    two_days = CONTRACT.format(tenant="pacific").replace(
        "currency:", "effective_to: 2026-07-02T00:00:00Z\ncurrency:"
    )
    await house.contracts.import_file(ImportContracts(two_days.encode()), CONSOLE)
    for day in (LAST_DAY, LAST_DAY + DAY):
        events = measured("pacific", day, 0)
        await deliver(house, [each | {"id": f"{each['id']}-{day:%d}"} for each in events])
    portal.clock.advance(30 * DAY)
    for label in ("2026-06", "2026-07"):
        assert (await house.reports.issue(IssueReport(pacific, label), CONSOLE)).revision == 1
    assert await reported(portal, pacific, "2026-06") == ["2026-06"]
    assert await reported(portal, pacific, "2026-07") == ["2026-06", "2026-07"]
    assert await reported(portal, pacific, "2026-Q2") == ["2026-06"]
