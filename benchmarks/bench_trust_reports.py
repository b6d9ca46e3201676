"""Trust Reports of every customer: what a second worker process brings, in one run.

The batch publishes (gather in one snapshot, document, receipt); the bundles (PDF, proofs, zip) are made by
workers of their own queue. Each is measured with one process and with two, over the same tenants, for two
quarters that are as alike as two quarters can be: the first one warms nothing that the second one uses.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from benchmarks.row import Row, at_least, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import list_exports
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.house import House, build_house
from trust_portal.kernel.page import PageRequest
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.batches.model import BatchState, StartTrustBatch
from trust_portal.trust.report.model import Acknowledgement, blocked_as

#: ``TRUST_REPORT_TENANTS=1000`` for the whole of it.
TENANTS = int(os.environ.get("TRUST_REPORT_TENANTS", "100"))
ONBOARDED = datetime(2024, 1, 1, tzinfo=UTC)
#: One worker process, then two; each quarter is long over.
ROUNDS = ((1, "2024-Q3"), (2, "2024-Q4"))
SCALING = 1.6


@dataclass(frozen=True, slots=True)
class Place:
    house: House
    settings: Settings
    tenants: tuple[UUID, ...]


async def run() -> list[Row]:
    published: dict[int, float] = {}
    bundled: dict[int, float] = {}
    with TemporaryDirectory() as folder:
        async with _place(Path(folder)) as place:
            for workers, period in ROUNDS:
                published[workers] = TENANTS / await _publish(place, workers, period)
                bundled[workers] = TENANTS / await _bundle(place, workers)
    return [
        context(f"reports of {TENANTS} tenants published, one worker", published[1], "reports/s"),
        context("bundles made, one worker", bundled[1], "bundles/s"),
        at_least(
            "reports published by two workers", published[2], "reports/s", SCALING * published[1], "1.6 × one"
        ),
        at_least("bundles made by two workers", bundled[2], "bundles/s", SCALING * bundled[1], "1.6 × one"),
    ]


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with embedded_servers(folder / "data") as servers:
        await migrate(servers.database_url)
        settings = Settings(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            key_file=folder / "keys.json",
            base_url="https://trust.example",
        )
        house = build_house(settings)
        try:
            await house.open()
            made = [
                await house.tenants.create(
                    CreateTenant(f"t{n:04d}", f"T {n}", onboarded_at=ONBOARDED), CONSOLE
                )
                for n in range(TENANTS)
            ]
            yield Place(house, settings, tuple(each.id for each in made))
        finally:
            await house.close()


async def _publish(place: Place, workers: int, period: str) -> float:
    """Seconds from the start of the batch to its completion; processes are up before."""
    house = place.house
    preview = await house.trust_reports.preview(CONSOLE, place.tenants[0], period)
    let_stand = tuple(Acknowledgement(each.id, "a benchmark", blocked_as(each)) for each in preview.blocking)

    async def complete() -> bool:
        return (await house.trust_batches.newest(CONSOLE, 1))[0].state is BatchState.COMPLETE

    async with _workers(place, "default", workers):
        await asyncio.sleep(4)
        begin = time.perf_counter()
        await house.trust_batches.start(StartTrustBatch(period, let_stand), CONSOLE)
        await _until(complete)
        seconds = time.perf_counter() - begin
    counts = (await house.trust_batches.progress(CONSOLE, period)).counts
    assert counts["published"] == TENANTS, counts
    return seconds


async def _bundle(place: Place, workers: int) -> float:
    """Seconds until every bundle that was asked for is ready; somebody else sequences."""
    house = place.house
    stop = asyncio.Event()
    sequencer = asyncio.create_task(
        run_sequencer(house.storage, house.keyring, stop, host=place.settings.host)
    )
    waiting = set(place.tenants)

    async def ready() -> bool:
        for tenant_id in sorted(waiting):
            async with house.storage.read(TenantScope(tenant_id)) as session:
                (newest,) = (await list_exports(session, tenant_id, PageRequest(1))).items
            if newest.state is not ExportState.READY:
                return False
            waiting.discard(tenant_id)
        return True

    try:
        begin = time.perf_counter()
        async with _workers(place, "exports", workers):
            await _until(ready)
            return time.perf_counter() - begin
    finally:
        stop.set()
        await sequencer


@asynccontextmanager
async def _workers(place: Place, queue: str, count: int) -> AsyncIterator[None]:
    settings = place.settings
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEY_FILE": str(settings.key_file),
        "BASE_URL": settings.base_url,
    }
    command = (sys.executable, "-m", "trust_portal.cli", "worker", "--queue", queue)
    quiet = asyncio.subprocess.DEVNULL
    processes = [
        await asyncio.create_subprocess_exec(*command, env=environment, stdout=quiet, stderr=quiet)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(3600):
        while not await condition():  # noqa: ASYNC110 - the change is in another process
            await asyncio.sleep(0.05)
