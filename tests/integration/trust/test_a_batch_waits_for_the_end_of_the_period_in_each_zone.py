"""A batch that somebody starts when a period is over somewhere publishes nobody's report before its end where they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from report_desk import CORA
from sqlalchemy import text
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.batches.model import StartTrustBatch

pytestmark = pytest.mark.takes(seconds=10)


async def test_each_customers_report_is_due_at_the_end_of_the_period_in_its_own_zone(portal: Portal) -> None:
    house = portal.house
    ends = {
        "kiritimati": ("Pacific/Kiritimati", datetime(2026, 7, 31, 10, tzinfo=UTC)),
        "angeles": ("America/Los_Angeles", datetime(2026, 8, 1, 7, tzinfo=UTC)),
    }
    known = {portal.world.aurora.id: "aurora"}
    for key, (zone, _) in ends.items():
        known[(await house.tenants.create(CreateTenant(key, key.title(), zone), CONSOLE)).id] = key
    started = datetime(2026, 7, 31, 12, tzinfo=UTC)
    portal.clock.advance(started - portal.clock.now())
    batch = await house.trust_batches.start(StartTrustBatch("2026-07"), CORA)
    await house.trust_batches.plan(batch.id)
    query = text("SELECT arguments ->> 'tenant_id', due_at FROM outbox WHERE job = :job")
    async with house.storage.read(StaffScope()) as session:
        rows = (await session.execute(query, {"job": Job.PUBLISH_TRUST_REPORT.value})).all()
    due = {known[tenant]: at for each, at in rows for tenant in known if str(tenant) == each}
    assert due == {
        "kiritimati": started,
        "aurora": datetime(2026, 8, 1, tzinfo=UTC),
        "angeles": ends["angeles"][1],
    }
