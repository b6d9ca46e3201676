"""What a series' money is made of: which resource, operation, region, adapter, version and flag it went to.

Usual money has a mix of its own in each series, which wanders from day to day and is noisy by the hour.
What an event added lies in the usage that its cause names, and nowhere else. In half of the events that
usage is new (a flag's first use, a fresh version), in the others it was there before and grows. Amounts are
whole millionths, and the parts of an hour add up to the hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.simulator.model import DIMENSIONS, Event, World

MILLION = 1_000_000
Units = NDArray[np.int64]


class Leaf(NamedTuple):
    """One combination of all dimensions; "" where there is no adapter or no flag."""

    resource: str
    operation: str
    region: str
    adapter: str
    version: str
    flag: str

    def fits(self, cause: Mapping[str, str]) -> bool:
        return all(getattr(self, name) == value for name, value in cause.items())


@dataclass(slots=True)
class Usage:
    """Of one series, in millionths: ``usual`` ``(hours, leaves)``, and ``extra`` by event, as tall as it lasts."""

    leaves: tuple[Leaf, ...]
    usual: Units
    extra: dict[int, Units]
    events: tuple[Event, ...]

    def spent(self, start: int, end: int) -> Units:
        """``(end − start, leaves)``: everything in the hours ``start`` ≤ hour < ``end``."""
        found = self.usual[start:end].copy()
        for number, extra in self.extra.items():
            event = self.events[number]
            low, high = max(start, event.start), min(end, event.end)
            if low < high:
                found[low - start : high - start] += extra[low - event.start : high - event.start]
        return found


def totals(world: World) -> Units:
    """``(hours, series)``: what each hour comes to, in millionths; the leaves of ``usage`` add up to it."""
    found = _units(_quiet(world))
    for event in world.events:
        found[event.start : event.end, event.series] += _units(event.added)
    return found


def usage(world: World, series: int) -> Usage:
    """The same for the same seed and series."""
    random = np.random.default_rng([world.seed, 3, series])
    events = tuple(event for event in world.events if event.series == series)
    leaves, weights = _mix(random, events)
    hours = world.actual.shape[0]
    days = -(-hours // 24)
    wander = np.cumsum(random.normal(0.0, 0.05, (days, len(leaves))), axis=0).repeat(24, axis=0)[:hours]
    noise = random.normal(0.0, 0.2, (hours, len(leaves)))
    shares = weights * np.exp(np.clip(wander, -0.7, 0.7) + noise)
    usual = _split(_units(_quiet(world)[:, series]), shares)
    extra = {}
    for number, event in enumerate(events):
        inside = np.array([leaf.fits(event.cause) for leaf in leaves])
        base = np.where(weights > 0, weights, random.uniform(0.5, 1.5, len(leaves)) * weights.max()) * inside
        spread = np.exp(random.normal(0.0, 0.15, (event.end - event.start, len(leaves))))
        extra[number] = _split(_units(event.added), base * spread)
    return Usage(leaves, usual, extra, events)


def _quiet(world: World) -> NDArray[np.float64]:
    """What was spent without what the events added; what a pair moved away is missing in it."""
    found = world.actual.copy()
    for event in world.events:
        found[event.start : event.end, event.series] -= event.added
    return np.maximum(found, 0.0)


def _units(amounts: NDArray[np.float64]) -> Units:
    return np.rint(amounts * MILLION).astype(np.int64)


def _split(amounts: Units, shares: NDArray[np.float64]) -> Units:
    """``(hours,)`` by ``(hours, leaves)``: whole numbers that add up to the amounts."""
    up_to = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    up_to[:, -1] = 1.0
    edges = np.rint(amounts[:, None] * up_to).astype(np.int64)
    parts: Units = np.diff(edges, axis=1, prepend=0)
    return parts


def _mix(random: Generator, events: Sequence[Event]) -> tuple[tuple[Leaf, ...], NDArray[np.float64]]:
    """Leaves and their usual weights; 0 for those that only an event uses."""
    old: dict[Leaf, float] = {}
    for _ in range(int(random.integers(12, 40))):
        leaf = Leaf(*(_pick(random, name) for name in DIMENSIONS))
        old[leaf] = float(random.lognormal(0.0, 0.8))
    new: dict[Leaf, float] = {}
    fresh = random.random() < 0.5
    if fresh:  # the flags and versions of what happens were not in use before
        for event in events:
            named = {name: event.cause[name] for name in ("flag", "version") if name in event.cause}
            old = {leaf: weight for leaf, weight in old.items() if not named or not leaf.fits(named)}
    models = list(old)
    for event in events:
        is_new = fresh and bool({"flag", "version"} & event.cause.keys())
        inside = sum(leaf.fits(event.cause) for leaf in (*old, *new))
        for _ in range(max(int(random.integers(2, 5)) - inside, 0)):
            leaf = models[int(random.integers(len(models)))]._replace(**event.cause)
            if is_new:
                new[leaf] = 0.0
            else:
                old.setdefault(leaf, float(random.lognormal(-1.0, 0.8)))
    leaves = {**new, **old}
    return tuple(leaves), np.array(list(leaves.values()))


def _pick(random: Generator, dimension: str) -> str:
    """The first values of a dimension are the common ones; most usage has no adapter, and no flag."""
    values = DIMENSIONS[dimension]
    weight = 1 / np.arange(1, len(values) + 1)
    if dimension == "flag":
        weight = np.array([0.97, 0.03])
    return str(random.choice(values, p=weight / weight.sum()))
