"""A batch publishes every tenant's Trust Report, names what it cannot, and outlives its workers; so do its bundles.

The tenants have a past: contracts, measurements, usage, SLA reports, and one in ten an incident.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from report_desk import CORA
from sqlalchemy import select
from support.worker_process import worker_process

from benchmarks import past
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Conflict
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import list_exports
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.tables import exports, receipts
from trust_portal.evidence.verify import verify
from trust_portal.house import House, build_house
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.batches.model import BatchOutcome, BatchState, StartTrustBatch
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import KIND
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=60)

#: Long over, whatever the machine's clock says.
PERIOD = "2024-Q4"
PAST = past.Past(("2024-12",), ("2024-12",), metered=timedelta(days=2))
#: A thousand, as they are asked for, take some minutes: ``TRUST_BATCH_TENANTS=1000``.
TENANTS = int(os.environ.get("TRUST_BATCH_TENANTS", "12"))
#: How many are left when a worker is killed at it, one worker after the other.
KILLED_AT = tuple(range(TENANTS - 1, 0, -max(TENANTS // 4, 12)))


async def test_a_batch_outlives_its_workers_and_settles_every_tenant_once(
    database_url: str, redis_url: str, tmp_path: Path
):
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=tmp_path / "keys.json",
        base_url="https://trust.example",
        log_format="console",
    )
    house = build_house(settings)
    try:
        await house.open()
        tenants = await past.customers(house, TENANTS, datetime(2024, 1, 1, tzinfo=UTC))
        hurt = {each.id for number, each in enumerate(tenants) if past.is_hurt(number)}
        await past.live_through(house, tenants, PAST)
        await past.start_months(house, PAST)
        async with worker_process(settings):
            await until(partial(past.months_are_reported, house, PAST))
            await until(partial(past.everything_is_logged, house, tenants))
        await past.forget_bundles(house)
        with pytest.raises(Conflict):
            await house.trust_batches.start(StartTrustBatch("2999-Q1"), CONSOLE)

        let_stand = await past.all_let_stand(house, tenants, PERIOD, "nobody has looked yet")
        assert [(each.section, each.seen) for each in let_stand] == [
            ("incidents", f"missing: no signed postmortem of P2 {past.TROUBLE}"),
            ("credits", "missing: due, and not on its way: EUR 480.00 for December 2024"),
        ]

        await house.trust_batches.start(StartTrustBatch(PERIOD), CORA)
        for left in KILLED_AT:
            await work(settings, house, killed_at=left)
        await work(settings, house)
        progress = await house.trust_batches.progress(CORA, PERIOD)
        assert (progress.batch.state, progress.batch.attempt) == (BatchState.COMPLETE, 1)
        for row in progress.tenants:
            if row.tenant_id not in hurt:
                assert (row.outcome, row.reason) == (BatchOutcome.PUBLISHED, None)
                continue
            assert row.outcome is BatchOutcome.BLOCKED, (
                "a batch that nobody let anything stand forces nothing"
            )
            assert (row.reason or "").replace("\xa0", " ") == (
                f"not published: Major incidents (incidents), missing: no signed postmortem of P2 {past.TROUBLE}; "
                "Credits (credits), missing: due, and not on its way: EUR 480.00 for December 2024. "
                "Acknowledge each with a reason, which is printed, or bring it up to date"
            )

        await house.trust_batches.start(StartTrustBatch(PERIOD, let_stand), CORA)
        await work(settings, house, killed_at=max(len(hurt) - 1, 1))
        await work(settings, house)
        progress = await house.trust_batches.progress(CORA, PERIOD)
        assert (progress.batch.state, progress.batch.attempt) == (BatchState.COMPLETE, 2)
        assert {each.outcome for each in progress.tenants} == {BatchOutcome.PUBLISHED}
        for tenant, row in zip(tenants, progress.tenants, strict=True):
            (report,) = await house.trust_reports.versions(CONSOLE, tenant.id)
            assert row.report_id == report.id, "one report each, also where a worker died in between"
            assert [(each.section, each.reason) for each in report.acknowledged] == [
                (each.section, "nobody has looked yet (said of every customer by Cora)")
                for each in let_stand
                if tenant.id in hurt
            ]
            assert await states_of(house, tenant) == {
                "sla": "fresh",
                "incidents": "missing" if tenant.id in hurt else "fresh",
                "cost": "not_applicable",  # metered of late, and not in the period
                "credits": "missing" if tenant.id in hurt else "fresh",
                "compliance": "fresh",
                "posture": "fresh",
                "notes": "not_applicable",
                "access": "fresh",
                "verification": "fresh",
                "changes": "not_applicable",
            }
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            query = select(receipts.c.id).where(
                receipts.c.tenant_id == VENDOR_ID, receipts.c.kind == "trust_batch.completed"
            )
            assert len((await session.execute(query)).all()) == 2, "one receipt an attempt"
        await bundles_outlive_their_workers(settings, house)
    finally:
        await house.close()


async def bundles_outlive_their_workers(settings: Settings, house: House) -> None:
    """Twice a worker that makes PDFs is killed at one; what it was at is made once all the same, and verifies."""
    struck = set[UUID]()
    async with worker_process(settings):  # it sequences what bundles wait for
        for _ in range(2):
            before = set(struck)
            while struck == before:
                async with worker_process(settings, "exports"):
                    await until(partial(are_new, house, ExportState.RENDERING, before))
                # What was done before the signal came shows nothing.
                struck |= await in_state(house, ExportState.RENDERING)
        async with worker_process(settings, "exports"):
            await until(partial(are_ready, house, struck))
    for tenant_id in struck:
        async with house.storage.read(TenantScope(tenant_id)) as session:
            made = (await list_exports(session, tenant_id, PageRequest(10))).items
        (export,) = [each for each in made if each.kind == KIND]
        (report,) = await house.trust_reports.versions(CONSOLE, tenant_id)
        assert (export.state, export.subject_id) == (ExportState.READY, report.id)
        content = (await house.archive.download(CORA, tenant_id, export.id)).content
        policy = Policy.parse((await house.archive.trust_policy(CORA, tenant_id)).encode())
        assert verify(content, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS).findings == ()


async def states_of(house: House, tenant: Tenant) -> dict[str, str]:
    """Of each section of the tenant's one report."""
    (report,) = await house.trust_reports.versions(CONSOLE, tenant.id)
    opened = await house.trust_reports.get(CONSOLE, tenant.id, report.id)
    return {each["id"]: each["state"] for each in opened.document["sections"]}


