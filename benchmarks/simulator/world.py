"""Putting a world together: habits, then events on top, then how late each figure arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.simulator.habits import usual_spend
from benchmarks.simulator.model import DIMENSIONS, SUBSYSTEMS, Event, Kind, World

#: A Monday.
START = datetime(2026, 3, 2, tzinfo=UTC)
_HISTORY = 21 * 24
#: Share of the series to which each thing happens.
_RATES = {
    Kind.SPIKE: 0.15,
    Kind.RETRY_STORM: 0.10,
    Kind.STEP: 0.10,
    Kind.DRIFT: 0.10,
    Kind.PLANNED: 0.10,
}


def make_world(
    seed: int, *, tenants: int = 12, hours: int = 9 * 7 * 24, spans: Sequence[range] | None = None
) -> World:
    """The world of ``seed``: ``tenants`` × 4 series; events begin after three quiet weeks.

    ``spans`` are the hours in which they begin: to each the rates apply anew. If not given, there is one,
    which ends twenty days before the end.
    """
    random = np.random.default_rng(seed)
    names = tuple((f"t{tenant:03d}", subsystem) for tenant in range(tenants) for subsystem in SUBSYSTEMS)
    usual = np.column_stack([usual_spend(random, hours) for _ in names])
    extra = np.zeros_like(usual)
    events: list[Event] = []
    for span in spans or (range(_HISTORY, hours - 20 * 24),):
        busy: set[int] = set()
        for kind, rate in _RATES.items():
            for series in np.flatnonzero(random.random(len(names)) < rate):
                if int(series) not in busy:
                    busy.add(int(series))
                    events.append(_happen(random, kind, int(series), span, usual, extra))
        events += _net_out(random, names, busy, span, usual, extra)
    actual = np.maximum(usual + extra, 0.0)
    first, late = _arrival(random, actual)
    budget = usual[:_HISTORY].mean(axis=0) * random.uniform(1.1, 2.5, len(names))
    first, late, again = _troubled(np.random.default_rng([seed, 1]), actual, first, late)
    batches = np.random.default_rng([seed, 2])
    events = [_batch(batches, event) if event.kind is Kind.PLANNED else event for event in events]
    return World(seed, START, names, actual, usual, first, late, again, budget, tuple(events))


def _happen(
    random: Generator,
    kind: Kind,
    series: int,
    span: range,
    usual: NDArray[np.float64],
    extra: NDArray[np.float64],
) -> Event:
    hours = usual.shape[0]
    level = float(usual[:_HISTORY, series].mean())
    start = int(random.integers(span.start, span.stop))
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
    added = (level * shape)[: hours - start]
    extra[start : start + added.size, series] += added
    return Event(kind, series, start, start + added.size, float(added.sum()), _cause(random, kind), added)


def _net_out(
    random: Generator,
    names: tuple[tuple[str, str], ...],
    busy: set[int],
    span: range,
    usual: NDArray[np.float64],
    extra: NDArray[np.float64],
) -> list[Event]:
    """One tenant spends more by exactly what another spends less, hour by hour."""
    free = [series for series in range(len(names)) if series not in busy]
    pairs = [(a, b) for a in free for b in free if a != b and names[a][1] == names[b][1]]
    if not pairs:
        return []
    up, down = pairs[int(random.integers(len(pairs)))]
    start = int(random.integers(span.start, span.stop))
    moved = random.uniform(0.5, 0.95) * usual[start : start + 36, down]
    end = start + moved.size
    extra[start:end, up] += moved
    extra[start:end, down] -= moved
    return [Event(Kind.NET_OUT, up, start, end, float(moved.sum()), {"operation": "sync"}, moved, down)]


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


def _batch(random: Generator, event: Event) -> Event:
    """Half of the planned work is exports, as runaways are."""
    return replace(event, cause={**event.cause, "operation": "export"}) if random.random() < 0.5 else event


def _arrival(random: Generator, actual: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One figure in a hundred is incomplete when its hour closes and right some hours later."""
    delayed = random.random(actual.shape) < 0.01
    late = np.where(delayed, random.integers(1, 13, actual.shape), 0)
    first = np.where(delayed, actual * random.uniform(0.0, 0.9, actual.shape), actual)
    return first, late


def _troubled(
    random: Generator, actual: NDArray[np.float64], first: NDArray[np.float64], late: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Three in a thousand figures are told too high at first, and corrected within two days; one in two hundred is
    told twice. One in fifty thousand comes after three to six days.
    """
    draw = random.random(actual.shape)
    corrected, again, forgotten = draw < 0.003, (draw > 0.5) & (draw < 0.505), draw > 1 - 0.00002
    first = np.where(corrected, actual * random.uniform(1.1, 4.0, actual.shape), first)
    first = np.where(forgotten, 0.0, first)
    late = np.where(corrected, random.integers(1, 49, actual.shape), late)
    late = np.where(again, random.integers(1, 13, actual.shape), late)
    late = np.where(forgotten, random.integers(72, 145, actual.shape), late)
    return np.where(again, actual, first), late, again
