"""What a worker does for one customer of a batch is there whole or not at all, whenever the worker ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from report_desk import CORA, acknowledged, stored
from sqlalchemy import text
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.batches import repository
from trust_portal.trust.batches.model import Batch, BatchOutcome, StartTrustBatch

pytestmark = pytest.mark.takes(seconds=8)

PERIOD = "2026-05"


async def planned(portal: Portal) -> tuple[Batch, UUID]:
    """A batch in which Aurora waits, and the work that waits for her."""
    house, aurora = portal.house, portal.world.aurora
    let_stand = await acknowledged(house, aurora.id, PERIOD)
    batch = await house.trust_batches.start(StartTrustBatch(PERIOD, let_stand), CORA)
    await house.trust_batches.plan(batch.id)
    waiting = [
        each.row_id
        for each in await Backlog(house.storage).waiting()
        if each.job == Job.PUBLISH_TRUST_REPORT and each.arguments["tenant_id"] == str(aurora.id)
    ]
    (work,) = waiting
    return batch, work


async def outcome(house: House, tenant_id: UUID) -> BatchOutcome:
    progress = await house.trust_batches.progress(CORA, PERIOD)
    (line,) = [each for each in progress.tenants if each.tenant_id == tenant_id]
    return line.outcome


async def still_waits(house: House, work: UUID) -> bool:
    return work in {each.row_id for each in await Backlog(house.storage).waiting()}


async def test_where_its_line_cannot_be_written_nothing_is_published(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, aurora = portal.house, portal.world.aurora
    batch, work = await planned(portal)
    before = await stored(house, aurora.id)

    async def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the worker ends here")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "settle_tenant", fails)
        with pytest.raises(ZeroDivisionError):
            await house.trust_batches.cover(batch.id, aurora.id, work)
    assert await stored(house, aurora.id) == before
    assert await outcome(house, aurora.id) is BatchOutcome.PENDING
    assert await still_waits(house, work)

    await house.trust_batches.cover(batch.id, aurora.id, work)
    (report,) = await house.trust_reports.versions(CONSOLE, aurora.id)
    assert (report.period, report.revision) == (PERIOD, 1)
    assert await outcome(house, aurora.id) is BatchOutcome.PUBLISHED
    assert not await still_waits(house, work)


async def test_work_that_another_worker_has_ended_publishes_nothing(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    batch, work = await planned(portal)
    before = await stored(house, aurora.id)
    async with house.storage.write(TenantScope(aurora.id)) as session:
        await session.execute(text("DELETE FROM outbox WHERE id = :work"), {"work": work})
    await house.trust_batches.cover(batch.id, aurora.id, work)
    assert await stored(house, aurora.id) == before
    assert await outcome(house, aurora.id) is BatchOutcome.PENDING
