"""The close of an hour for 40,000 series: 10,000 tenants with four subsystems each.

Roll-ups follow usage all the hour long, so they are there when it closes. The detectors have two
days behind them, which they catch up on first, and in the hour that is measured one tenant in a
hundred has a spike: an anomaly with its receipt.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np

from benchmarks.installation import installation
from benchmarks.row import Row, at_most, context
from trust_portal.cost.anomalies.model import AnomalyFilter
from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import new_id
from trust_portal.runtime.embedded import Servers
from trust_portal.runtime.embedded.postgres import DATABASE

TENANTS = 10_000
HISTORY = 48
SPIKES = TENANTS // 100
START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    house: House
    clock: ManualClock


async def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        async with _place(Path(folder)) as place:
            caught_up, _ = await _close(place, HISTORY)
            seconds, closed = await _close(place, HISTORY + 1)
            found = await place.house.anomalies.counts(SYSTEM, AnomalyFilter())
            assert closed == TENANTS, closed
            assert found.total >= SPIKES, found
    series = TENANTS * len(SUBSYSTEMS)
    return [
        context(f"{HISTORY} hours of {series:,} series caught up", caught_up, "s"),
        context("anomalies opened on the way", found.total, ""),
        at_most(f"an hour's close for {series:,} series", seconds, "s", 60, "60 s"),
    ]


async def _close(place: Place, hours: int) -> tuple[float, int]:
    place.clock.advance(START + hours * HOUR + timedelta(minutes=15) - place.clock.now())
    begin = time.perf_counter()
    closed = await place.house.closing.close_due()
    return time.perf_counter() - begin, closed


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    clock = ManualClock(START)
    async with installation(folder, clock) as made:
        await _fill(made.servers, [new_id() for _ in range(TENANTS)])
        yield Place(made.house, clock)


async def _fill(servers: Servers, tenants: Sequence[UUID]) -> None:
    """Tenants and their roll-ups by COPY, past all doors: how they get there is not what is measured."""
    rng = np.random.default_rng(7)
    cents = rng.gamma(40.0, 25.0, (TENANTS, len(SUBSYSTEMS), HISTORY + 1)).astype(np.int64)
    cents[:SPIKES, 0, HISTORY] += 20_000
    connection = await servers._postgres.connect_as_bootstrap(DATABASE)  # noqa: SLF001 - only it passes them
    try:
        await connection.copy_records_to_table(
            "tenants",
            records=[(each, str(each), str(each), "UTC", "eu", START, START) for each in tenants],
            columns=["tenant_id", "key", "name", "time_zone", "residency", "created_at", "onboarded_at"],
        )
        await connection.copy_records_to_table(
            "metering_progress",
            records=[(each, 1, START, START) for each in tenants],
            columns=["tenant_id", "revision", "first_hour", "rolled_up_at"],
        )
        await connection.copy_records_to_table(
            "usage_hours",
            records=(
                (tenant, START + hour * HOUR, subsystem, "EUR", Decimal(int(amount)).scaleb(-2), 60)
                for tenant, rows in zip(tenants, cents, strict=True)
                for subsystem, row in zip(SUBSYSTEMS, rows, strict=True)
                for hour, amount in enumerate(row)
            ),
            columns=["tenant_id", "hour", "subsystem", "currency", "cost", "events"],
        )
    finally:
        await connection.close()
