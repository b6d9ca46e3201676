"""One hour of 40,000 series through the detector, its memory as bytes, and the quality on fixed seeds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.row import Row, at_least, at_most, context
from benchmarks.simulator.detection import judge, raised_hours
from benchmarks.simulator.world import make_world
from trust_portal.cost.detection import snapshot
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.replay import replay
from trust_portal.cost.detection.thresholds import INSTALLED, Limits
from trust_portal.cost.detection.versions import FORECAST

_SERIES = 40_000
_HOURS = 48
_START = datetime(2026, 3, 2, tzinfo=UTC)
_SEEDS = range(1000, 1010)


async def run() -> list[Row]:
    """Best of some hours for speed; precision and recall on ten seeds that had been seen before the published ones."""
    random = np.random.default_rng(7)
    spent = random.lognormal(1.0, 0.3, (_HOURS, _SERIES))
    budgets = np.full(_SERIES, 9.0)
    limits = Limits.same(INSTALLED, _SERIES)
    detector = Detector(_SERIES, Cadence())
    hours = []
    for hour in range(_HOURS):
        began = time.perf_counter()
        detector.step(_START + timedelta(hours=hour), spent[hour], limits, budgets)
        hours.append(time.perf_counter() - began)
    began = time.perf_counter()
    memory = snapshot.take(detector)
    stored = time.perf_counter() - began
    series = [
        (_START + timedelta(hours=hour), float(value)) for hour, value in enumerate(spent[:, :42].ravel())
    ]
    began = time.perf_counter()
    replay(series)
    alone = (time.perf_counter() - began) / len(series)
    worlds = [make_world(seed) for seed in _SEEDS]
    outcome = judge(worlds, raised_hours(worlds))
    shadow = judge(worlds, raised_hours(worlds, FORECAST))
    return [
        at_most("detector step, per series-hour of a batch", min(hours) / _SERIES * 1e6, "µs", 50, "50 µs"),
        context("detector step of 40,000 series, slowest hour", max(hours), "s"),
        context("detector step of one series alone", alone * 1e6, "µs"),
        context("memory of 40,000 series as bytes", len(memory) / 1e6, "MB"),
        context("writing that memory", stored, "s"),
        at_least("precision, seeds 1000–1009", outcome.precision, "", 0.75, "0.75"),
        at_least("recall, seeds 1000–1009", outcome.recall, "", 0.75, "0.75"),
        context("precision of forecast@2, the same seeds", shadow.precision, ""),
        context("recall of forecast@2, the same seeds", shadow.recall, ""),
    ]
