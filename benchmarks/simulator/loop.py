"""What the loop is worth: ``python -m benchmarks.simulator.loop FIRST LAST`` prints the tables.

A world has three quiet weeks, four weeks in which nobody explains or acts (the baseline), four weeks that
are lived through several times, and two in which what began in them comes to its end:

* ``off``: anomalies are found, and nothing else happens;
* ``explained``: they are explained, and nobody acts;
* ``on``: they are explained, playbooks are planned, people look at them in working hours
  (``people.looks_at``), and the vendor's product obeys;
* ``on call``: the same with somebody on call around the clock.

Unexplained spend is the product's own figure (``cost/kpis``) of the four weeks against the four before.
Planned work is announced, so it is suppressed, in every arm alike; nobody gives feedback in any.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from benchmarks.simulator.acting import Act, Operation, State
from benchmarks.simulator.closing import CURRENCY, Portal, Tenant, is_counted
from benchmarks.simulator.explaining import Usages
from benchmarks.simulator.model import Kind, World
from benchmarks.simulator.people import always_on_call, looks_at
from benchmarks.simulator.usage import MILLION, Units, totals
from benchmarks.simulator.world import START, make_world
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.kpis.calculation import kpis
from trust_portal.cost.kpis.model import CostKpis, Episode
from trust_portal.cost.remediation.playbooks import ControlAction

_WEEK = 7 * 24


@dataclass(frozen=True, slots=True)
class Calendar:
    """How many hours each part takes."""

    quiet: int = 3 * _WEEK
    baseline: int = 4 * _WEEK
    lived: int = 4 * _WEEK
    after: int = 2 * _WEEK

    @property
    def switched_on(self) -> int:
        return self.quiet + self.baseline

    @property
    def end(self) -> int:
        return self.switched_on + self.lived

    @property
    def hours(self) -> int:
        return self.end + self.after

    @property
    def spans(self) -> tuple[range, range]:
        """The hours in which events begin."""
        return range(self.quiet, self.switched_on), range(self.switched_on, self.end)


PUBLISHED = Calendar()


@dataclass(frozen=True, slots=True)
class Arm:
    name: str
    explains: bool
    looks_at: Callable[[datetime], datetime] | None = None


OFF = Arm("off", explains=False)
EXPLAINED = Arm("explained", explains=True)
ON = Arm("on", explains=True, looks_at=looks_at)
ON_CALL = Arm("on call", explains=True, looks_at=always_on_call)
ARMS = (OFF, EXPLAINED, ON, ON_CALL)


@dataclass(slots=True)
class Money:
    """What was spent of what the events of the four weeks would add, in millionths, by the truth."""

    unplanned: int = 0
    planned: int = 0


@dataclass(slots=True)
class Lived:
    """One arm: the product's figures, the true money, and the acts."""

    kpis: CostKpis
    money: Money
    acts: list[Act] = field(default_factory=list)
    usual_gone: Mapping[ControlAction, int] = field(default_factory=dict)
    misnamed: Decimal = Decimal(0)  #: of the four weeks' excess: laid to causes that were none
    told: Units = field(default_factory=lambda: np.zeros(0, np.int64))  #: what each world spent


def loop_world(seed: int, calendar: Calendar = PUBLISHED, *, tenants: int = 12) -> World:
    """Everything is told in time: how lateness is borne is measured apart (``detection --late``)."""
    world = make_world(seed, tenants=tenants, hours=calendar.hours, spans=calendar.spans)
    return replace(world, late=np.zeros_like(world.late))


def live(
    worlds: Sequence[World], arms: Sequence[Arm] = ARMS, calendar: Calendar = PUBLISHED
) -> dict[str, Lived]:
    """Live through the worlds: up to the switching on once, and then once for each arm.

    Where nobody acts nothing depends on when an hour is closed, so all are closed together.
    """
    portal = Portal(worlds)
    spent = [totals(world) for world in worlds]
    _hear(portal, worlds, spent, range(calendar.switched_on))
    portal.close(calendar.switched_on - 1)
    return {arm.name: _live_on(portal.fork(), worlds, arm, calendar) for arm in arms}


def _live_on(portal: Portal, worlds: Sequence[World], arm: Arm, calendar: Calendar) -> Lived:
    usages = Usages(worlds)
    operation = Operation(usages, START + timedelta(hours=calendar.switched_on), arm.looks_at)
    spent = [totals(world) for world in worlds]
    hours = range(calendar.switched_on, calendar.hours)
    if arm.looks_at is None:
        _hear(portal, worlds, spent, hours)
        portal.close(hours[-1])
        hours = range(0)
    for hour in hours:
        for world, amounts in zip(worlds, spent, strict=True):
            for tenant in portal.of(world):
                if operation.shape(tenant, hour):
                    for series, place in tenant.columns.items():
                        amounts[hour, place] = usages.of(tenant, series).spent(hour, hour + 1).sum()
            portal.hear(world, hour, amounts[hour])
        operation.after_close(hour, portal.close(hour))
    if arm.explains:
        operation.explain_all(portal.tenants)
    recovered = {act.plan.anomaly: act.recovered_at for act in operation.acts if act.recovered_at is not None}
    episodes = [
        _episode(anomaly, recovered.get(anomaly.id))
        for tenant in portal.tenants
        for anomaly in tenant.anomalies
        if is_counted(anomaly) and anomaly.suppression_id is None
    ]
    return Lived(
        kpis(episodes, START + timedelta(hours=calendar.end)),
        _money(portal.tenants, usages, calendar),
        operation.acts,
        operation.usual_gone,
        _misnamed(portal.tenants, operation, calendar),
        np.array([amounts[calendar.switched_on :].sum() for amounts in spent]),
    )


