"""Hours told, late and corrected as a world has it, and closed as the product closes them.

What the database does for the product is done here in memory: usage by identity (told twice it counts
once, a correction replaces), the memories of the last midnights, the anomalies on record. The rest is the
product's own: ``watch`` takes the detector over the hours, ``anchors`` says which memories are kept, and
``following`` what a sighting makes of an anomaly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from benchmarks.simulator.model import Kind, World
from benchmarks.simulator.usage import MILLION, Units, totals
from benchmarks.simulator.world import START
from trust_portal.cost.anomalies import following
from trust_portal.cost.anomalies.model import AnomalyState, CostAnomaly, Figures, Lane
from trust_portal.cost.anomalies.states import ANCHORED, anchors
from trust_portal.cost.anomalies.watching import HOUR, Sighting, Watched, watch
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version
from trust_portal.cost.metering.model import Series

#: ``COST_GRACE`` as it is installed.
GRACE = timedelta(minutes=10)
CURRENCY = "EUR"
_CATCHES_UP = 6


@dataclass(frozen=True, slots=True)
class Told:
    """One row of usage as it arrives: what it is called, what it replaces, and its cost in millionths."""

    series: int
    hour: int
    row: str
    units: int
    corrects: str | None = None


def deliveries(world: World, spent: Units, hour: int) -> Iterator[tuple[int, Told]]:
    """What is told of an hour, and with which hour's close. ``spent``: by series, in the end.

    What is late or corrected comes when the vendor catches up, four times a day.
    """
    for series, units in enumerate(spent.tolist()):
        late = int(world.late[hour, series])
        caught_up = hour + late + (-(hour + late + 1)) % _CATCHES_UP
        if not late:
            yield hour, Told(series, hour, "a", units)
        elif world.again[hour, series]:
            yield hour, Told(series, hour, "a", units)
            yield caught_up, Told(series, hour, "a", units)
        else:
            actual = world.actual[hour, series]
            first = round(units * float(world.first[hour, series] / actual)) if actual > 0 else 0
            yield hour, Told(series, hour, "a", first)
            if first > units:
                yield caught_up, Told(series, hour, "b", units, corrects="a")
            else:
                yield caught_up, Told(series, hour, "b", units - first)


@dataclass(slots=True)
class Hour:
    """One hour of one series: the rows that count."""

    rows: dict[str, int] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)

    def take(self, told: Told) -> bool:
        """Whether anything changed: a row that is known is not taken twice."""
        if told.row in self.rows or told.row in self.replaced:
            return False
        if told.corrects is not None:
            self.rows.pop(told.corrects, None)
            self.replaced.add(told.corrects)
        self.rows[told.row] = told.units
        return True

    @property
    def cost(self) -> Decimal:
        return Decimal(sum(self.rows.values())) / MILLION


@dataclass(slots=True)
class Tenant:
    """What is on record of one tenant."""

    id: UUID
    world: World
    name: str
    columns: Mapping[Series, int]  #: its series' places in the world
    hours: dict[tuple[int, int], Hour] = field(default_factory=dict)  #: those told in several rows
    costs: dict[Series, dict[datetime, Decimal]] = field(default_factory=dict)
    expected: dict[Series, dict[datetime, Decimal]] = field(default_factory=dict)
    memories: dict[datetime, Mapping[Series, bytes]] = field(default_factory=dict)
    closed_through: datetime | None = None
    dirty_from: datetime | None = None
    anomalies: list[CostAnomaly] = field(default_factory=list)

    def copy(self) -> Tenant:
        return replace(
            self,
            hours={place: Hour({**hour.rows}, {*hour.replaced}) for place, hour in self.hours.items()},
            costs={series: {**costs} for series, costs in self.costs.items()},
            expected={series: {**hours} for series, hours in self.expected.items()},
            memories={**self.memories},
            anomalies=[*self.anomalies],
        )

    def anomaly(self, id: UUID) -> CostAnomaly:
        return next(each for each in self.anomalies if each.id == id)

    def put(self, anomaly: CostAnomaly) -> None:
        """In the place of its earlier revision."""
        place = next(n for n, each in enumerate(self.anomalies) if each.id == anomaly.id)
        self.anomalies[place] = anomaly

    def figures(self, series: Series, first: datetime, last: datetime) -> Figures:
        hours = [first + HOUR * n for n in range(int((last - first) / HOUR) + 1)]
        cost, expected = self.costs[series], self.expected[series]
        return Figures(
            sum((expected.get(hour, Decimal(0)) for hour in hours), Decimal(0)),
            sum((cost.get(hour, Decimal(0)) for hour in hours), Decimal(0)),
        )


class Portal:
    """Several worlds' tenants, watched together."""

    def __init__(self, worlds: Sequence[World], version: Version = INSTALLED_VERSION) -> None:
        self.version = version
        self.tenants: list[Tenant] = []
        self._pending: dict[int, list[tuple[Tenant, Told]]] = defaultdict(list)
        self._ids = 0
        self._moved: dict[UUID, Tenant] = {}
        for world in worlds:
            for name in dict.fromkeys(tenant for tenant, _ in world.names):
                columns = {
                    Series(subsystem, CURRENCY): place
                    for place, (tenant, subsystem) in enumerate(world.names)
                    if tenant == name
                }
                self.tenants.append(
                    Tenant(
                        self._next_id(), world, name, columns,
                        costs={series: {} for series in columns},
                        expected={series: {} for series in columns},
                    )
                )  # fmt: skip

    def fork(self) -> Portal:
        """One that goes on from here by itself."""
        other = Portal((), self.version)
        other._ids = self._ids
        other.tenants = [tenant.copy() for tenant in self.tenants]
        by_id = {tenant.id: tenant for tenant in other.tenants}
        for hour, told in self._pending.items():
            other._pending[hour] = [(by_id[tenant.id], each) for tenant, each in told]
        return other

    def hear(self, world: World, hour: int, spent: Units) -> None:
        """``spent``: by series of the world, in millionths. What is late arrives with a later close."""
        of_series = {place: each for each in self.of(world) for place in each.columns.values()}
        for arrives, told in deliveries(world, spent, hour):
            self._pending[arrives].append((of_series[told.series], told))

    def close(self, hour: int) -> Mapping[UUID, Tenant]:
        """Take in what has arrived, and close every hour up to this one; what was closed and changed, again.

        Answers the anomalies whose figures moved, and whose they are.
        """
        self._moved = {}
        through, now = START + HOUR * hour, START + HOUR * (hour + 1) + GRACE
        for arrived in sorted(at for at in self._pending if at <= hour):
            for tenant, told in self._pending.pop(arrived):
                self._take(tenant, told)
        groups: dict[datetime, list[Tenant]] = defaultdict(list)
        for tenant in self.tenants:
            known = [at for at in tenant.memories if tenant.dirty_from is None or at < tenant.dirty_from]
            groups[max(known, default=START - HOUR)].append(tenant)
        for start, group in sorted(groups.items()):
            self._close_together(group, start, through, now)
        return self._moved

    def of(self, world: World) -> list[Tenant]:
        return [tenant for tenant in self.tenants if tenant.world is world]

    def _next_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def _take(self, tenant: Tenant, told: Told) -> None:
        series = next(each for each, place in tenant.columns.items() if place == told.series)
        at = START + HOUR * told.hour
        if not tenant.world.late[told.hour, told.series]:
            tenant.costs[series][at] = Decimal(told.units) / MILLION
            return
        hour = tenant.hours.setdefault((told.series, told.hour), Hour())
        if hour.take(told):
            tenant.costs[series][at] = hour.cost
            if tenant.closed_through is not None and at <= tenant.closed_through:
                tenant.dirty_from = min(at, tenant.dirty_from or at)

    def _close_together(
        self, group: Sequence[Tenant], start: datetime, through: datetime, now: datetime
    ) -> None:
        hours = [start + HOUR * n for n in range(1, int((through - start) / HOUR) + 1)]
        watched = [
            Watched(
                tenant.id, start, tenant.memories.get(start, {}),
                {
                    series: {hour: costs[hour] for hour in hours if hour in costs}
                    for series, costs in tenant.costs.items()
                },
                lambda _series, _hour: INSTALLED,
                partial(_budget, tenant),
            )
            for tenant in group
        ]  # fmt: skip
        seen = watch(watched, through, self.version, anchors(through))
        for tenant, result in zip(group, seen, strict=True):
            kept = {
                at: memory
                for at, memory in tenant.memories.items()
                if at <= start and at >= through - ANCHORED and at.hour == 0
            }
            tenant.memories = {**kept, **result.anchors, through: result.memories}
            tenant.closed_through, tenant.dirty_from = through, None
            for hour, series, amount in result.expected:
                tenant.expected[series][hour] = amount
            self._record(tenant, result.sightings, start, now)

    def _record(self, tenant: Tenant, sightings: Sequence[Sighting], start: datetime, now: datetime) -> None:
        known = [each for each in tenant.anomalies if each.is_open or each.last_at > start]
        seen: set[UUID] = set()
        for sighting in sorted(sightings, key=lambda each: (each.anomaly.start, each.series)):
            matches = [each for each in known if following.is_of(each, sighting)]
            if matches:
                followed = following.followed(matches[0], sighting, again=matches[0].id in seen)
                if matches[0].is_open or followed.is_open:
                    suppression = _suppression(tenant, sighting.series, followed.last_at)
                    followed = replace(followed, suppression_id=suppression)
                stands = self._change(tenant, matches[0], followed, now)
                known[known.index(matches[0])] = stands
                seen |= {each.id for each in matches}
                for other in matches[1:]:
                    self._change(tenant, other, following.merged(other, stands), now)
            else:
                opened = self._open(tenant, sighting, now)
                known.append(opened)
                seen.add(opened.id)
        for anomaly in known:
            if anomaly.id not in seen and "merged_into" not in anomaly.evidence:
                self._change(tenant, anomaly, replace(anomaly, state=AnomalyState.CLOSED), now)

    def _open(self, tenant: Tenant, sighting: Sighting, now: datetime) -> CostAnomaly:
        figures = tenant.figures(sighting.series, sighting.anomaly.start, sighting.last)
        anomaly = following.opened(
            sighting, figures, now, id=self._next_id(), tenant_id=tenant.id, lane=Lane.LIVE, evidence={},
            suppression_id=_suppression(tenant, sighting.series, sighting.last),
        )  # fmt: skip
        tenant.anomalies.append(anomaly)
        self._moved[anomaly.id] = tenant
        if sighting.ended:
            return self._change(tenant, anomaly, replace(anomaly, state=AnomalyState.CLOSED), now)
        return anomaly

    def _change(
        self, tenant: Tenant, before: CostAnomaly, changed: CostAnomaly, now: datetime
    ) -> CostAnomaly:
        figures = tenant.figures(changed.series, changed.started_at, changed.last_at)
        changed = following.refigured(before, changed, figures, now)
        if changed is not before:
            tenant.put(changed)
            self._moved[changed.id] = tenant
        return changed


