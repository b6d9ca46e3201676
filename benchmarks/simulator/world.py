"""Putting a world together: habits, then events on top, then how late each figure arrives."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.simulator.habits import usual_spend
from benchmarks.simulator.model import DIMENSIONS, SUBSYSTEMS, Event, Kind, World

_START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
_HISTORY = 21 * 24
#: Share of the series to which each thing happens.
_RATES = {
    Kind.SPIKE: 0.15,
    Kind.RETRY_STORM: 0.10,
    Kind.STEP: 0.10,
    Kind.DRIFT: 0.10,
    Kind.PLANNED: 0.10,
}


def make_world(seed: int, *, tenants: int = 12, hours: int = 9 * 7 * 24) -> World:
    """The world of ``seed``: ``tenants`` × 4 series; events begin after three quiet weeks."""
    random = np.random.default_rng(seed)
    names = tuple((f"t{tenant:03d}", subsystem) for tenant in range(tenants) for subsystem in SUBSYSTEMS)
    usual = np.column_stack([usual_spend(random, hours) for _ in names])
    extra = np.zeros_like(usual)
    events: list[Event] = []
    busy: set[int] = set()
    for kind, rate in _RATES.items():
        for series in np.flatnonzero(random.random(len(names)) < rate):
            if int(series) not in busy:
                busy.add(int(series))
                events.append(_happen(random, kind, int(series), usual, extra))
    events += _net_out(random, names, busy, usual, extra)
    actual = np.maximum(usual + extra, 0.0)
    first, late = _arrival(random, actual)
    budget = usual[:_HISTORY].mean(axis=0) * random.uniform(1.1, 2.5, len(names))
    return World(seed, _START, names, actual, usual, first, late, budget, tuple(events))


def _happen(
    random: Generator, kind: Kind, series: int, usual: NDArray[np.float64], extra: NDArray[np.float64]
) -> Event:
    hours = usual.shape[0]
    level = float(usual[:_HISTORY, series].mean())
    start = int(random.integers(_HISTORY, hours - 20 * 24))
    if kind is Kind.SPIKE:
        shape = np.full(int(random.integers(1, 8)), random.uniform(2.0, 8.0))
    elif kind is Kind.RETRY_STORM:
        shape = random.uniform(0.8, 2.5) * random.uniform(0.5, 1.5, int(random.integers(5, 30)))
    elif kind is Kind.STEP:
        shape = np.full(hours - start, random.uniform(0.4, 1.5))
    elif kind is Kind.DRIFT:
        days = random.uniform(8, 18)
        shape = random.uniform(0.4, 1.2) * np.minimum(np.arange(hours - start) / (24 * days), 1.0)
    else:
        shape = np.full(int(random.integers(4, 16)), random.uniform(1.5, 5.0))
    added = level * shape
    extra[start : start + added.size, series] += added
    return Event(kind, series, start, start + added.size, float(added.sum()), _cause(random, kind))


def _net_out(
    random: Generator,
    names: tuple[tuple[str, str], ...],
    busy: set[int],
    usual: NDArray[np.float64],
    extra: NDArray[np.float64],
) -> list[Event]:
    """One tenant spends more by exactly what another spends less, hour by hour."""
    free = [series for series in range(len(names)) if series not in busy]
    pairs = [(a, b) for a in free for b in free if a != b and names[a][1] == names[b][1]]
    if not pairs:
        return []
    up, down = pairs[int(random.integers(len(pairs)))]
    start = int(random.integers(_HISTORY, usual.shape[0] - 20 * 24))
    moved = random.uniform(0.5, 0.95) * usual[start : start + 36, down]
    extra[start : start + 36, up] += moved
    extra[start : start + 36, down] -= moved
    return [Event(Kind.NET_OUT, up, start, start + 36, float(moved.sum()), {"operation": "sync"})]


def _cause(random: Generator, kind: Kind) -> dict[str, str]:
    """One to three dimensions, the ones that fit what happened."""
    fixed = {
        Kind.RETRY_STORM: {"adapter": str(random.choice(DIMENSIONS["adapter"][1:]))},
        Kind.STEP: {"version": DIMENSIONS["version"][1]},
        Kind.SPIKE: {"operation": "export", "flag": DIMENSIONS["flag"][1]},
        Kind.PLANNED: {"operation": "index"},
    }.get(kind, {"operation": str(random.choice(DIMENSIONS["operation"]))})
    if random.random() < 0.5:
        fixed["region"] = str(random.choice(DIMENSIONS["region"]))
    return fixed


def _arrival(random: Generator, actual: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One figure in a hundred is incomplete when its hour closes and right some hours later."""
    delayed = random.random(actual.shape) < 0.01
    late = np.where(delayed, random.integers(1, 13, actual.shape), 0)
    first = np.where(delayed, actual * random.uniform(0.0, 0.9, actual.shape), actual)
    return first, late
