"""The detector over stored hours: which moments, which values, what came of it. Pure.

A run takes series from where their memory stands to the last closed hour. It gives back the new
memories, what each hour was expected to cost, and every anomaly that it saw, as it then stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np

from trust_portal.cost.anomalies.packing import pack, unpack
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.model import Anomaly, Direction
from trust_portal.cost.detection.thresholds import Limits, Thresholds
from trust_portal.cost.detection.vectors import Vector
from trust_portal.cost.detection.versions import Version
from trust_portal.cost.metering.model import Series

HOUR = timedelta(hours=1)
#: What an expectation is rounded to: far below any currency's minor unit, and exact to add up.
MICRO = Decimal("0.000001")

Costs = Mapping[Series, Mapping[datetime, Decimal]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A tenant's part of a run: memories by series, and the hours' costs after ``start``.

    ``thresholds`` and ``budget`` answer what held for a series in an hour; a budget is an amount
    per hour, or ``None``.
    """

    tenant_id: UUID
    start: datetime
    memories: Mapping[Series, bytes]
    costs: Costs
    thresholds: Callable[[Series, datetime], Thresholds]
    budget: Callable[[Series, datetime], float | None]
    changes: frozenset[datetime] = frozenset()
    """Hours from which other thresholds or budgets hold."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An anomaly as it stood at the end of a run, or when it ended; ``last`` is its last unusual hour."""

    series: Series
    anomaly: Anomaly
    last: datetime

    @property
    def ended(self) -> bool:
        return self.anomaly.end is not None


@dataclass(slots=True)
class Watch:
    """What a run came to for one tenant."""

    memories: dict[Series, bytes] = field(default_factory=dict)
    anchors: dict[datetime, dict[Series, bytes]] = field(default_factory=dict)
    expected: list[tuple[datetime, Series, Decimal]] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


def watch(
    tenants: Sequence[Watched], end: datetime, version: Version, anchors: frozenset[datetime] = frozenset()
) -> list[Watch]:
    """Take all ``tenants``, which start at the same hour, through ``end`` (inclusive).

    At the hours in ``anchors`` the memories are kept too.
    """
    columns = [(tenant, series) for tenant in tenants for series in _series_of(tenant)]
    results = {tenant.tenant_id: Watch() for tenant in tenants}
    if columns:
        _run(columns, results, end, version, anchors)
    return [results[tenant.tenant_id] for tenant in tenants]


def _series_of(tenant: Watched) -> list[Series]:
    return sorted(tenant.memories.keys() | {series for series, hours in tenant.costs.items() if hours})


def _run(
    columns: Sequence[tuple[Watched, Series]],
    results: Mapping[UUID, Watch],
    end: datetime,
    version: Version,
    anchors: frozenset[datetime],
) -> None:
    start = columns[0][0].start
    hours = [start + HOUR * n for n in range(1, int((end - start) / HOUR) + 1)]
    values = _values(columns, hours)
    detector = Detector(len(columns), version=version)
    rows = [tenant.memories.get(series) for tenant, series in columns]
    unpack(detector, rows, int(start.timestamp()))
    limits: Limits | None = None
    for number, hour in enumerate(hours):
        if limits is None or any(hour in tenant.changes for tenant, _ in columns) or hour.day == 1:
            limits = Limits.of([tenant.thresholds(series, hour) for tenant, series in columns])
            budgets = np.array(
                [np.nan if (b := t.budget(s, hour)) is None else b for t, s in columns], dtype=np.float64
            )
        expected, ended = _step(detector, hour, values[number], limits, budgets)
        for index in np.flatnonzero(np.isfinite(values[number])).tolist():
            tenant, series = columns[index]
            amount = Decimal(float(expected[index])).quantize(MICRO)
            results[tenant.tenant_id].expected.append((hour, series, amount))
        for index, direction in ended:
            _sight(results, columns, detector, index, direction)
        if hour in anchors:
            for (tenant, series), row in zip(columns, pack(detector.state), strict=True):
                results[tenant.tenant_id].anchors.setdefault(hour, {})[series] = row
    for index, direction in detector.open_anomalies():
        _sight(results, columns, detector, index, direction)
    for (tenant, series), row in zip(columns, pack(detector.state), strict=True):
        results[tenant.tenant_id].memories[series] = row


def _values(columns: Sequence[tuple[Watched, Series]], hours: Sequence[datetime]) -> Vector:
    """``(hours, series)``. An hour of which a tenant sent nothing at all is absent, not free of charge."""
    values = np.full((len(hours), len(columns)), np.nan)
    place = {hour: number for number, hour in enumerate(hours)}
    heard: dict[UUID, list[int]] = {}
    for tenant, _ in columns:
        if tenant.tenant_id not in heard:
            named = {hour for costs in tenant.costs.values() for hour in costs}
            heard[tenant.tenant_id] = sorted(place[hour] for hour in named if hour in place)
    for index, (tenant, series) in enumerate(columns):
        known = tenant.costs.get(series, {})
        first = 0 if series in tenant.memories else place.get(min(known, default=hours[0]), 0)
        values[[at for at in heard[tenant.tenant_id] if at >= first], index] = 0.0
        for hour, cost in known.items():
            if hour in place:
                values[place[hour], index] = float(cost)
    return values


def _step(
    detector: Detector, hour: datetime, values: Vector, limits: Limits, budgets: Vector
) -> tuple[Vector, tuple[tuple[int, Direction], ...]]:
    """One hour: what it was expected to cost, and whose anomaly ended.

    While an anomaly is open its own expectation counts, so that the hours add up to the anomaly; a rise
    goes before a drop.
    """
    expected = detector.expect(hour, values)
    state = detector.state
    before = [(each.expected_running.copy(), each.open.copy()) for each in (state.drops, state.episodes)]
    found = detector.step(hour, values, limits, budgets)
    state = detector.state
    for episodes, (running, was_open) in zip((state.drops, state.episodes), before, strict=True):
        within = episodes.expected_running - np.where(was_open, running, 0.0)
        expected = np.where(episodes.open | was_open, within, expected)
    return expected, found.ended


def _sight(
    results: Mapping[UUID, Watch],
    columns: Sequence[tuple[Watched, Series]],
    detector: Detector,
    index: int,
    direction: Direction,
) -> None:
    tenant, series = columns[index]
    found = Sighting(series, detector.anomaly(index, direction), detector.last(index, direction))
    results[tenant.tenant_id].sightings.append(found)
