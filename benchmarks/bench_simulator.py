"""The loop on simulated spending: late usage, causes named, unexplained spend with the loop on and off.

A few seeds that have been looked at; ``docs/simulator.md`` has the published ones, and the commands.
"""

from __future__ import annotations

from benchmarks.row import Row, at_least, context
from benchmarks.simulator import loop
from benchmarks.simulator.detection import judge, raised_late
from benchmarks.simulator.usage import MILLION
from benchmarks.simulator.world import make_world
from trust_portal.cost.detection.versions import INSTALLED_VERSION

_LATE = range(1000, 1003)
_LOOP = range(2000, 2002)


async def run() -> list[Row]:
    """Small worlds: two minutes of processor time in all."""
    worlds = [make_world(seed, tenants=4) for seed in _LATE]
    raised, at_once, in_the_end = raised_late(worlds, INSTALLED_VERSION)
    outcome = judge(worlds, raised)
    lived = loop.live(
        [loop.loop_world(seed, tenants=6) for seed in _LOOP], (loop.OFF, loop.EXPLAINED, loop.ON)
    )
    off, on = lived[loop.OFF.name], lived[loop.ON.name]
    return [
        context("precision, late usage, seeds 1000–1002", outcome.precision, ""),
        context("recall, late usage, seeds 1000–1002", outcome.recall, ""),
        context("F1 of causes when an anomaly is raised", at_once.f1, ""),
        at_least("F1 of causes when it is over", in_the_end.f1, "", 0.5, "0.5"),
        context("the largest cause named is a true one", in_the_end.top_accuracy, ""),
        at_least(
            "less unexplained spend with the loop on, seeds 2000–2001",
            loop.less_unexplained(lived), "", 0.5, "0.5",
        ),
        at_least(
            "unexplained spend with the loop on, less than the four weeks before",
            loop.fallen(lived), "", 0.5, "0.5",
        ),
        context("of what is less than off, by explaining alone", loop.less_unexplained(lived, loop.EXPLAINED), ""),
        context(
            "true excess that was not spent",
            loop.saved(lived) / max(off.money.unplanned, 1), "",
        ),
        context("planned work that cost less, counted nowhere", (off.money.planned - on.money.planned) / MILLION, "EUR"),
    ]  # fmt: skip
