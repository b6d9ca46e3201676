"""The product's explanation of an anomaly, from the usage of a world, and whether it is right.

A named cause is right when it is the usage that the event's cause names: the same rows of the table,
by whatever columns. So ``flag bulk-export-v2`` is right where only exports bear that flag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.closing import Tenant
from benchmarks.simulator.model import World
from benchmarks.simulator.usage import MILLION, Leaf, Usage, usage
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.attribution import attribute_around_acts
from trust_portal.cost.explanation.drivers import comparable_starts, cost_table
from trust_portal.cost.explanation.model import Attribution, Table
from trust_portal.cost.metering.model import Part, Series

HOUR = timedelta(hours=1)
#: What a unit of anything costs, in millionths.
PRICE = 50_000
UNIT = "units"


class Usages:
    """What the series of some worlds are made of, made once for each that is asked for."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self._place = {id(world): place for place, world in enumerate(worlds)}
        self._known: dict[tuple[int, int], Usage] = {}

    def of(self, tenant: Tenant, series: Series) -> Usage:
        key = self._place[id(tenant.world)], tenant.columns[series]
        if key not in self._known:
            self._known[key] = usage(tenant.world, key[1])
        return self._known[key]


@dataclass(frozen=True, slots=True)
class Explained:
    """As the product has it. ``window`` and ``before`` are summed up over each span: splitting needs no hours."""

    table: Table
    attribution: Attribution
    window: tuple[Part, ...]
    before: tuple[Part, ...]
    comparable: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Acted:
    """The hour in which the first playbook took hold within an anomaly, and what was expected until then."""

    hour: int
    expected: Decimal


def explain(used: Usage, anomaly: CostAnomaly, start: datetime, acted: Acted | None = None) -> Explained:
    """``start``: of the world's first hour."""
    first, last = _index(anomaly.started_at, start), _index(anomaly.last_at, start) + 1
    window = summed(used, anomaly.series, anomaly.started_at, first, last)
    comparable, before = _comparable(used, anomaly, start, last - first)
    table = cost_table(window, before, anomaly.figures.expected)
    early = None
    if acted is not None:
        length = acted.hour - first
        starts = [_index(each, start) for each in comparable]
        early = cost_table(
            summed(used, anomaly.series, anomaly.started_at, first, acted.hour),
            [
                each
                for begin in starts
                for each in summed(used, anomaly.series, anomaly.started_at, begin, begin + length)
            ],
            acted.expected,
        )
    attribution = attribute_around_acts(table, early, comparable=bool(before))
    return Explained(table, attribution, window, before, comparable)


def parts(used: Usage, series: Series, start: datetime, first: int, last: int) -> tuple[Part, ...]:
    """The roll-ups of the hours ``first`` ≤ hour < ``last``."""
    spent = used.spent(first, last)
    return tuple(
        part(series, start + HOUR * (first + int(hour)), used.leaves[leaf], int(spent[hour, leaf]))
        for hour, leaf in zip(*np.nonzero(spent), strict=True)
    )


def summed(used: Usage, series: Series, at: datetime, first: int, last: int) -> tuple[Part, ...]:
    """The same summed up, as if all had been used ``at`` one hour."""
    spent = used.spent(max(first, 0), max(last, 0)).sum(axis=0)
    return tuple(
        part(series, at, leaf, int(units)) for leaf, units in zip(used.leaves, spent, strict=True) if units
    )


def part(series: Series, hour: datetime, leaf: Leaf, units: int) -> Part:
    labels = {"version": leaf.version} | ({"flag": leaf.flag} if leaf.flag else {})
    return Part(
        hour, series, leaf.resource, leaf.operation, leaf.region, leaf.adapter or None, UNIT, labels,
        Decimal(units) / PRICE, Decimal(units) / MILLION, 1,
    )  # fmt: skip


def _comparable(
    used: Usage, anomaly: CostAnomaly, start: datetime, length: int
) -> tuple[tuple[datetime, ...], tuple[Part, ...]]:
    for starts in comparable_starts(anomaly.started_at, length * HOUR):
        spans: list[datetime] = []
        found: list[Part] = []
        for begin in starts:
            first = _index(begin, start)
            here = summed(used, anomaly.series, begin, first, first + length)
            if here:
                spans.append(begin)
                found += here
        if found:
            return tuple(spans), tuple(found)
    return (), ()


def _index(hour: datetime, start: datetime) -> int:
    return int((hour - start) / HOUR)


@dataclass(slots=True)
class Accuracy:
    """Causes named against causes that there were, over some explanations."""

    anomalies: int = 0
    hits: int = 0
    named: int = 0
    true: int = 0
    top: int = 0  #: the largest of those named is a true one
    money: int = 0  #: what the events added, in millionths …
    found: int = 0  #: … and what of it lies in the causes named

    @property
    def f1(self) -> float:
        """Exact sets: 2·hits / (named + true)."""
        return 2 * self.hits / max(self.named + self.true, 1)

    @property
    def top_accuracy(self) -> float:
        return self.top / max(self.anomalies, 1)

    @property
    def money_found(self) -> float:
        return self.found / self.money if self.money else 1.0

    def count(self, used: Usage, anomaly: CostAnomaly, start: datetime) -> None:
        """One anomaly against the events in its hours; without any it is a false alarm, and has no cause."""
        first, last = _index(anomaly.started_at, start), _index(anomaly.last_at, start) + 1
        explained = explain(used, anomaly, start)
        added = np.zeros(len(used.leaves), dtype=np.int64)
        right: set[bytes] = set()
        for number, event in enumerate(used.events):
            low, high = max(first, event.start), min(last, event.end)
            if low < high:
                added += used.extra[number][low - event.start : high - event.start].sum(axis=0)
                right.add(_rows(explained.table, event.cause))
        if not right:
            return
        causes = sorted(explained.attribution.causes, key=lambda each: -each.contribution)
        named = [_rows(explained.table, each.where) for each in causes]
        self.anomalies += 1
        self.hits += sum(rows in right for rows in named)
        self.named += len(named)
        self.true += len(right)
        self.top += bool(named) and named[0] in right
        self.money += int(added.sum())
        inside = [any(leaf.fits(each.where) for each in causes) for leaf in used.leaves]
        self.found += int(added[np.array(inside)].sum())


def misnamed(used: Usage, anomaly: CostAnomaly, found: Explained, start: datetime) -> Decimal:
    """What of the excess was laid to causes that are not exactly the usage of an event in its hours."""
    first, last = _index(anomaly.started_at, start), _index(anomaly.last_at, start) + 1
    right = {
        _rows(found.table, event.cause) for event in used.events if event.start < last and first < event.end
    }
    wrong = (e.contribution for e in found.attribution.causes if _rows(found.table, e.where) not in right)
    return sum((max(each, Decimal(0)) for each in wrong), Decimal(0))


def _rows(table: Table, where: Mapping[str, str]) -> bytes:
    """Which rows of ``table`` lie in ``where``, of those that say anything."""
    said: NDArray[np.bool_] = (table.expected != 0) | (table.actual != 0)
    return bytes((table.rows(where) & said).tobytes())