async def in_state(house: House, state: ExportState) -> set[UUID]:
    """Customers of whose bundles one is in that state."""
    async with house.storage.read(StaffScope()) as session:
        query = select(exports.c.tenant_id).where(exports.c.state == state.value)
        return set((await session.execute(query)).scalars())


async def are_new(house: House, state: ExportState, known: set[UUID]) -> set[UUID]:
    return await in_state(house, state) - known


async def are_ready(house: House, tenants: set[UUID]) -> bool:
    return tenants <= await in_state(house, ExportState.READY)


async def until(found: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(900):
        while not await found():
            await asyncio.sleep(0.01)


async def work(settings: Settings, house, *, killed_at: int | None = None) -> None:
    """A worker process until the batch is complete; or one that is killed once so few customers are left."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEY_FILE": str(settings.key_file),
        "BASE_URL": settings.base_url,
    }
    quiet = asyncio.subprocess.DEVNULL
    command = (sys.executable, "-m", "trust_portal.cli", "worker", "--queue", "default")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=quiet, stderr=quiet)
    try:
        async with asyncio.timeout(300 + TENANTS):
            while not await is_over(house, killed_at):
                await asyncio.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM if killed_at is None else signal.SIGKILL)
        await process.wait()


async def is_over(house, killed_at: int | None) -> bool:
    tally = await house.trust_batches.tally(CONSOLE, PERIOD)
    some = killed_at is not None and 0 < tally.counts["pending"] <= killed_at
    return tally.batch.state is BatchState.COMPLETE or some