def _misnamed(tenants: Sequence[Tenant], operation: Operation, calendar: Calendar) -> Decimal:
    """Of the same anomalies that unexplained spend is counted of."""
    return sum(
        (
            operation.misnamed.get(anomaly.id, Decimal(0))
            for tenant in tenants
            for anomaly in tenant.anomalies
            if is_counted(anomaly)
            and anomaly.suppression_id is None
            and not anomaly.is_drop
            and anomaly.started_at < START + timedelta(hours=calendar.end)
        ),
        Decimal(0),
    )


def _hear(portal: Portal, worlds: Sequence[World], spent: Sequence[Units], hours: range) -> None:
    for hour in hours:
        for world, amounts in zip(worlds, spent, strict=True):
            portal.hear(world, hour, amounts[hour])


def _money(tenants: Sequence[Tenant], usages: Usages, calendar: Calendar) -> Money:
    found = Money()
    for tenant in tenants:
        busy = {event.series for event in tenant.world.events}
        for series in (each for each, place in tenant.columns.items() if place in busy):
            used = usages.of(tenant, series)
            for number, event in enumerate(used.events):
                if event.start in calendar.spans[1]:
                    spent = int(used.extra[number].sum())
                    if event.kind is Kind.PLANNED:
                        found.planned += spent
                    else:
                        found.unplanned += spent
    return found


def _episode(anomaly: CostAnomaly, recovered_at: datetime | None) -> Episode:
    return Episode(
        currency=anomaly.series.currency,
        unexplained=anomaly.unexplained,
        started_at=anomaly.started_at,
        last_at=anomaly.last_at,
        detected_at=anomaly.detected_at,
        opened_at=anomaly.opened_at,
        first_explained_at=anomaly.first_explained_at,
        is_open=anomaly.is_open,
        verdict=anomaly.verdict,
        recovered_at=recovered_at,
        is_drop=anomaly.is_drop,
    )


def less_unexplained(lived: Mapping[str, Lived], arm: Arm = ON) -> float:
    """By how much the arm's unexplained spend lies under that of the arm in which nothing is done."""
    off, on = (lived[each.name].kpis.unexplained[CURRENCY].current for each in (OFF, arm))
    return float(1 - on / off) if off else 0.0


def fallen(lived: Mapping[str, Lived], arm: Arm = ON) -> float:
    """By how much the arm's unexplained spend lies under that of the four weeks before; below 0 it rose."""
    return -float(lived[arm.name].kpis.unexplained[CURRENCY].change or 0)


def saved(lived: Mapping[str, Lived], arm: Arm = ON) -> int:
    """What the arm did not spend of unplanned excess, in millionths. What else was not spent is not saved."""
    return lived[OFF.name].money.unplanned - lived[arm.name].money.unplanned


def show(lived: Mapping[str, Lived]) -> None:
    off = lived[OFF.name]
    print(
        "| loop | unexplained, four weeks before | four weeks | change | less than off | or wrongly explained |"
        " hours to recover, median |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for arm in ARMS:
        figures = lived[arm.name].kpis
        spend = figures.unexplained[CURRENCY]
        change = "–" if spend.change is None else f"{spend.change:+.1%}"
        print(
            f"| {arm.name} | {spend.baseline:,.0f} | {spend.current:,.0f} | {change}"
            f" | {less_unexplained(lived, arm):.1%}"
            f" | {spend.current + lived[arm.name].misnamed:,.0f} | {_hours(figures.to_recover.median)} |"
        )
    print(
        "\n| loop | acts | verified | taken back | for health | denied | came too late | had ended by itself |"
        " unplanned excess not spent | planned work not spent | usual work held back | usual calls cached |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for arm in ARMS:
        money, states = lived[arm.name].money, Counter(act.state for act in lived[arm.name].acts)
        gone = lived[arm.name].usual_gone
        did = (State.EXECUTED, State.VERIFIED, State.ROLLED_BACK, State.HARMFUL)
        done = sum(states[each] for each in did)
        print(
            f"| {arm.name} | {done} | {states[State.VERIFIED]} | {states[State.ROLLED_BACK]}"
            f" | {states[State.HARMFUL]} | {states[State.DENIED]} | {states[State.LAPSED]} | {states[State.ENDED]}"
            f" | {saved(lived, arm) / MILLION:,.0f}"
            f" of {off.money.unplanned / MILLION:,.0f}"
            f" | {(off.money.planned - money.planned) / MILLION:,.0f}"
            f" of {off.money.planned / MILLION:,.0f}"
            f" | {gone.get(ControlAction.THROTTLE_EXPORTS, 0) / MILLION:,.0f}"
            f" | {gone.get(ControlAction.ENABLE_CACHE, 0) / MILLION:,.0f} |"
        )


def _hours(span: timedelta | None) -> str:
    return "–" if span is None else f"{span.total_seconds() / 3600:.0f}"


def main(arguments: Sequence[str]) -> None:
    first, last = (int(argument) for argument in arguments)
    show(live([loop_world(seed) for seed in range(first, last + 1)]))


if __name__ == "__main__":
    main(sys.argv[1:])