def _budget(tenant: Tenant, series: Series, _hour: datetime) -> float:
    return float(tenant.world.budget[tenant.columns[series]])


def hour_index(at: datetime) -> int:
    return int((at - START) / HOUR)


def is_counted(anomaly: CostAnomaly) -> bool:
    """One that turned out to be part of another is counted there."""
    return "merged_into" not in anomaly.evidence


def _suppression(tenant: Tenant, series: Series, last: datetime) -> UUID | None:
    """Planned work is announced: what it covers the last hour of is suppressed, from its first hour to twelve after its last."""
    place, at = tenant.columns[series], hour_index(last)
    for number, event in enumerate(tenant.world.events):
        if event.kind is Kind.PLANNED and event.series == place and event.start <= at < event.end + 12:
            return UUID(int=2**64 + number)
    return None


def watched_through(
    worlds: Sequence[World],
    version: Version = INSTALLED_VERSION,
    after: Callable[[Mapping[UUID, Tenant]], None] = lambda _moved: None,
) -> Portal:
    """A portal that has closed every hour of the worlds; ``after`` each close it hears what moved."""
    portal = Portal(worlds, version)
    spent = [totals(world) for world in worlds]
    for hour in range(len(spent[0])):
        for world, amounts in zip(worlds, spent, strict=True):
            portal.hear(world, hour, amounts[hour])
        after(portal.close(hour))
    return portal
