"""Trust Reports of every customer as a batch: what a second worker of each queue brings, in about five minutes.

A report is done when its bundle is: published (gathered in one snapshot, document, receipt) by a worker of the
default queue, and made (PDF, proofs, zip) by one of the exports queue. The clock starts when the batch is asked for
and ends when the last bundle is ready, with one worker of each queue and with two. The processes are up by then and
have unpacked fonts and style sheets, which a worker does once in its life: each has made some bundles of another month.

Each tenant has a past (``benchmarks/past.py``): a contract, measurements, usage, signed SLA reports, and one in ten an
incident in each month. A month's report tells of what was before it, too, and takes longer than that of the month
before. So of four months the first and the last are one worker's, the two between are two's: both tell of as much.

What a report takes of the processors is told beside it, and from that what the processors here allow at the most:
the database is on the same machine.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from benchmarks import past
from benchmarks.installation import installation
from benchmarks.row import Row, at_least, context
from benchmarks.worker_processes import Done, Process, peak_megabytes, until, workers
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.tables import exports
from trust_portal.house import House
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.batches.model import StartTrustBatch
from trust_portal.trust.report.model import PublishTrustReport

#: ``TRUST_REPORT_TENANTS=1000`` for the whole of it: an hour and more.
TENANTS = int(os.environ.get("TRUST_REPORT_TENANTS", "60"))
#: Bundles of an exports worker before the clock starts.
WARM = 3
#: Seconds: a good deal for each, on a machine that does other things, too.
PATIENCE = 120.0 + 4 * TENANTS
ONBOARDED = datetime(2024, 1, 1, tzinfo=UTC)
#: Months in a row, the first for the bundles that are made to get warm.
MONTHS = ("2024-08", "2024-09", "2024-10", "2024-11", "2024-12")
#: Seconds between two looks at the batch: a look takes some of the processors, too.
LOOK = 1.0
WARMING, *MEASURED = MONTHS
#: Workers of each queue, by month.
TURNS = (1, 2, 2, 1)
PAST = past.Past(MONTHS, MONTHS, metered=timedelta(days=30))
SCALING = 1.6


@dataclass(frozen=True, slots=True)
class Place:
    house: House
    settings: Settings
    tenants: tuple[Tenant, ...]


async def run() -> list[Row]:
    done = {1: Done(), 2: Done()}
    peak = 0.0
    with TemporaryDirectory() as folder:
        async with _place(Path(folder)) as place:
            for period, count in zip(MEASURED, TURNS, strict=True):
                queues = ("default", "exports") * count
                async with workers(place.settings, *queues) as processes:
                    await _get_warm(place, count)
                    await _batch(place, period, done[count], processes)
                    peak = max(peak, peak_megabytes(processes))
    one, two = done[1], done[2]
    of_workers, of_servers = (1000 * each / two.reports for each in (two.workers, two.servers))
    return [
        context(
            f"reports of {TENANTS} tenants, asked for to bundled, a worker of each queue",
            one.rate,
            "reports/s",
        ),
        at_least("… two workers of each queue", two.rate, "reports/s", SCALING * one.rate, "1.6 × one"),
        context("… the most that the processors here allow", two.at_most, "reports/s"),
        context("… processor time of a report, its workers", of_workers, "ms"),
        context("… processor time of a report, the servers beside them", of_servers, "ms"),
        context("memory of a worker of that batch, at most", peak, "MB"),
    ]


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with installation(folder) as place:
        house = place.house
        tenants = await past.customers(house, TENANTS, ONBOARDED)
        await past.live_through(house, tenants, PAST)
        await past.start_months(house, PAST)
        async with workers(place.settings, "default", "default"):
            await until(lambda: past.months_are_reported(house, PAST), PATIENCE)
            await until(lambda: past.everything_is_logged(house, tenants), PATIENCE)
        await past.forget_bundles(house)
        yield Place(house, place.settings, tuple(tenants))


async def _get_warm(place: Place, count: int) -> None:
    """As many bundles as each of ``count`` workers needs, of reports that are no batch's."""
    house = place.house
    before = await _bundles(house)
    for tenant in place.tenants[: WARM * count]:
        standing = await past.all_let_stand(house, [tenant], WARMING, "a benchmark")
        command = PublishTrustReport(tenant.id, WARMING, standing=standing, reason="a benchmark, once more")
        await house.trust_reports.publish(command, CONSOLE)
    await until(lambda: _reached(house, before + WARM * count), PATIENCE)


async def _batch(place: Place, period: str, done: Done, processes: Sequence[Process]) -> None:
    """The batch of ``period``, until its last bundle; adds to ``done``."""
    house = place.house
    let_stand = await past.all_let_stand(house, place.tenants, period, "a benchmark")

    async def is_over() -> bool:
        return (await house.trust_batches.tally(CONSOLE, period)).is_over

    with done.counted(processes):
        await house.trust_batches.start(StartTrustBatch(period, let_stand), CONSOLE)
        await until(is_over, PATIENCE, look=LOOK)
    done.seconds -= (house.clock.now() - await _last_finished(house)).total_seconds()
    tally = await house.trust_batches.tally(CONSOLE, period)
    assert (tally.counts["published"], tally.bundles.made) == (TENANTS, TENANTS), tally
    done.reports += TENANTS


async def _last_finished(house: House) -> datetime:
    async with house.storage.read(StaffScope()) as session:
        found: datetime = (await session.execute(select(func.max(exports.c.finished_at)))).scalar_one()
    return found


async def _reached(house: House, wanted: int) -> bool:
    return await _bundles(house) >= wanted


async def _bundles(house: House) -> int:
    query = select(func.count()).select_from(exports).where(exports.c.state == ExportState.READY.value)
    async with house.storage.read(StaffScope()) as session:
        return int((await session.execute(query)).scalar_one())
