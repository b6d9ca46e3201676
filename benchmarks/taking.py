"""How long the same work takes, again and again: by the clock, and of the processor."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.cpu_time import below_seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds: of each run by the clock; of the processor of one, on the average, here and in the database.

    On a busy machine the clock says for the most part how long the others took.
    """

    wall: list[float]
    python: float
    database: float

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.wall, n=20)[18]

    @property
    def processor(self) -> float:
        return self.python + self.database


async def take(work: Callable[[], Awaitable[object]], runs: int, *, warming_up: int) -> Taken:
    for _ in range(warming_up):
        await work()
    wall = []
    python, database = time.process_time(), below_seconds(os.getpid())
    for _ in range(runs):
        began = time.perf_counter()
        await work()
        wall.append((time.perf_counter() - began) * 1000)
    per_run = 1000 / runs
    return Taken(
        wall,
        (time.process_time() - python) * per_run,
        (below_seconds(os.getpid()) - database) * per_run,
    )
