"""Trust Reports of every customer, their first step alone: publishing, without the bundles, in about four minutes.

Publishing gathers everything in one snapshot, writes the document and signs its receipt: much of it is the database's
work, which here shares the processors with the workers. So nothing is promised of this step alone (of whole reports:
``bench_trust_reports``); what a second worker brings is told beside what the processors allow at the most.

Each tenant has a past (``benchmarks/past.py``). A quarter's report tells of what was before it, too, and takes longer
than that of the quarter before. So of each quarter's reports one half is published by one worker and the other half by
two, and in the second quarter the two come first: both publish as much of each. What a worker takes of memory, what a
report takes of all processors, and how long a look at the batch takes is told beside it.

The clock starts when many are made: by then the processes are up, and their connections have planned what they ask
again and again.
"""

from __future__ import annotations

import os
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
from benchmarks.installation import installation
from benchmarks.row import Row, context
from benchmarks.worker_processes import Done, peak_megabytes, until, workers
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import Tenant
from trust_portal.house import House
from trust_portal.kernel.page import PageRequest
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.batches.model import BatchState, StartTrustBatch
from trust_portal.trust.report.tables import trust_reports

#: ``TRUST_PUBLISHING_TENANTS=1000`` for the whole of it.
TENANTS = int(os.environ.get("TRUST_PUBLISHING_TENANTS", "480"))
#: Made before the clock starts, for each worker: PostgreSQL plans a statement anew for the first five times that a
#: connection asks it, and a worker has a dozen connections. Of a thousand customers' reports that is the first few, of a
#: sample's it would be most.
WARM = min(72, TENANTS // 8)
#: Not on the clock: at the end of a quarter the eight jobs at a time are no longer all busy.
LAST = 8
#: Seconds: one for each, on a machine that does other things, too.
PATIENCE = 120.0 + TENANTS
ONBOARDED = datetime(2024, 1, 1, tzinfo=UTC)
#: Which number of worker processes publishes the first half, and which the second; each quarter is long over.
QUARTERS = (("2024-Q3", (1, 2)), ("2024-Q4", (2, 1)))
WORKERS = (1, 2)
#: A month of each quarter.
PAST = past.Past(("2024-09", "2024-10"), ("2024-09", "2024-10"), metered=timedelta(days=30))


@dataclass(frozen=True, slots=True)
class Place:
    house: House
    settings: Settings
    tenants: tuple[Tenant, ...]
    #: Seconds that it took to bring the past in.
    set_up: float


async def run() -> list[Row]:
    published = {workers: Done() for workers in WORKERS}
    peaks: list[float] = []
    with TemporaryDirectory() as folder:
        async with _place(Path(folder)) as place:
            for period, turns in QUARTERS:
                await _publish(place, period, turns, published, peaks)
            look = await _look(place, QUARTERS[-1][0])
    one, two = published[1], published[2]
    of_worker, of_servers = (1000 * each / two.reports for each in (two.workers, two.servers))
    return [
        context(f"bringing in the past of {TENANTS} tenants, SLA reports by two workers", place.set_up, "s"),
        context(f"reports published, one worker, half of {TENANTS} in each quarter", one.rate, "reports/s"),
        context("reports published by two workers", two.rate, "reports/s"),
        context("… the most that the processors here allow", two.at_most, "reports/s"),
        context("… processor time of a report, its worker", of_worker, "ms"),
        context("… processor time of a report, the servers beside it", of_servers, "ms"),
        context("a look at the batch: how far, and a page of customers", look, "ms"),
        context("memory of a worker that publishes, at most", max(peaks), "MB"),
    ]


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with installation(folder) as place:
        house, began = place.house, time.perf_counter()
        tenants = await past.customers(house, TENANTS, ONBOARDED)
        await past.live_through(house, tenants, PAST)
        await past.start_months(house, PAST)
        async with workers(place.settings, "default", "default"):
            await until(lambda: past.months_are_reported(house, PAST), PATIENCE)
            await until(lambda: past.everything_is_logged(house, tenants), PATIENCE)
        await past.forget_bundles(house)
        yield Place(house, place.settings, tuple(tenants), time.perf_counter() - began)


async def _publish(
    place: Place, period: str, turns: Sequence[int], published: dict[int, Done], peaks: list[float]
) -> None:
    """The reports of ``period``, as many of them by each of ``turns`` workers; adds to ``published``."""
    house = place.house
    let_stand = await past.all_let_stand(house, place.tenants, period, "a benchmark")
    await house.trust_batches.start(StartTrustBatch(period, let_stand), CONSOLE)

    async def made() -> int:
        async with house.storage.read(StaffScope()) as session:
            query = select(func.count()).select_from(trust_reports).where(trust_reports.c.period == period)
            return int((await session.execute(query)).scalar_one())

    for turn, count in enumerate(turns, start=1):
        wanted = TENANTS * turn // len(turns)
        async with workers(place.settings, *["default"] * count) as processes:
            await until(partial(_reached, made, await made() + WARM * count), PATIENCE)
            found, before = published[count], await made()
            with found.counted(processes):
                await until(partial(_reached, made, wanted - LAST), PATIENCE)
            found.reports += await made() - before
            if turn == len(turns):
                await until(lambda: _is_complete(place), PATIENCE)
            peaks.append(peak_megabytes(processes))
    counts = (await house.trust_batches.tally(CONSOLE, period)).counts
    assert counts["published"] == TENANTS, counts


async def _reached(count: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await count() >= wanted


async def _is_complete(place: Place) -> bool:
    return (await place.house.trust_batches.newest(CONSOLE, 1))[0].state is BatchState.COMPLETE


async def _look(place: Place, period: str) -> float:
    """Milliseconds, as somebody sees it who looked a moment ago."""
    for _ in range(2):
        begin = time.perf_counter()
        await place.house.trust_batches.listing(CONSOLE, period, PageRequest(50))
        took = time.perf_counter() - begin
    return took * 1000
