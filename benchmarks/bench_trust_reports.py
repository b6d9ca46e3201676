"""Trust Reports of every customer: what a second worker process brings, in one run of about six minutes.

The batch publishes (gather in one snapshot, document, receipt); the bundles (PDF, proofs, zip) are made by
workers of their own queue. Each is measured with one process and with two, over the same tenants. Each tenant has
a past (``benchmarks/past.py``): a contract, measurements, usage, signed SLA reports, and one in ten an incident in
each quarter.

A quarter's report tells of what was before it, too, and takes longer than that of the quarter before. So of each
quarter's reports one half is published by one worker and the other half by two, and in the second quarter the two
come first: both publish as much of each. What a worker takes of memory, what a report takes of all processors, and
how long a look at the batch takes is told beside it.

The database is on the same machine. What it takes of each report, and the worker beside it, is told as what the
processors here allow at the most: no number of workers publishes more than that.

A report is whole when it is published and its bundle is made: that is told from both rates.

Publishing takes a tenth of what a bundle takes, so many are published and only the first of their bundles
waited for. The clock starts when some are made: by then the processes are up, their connections have planned what
they ask again and again, and they have unpacked fonts and style sheets, which a worker does once in its life.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from benchmarks import past
from benchmarks.cpu_time import below_seconds, family_seconds
from benchmarks.installation import installation
from benchmarks.row import Row, at_least, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.tables import exports
from trust_portal.house import House
from trust_portal.kernel.page import PageRequest
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.batches.model import BatchState, StartTrustBatch
from trust_portal.trust.report.tables import trust_reports

#: ``TRUST_REPORT_TENANTS=1000 TRUST_REPORT_BUNDLES=1000`` for the whole of it.
TENANTS = int(os.environ.get("TRUST_REPORT_TENANTS", "480"))
BUNDLES = min(int(os.environ.get("TRUST_REPORT_BUNDLES", "24")), TENANTS)
#: Made before the clock starts: bundles, and reports for each worker. PostgreSQL plans a statement anew for the first
#: five times that a connection asks it, and a worker has a dozen connections: of a thousand customers' reports that is the
#: first few, of a sample's it would be most.
WARM = 4
WARM_REPORTS = min(72, TENANTS // 8)
#: Not on the clock: at the end of a quarter the eight jobs at a time are no longer all busy.
LAST_REPORTS = 8
#: How often somebody looks, who is not to be in the way.
LOOK = 0.25
#: A second for each, on a machine that does other things, too.
PATIENCE = timedelta(minutes=2) + timedelta(seconds=TENANTS)
ONBOARDED = datetime(2024, 1, 1, tzinfo=UTC)
#: Which number of worker processes publishes the first half, and which the second; each quarter is long over.
QUARTERS = (("2024-Q3", (1, 2)), ("2024-Q4", (2, 1)))
WORKERS = (1, 2)
#: A month of each quarter.
PAST = past.Past(("2024-09", "2024-10"), ("2024-09", "2024-10"), metered=timedelta(days=30))
SCALING = 1.6


@dataclass(frozen=True, slots=True)
class Place:
    house: House
    settings: Settings
    tenants: tuple[Tenant, ...]
    #: Seconds that it took to bring the past in.
    set_up: float


@dataclass(slots=True)
class Published:
    """What so many workers published on the clock; ``processor`` seconds of the workers and of the servers."""

    reports: int = 0
    seconds: float = 0.0
    workers: float = 0.0
    servers: float = 0.0

    @property
    def rate(self) -> float:
        return self.reports / self.seconds

    @property
    def at_most(self) -> float:
        """Reports a second, were all processors at work all the time."""
        return len(os.sched_getaffinity(0)) * self.reports / (self.workers + self.servers)


async def run() -> list[Row]:
    published = {workers: Published() for workers in WORKERS}
    bundled: dict[int, float] = {}
    peaks: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        async with _place(Path(folder)) as place:
            for workers, (period, turns) in zip(WORKERS, QUARTERS, strict=True):
                await _publish(place, period, turns, published, peaks)
                bundled[workers] = await _bundle(place, workers, peaks)
            look = await _look(place, QUARTERS[-1][0])
    one, two = published[1], published[2]
    whole = {each: 1 / (1 / published[each].rate + 1 / bundled[each]) for each in WORKERS}
    of_worker, of_servers = (1000 * each / two.reports for each in (two.workers, two.servers))
    return [
        context(f"bringing in the past of {TENANTS} tenants, SLA reports by two workers", place.set_up, "s"),
        context(
            f"reports published, one worker, half of {TENANTS} tenants in each quarter", one.rate, "reports/s"
        ),
        context(f"bundles made ({BUNDLES} of these), one worker", bundled[1], "bundles/s"),
        at_least("reports published by two workers", two.rate, "reports/s", SCALING * one.rate, "1.6 × one"),
        context("… the most that the processors here allow", two.at_most, "reports/s"),
        context("… processor time of a report, its worker", of_worker, "ms"),
        context("… processor time of a report, the servers beside it", of_servers, "ms"),
        at_least("bundles made by two workers", bundled[2], "bundles/s", SCALING * bundled[1], "1.6 × one"),
        context("reports whole, published and bundled, one worker", whole[1], "reports/s"),
        at_least("reports whole by two workers", whole[2], "reports/s", SCALING * whole[1], "1.6 × one"),
        context("a look at the batch: how far, and a page of customers", look, "ms"),
        context("memory of a worker that publishes, at most", peaks["default"], "MB"),
        context("memory of a worker that makes bundles, at most", peaks["exports"], "MB"),
    ]


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with installation(folder) as place:
        house, began = place.house, time.perf_counter()
        tenants = await past.customers(house, TENANTS, ONBOARDED)
        await past.live_through(house, tenants, PAST)
        await past.start_months(house, PAST)
        async with _workers(place.settings, "default", 2, {}):
            await _until(lambda: past.months_are_reported(house, PAST))
            await _until(lambda: past.everything_is_logged(house, tenants))
        await past.forget_bundles(house)
        yield Place(house, place.settings, tuple(tenants), time.perf_counter() - began)


async def _publish(
    place: Place, period: str, turns: Sequence[int], published: dict[int, Published], peaks: dict[str, float]
) -> None:
    """The reports of ``period``, as many of them by each of ``turns`` workers; adds to ``published``."""
    house = place.house
    let_stand = await past.all_let_stand(house, place.tenants, period, "a benchmark")
    await house.trust_batches.start(StartTrustBatch(period, let_stand), CONSOLE)

    async def made() -> int:
        async with house.storage.read(StaffScope()) as session:
            query = select(func.count()).select_from(trust_reports).where(trust_reports.c.period == period)
            return int((await session.execute(query)).scalar_one())

    for turn, workers in enumerate(turns, start=1):
        wanted = TENANTS * turn // len(turns)
        async with _workers(place.settings, "default", workers, peaks) as processes:
            await _until(partial(_reached, made, await made() + WARM_REPORTS * workers))
            began, before = time.perf_counter(), await made()
            spent = _spent(processes)
            await _until(partial(_reached, made, wanted - LAST_REPORTS))
            after = await made()
            found = published[workers]
            found.reports += after - before
            found.seconds += time.perf_counter() - began
            of_workers, of_servers = (now - then for now, then in zip(_spent(processes), spent, strict=True))
            found.workers += of_workers
            found.servers += of_servers
            if turn == len(turns):
                await _until(lambda: _is_complete(place))
    counts = (await house.trust_batches.tally(CONSOLE, period)).counts
    assert counts["published"] == TENANTS, counts


async def _reached(count: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await count() >= wanted


def _spent(workers: Sequence[asyncio.subprocess.Process]) -> tuple[float, float]:
    """Seconds of the processors so far: of these workers, and of the servers, which are the other children here."""
    of_workers = sum(family_seconds(each.pid) for each in workers)
    return of_workers, below_seconds(os.getpid()) - of_workers


async def _is_complete(place: Place) -> bool:
    return (await place.house.trust_batches.newest(CONSOLE, 1))[0].state is BatchState.COMPLETE


async def _look(place: Place, period: str) -> float:
    """Milliseconds, as somebody sees it who looked a moment ago."""
    for _ in range(2):
        begin = time.perf_counter()
        await place.house.trust_batches.listing(CONSOLE, period, PageRequest(50))
        took = time.perf_counter() - begin
    return took * 1000


async def _bundle(place: Place, workers: int, peaks: dict[str, float]) -> float:
    """Bundles a second; somebody else sequences."""
    house = place.house

    async def ready() -> int:
        async with house.storage.read(StaffScope()) as session:
            query = (
                select(func.count()).select_from(exports).where(exports.c.state == ExportState.READY.value)
            )
            return int((await session.execute(query)).scalar_one())

    stop = asyncio.Event()
    sequencer = asyncio.create_task(
        run_sequencer(house.storage, house.keyring, stop, host=place.settings.host)
    )
    try:
        before = await ready()

        async def made() -> int:
            return await ready() - before

        async with _workers(place.settings, "exports", workers, peaks):
            return await _rate(made, BUNDLES)
    finally:
        stop.set()
        await sequencer


async def _rate(count: Callable[[], Awaitable[int]], wanted: int) -> float:
    """How many a second ``count`` grows by, from ``WARM`` to ``wanted``."""
    began: tuple[float, int] | None = None
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while True:
            found, now = await count(), time.perf_counter()
            if began is None and found >= WARM:
                began = now, found
            if began is not None and found >= wanted and found > began[1]:
                return (found - began[1]) / (now - began[0])
            await asyncio.sleep(LOOK)


@asynccontextmanager
async def _workers(
    settings: Settings, queue: str, count: int, peaks: dict[str, float]
) -> AsyncIterator[Sequence[asyncio.subprocess.Process]]:
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
        yield processes
    finally:
        peaks[queue] = max(peaks.get(queue, 0.0), *(_peak_megabytes(each.pid) for each in processes))
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


def _peak_megabytes(pid: int) -> float:
    """The most memory that a process held so far (Linux; nothing elsewhere)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(each.split()[1]) / 1024 for each in lines if each.startswith("VmHWM")), 0.0)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while not await condition():  # noqa: ASYNC110 - the change is in another process
            await asyncio.sleep(LOOK)
