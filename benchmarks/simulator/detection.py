"""How well spending is watched: ``python -m benchmarks.simulator.detection FIRST LAST`` prints the table.

All worlds of the seeds FIRST … LAST run as one batch through a detector with the installed thresholds:
the installed one, or ``--detector NAME@VERSION``. A hit is an anomaly raised on the event's series from its
first hour to twelve hours after its last; the first three weeks, in which nothing happens, are not judged.
Drops are judged by themselves: true is one in the cheaper half of a pair that nets out.
Events worth less than 25 units of money in all are nobody's miss.

With ``--late`` the hours are told, late and corrected, and closed as in the product; an anomaly is raised
when its hour was closed. The second table then says how well those found are explained.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from uuid import UUID

import numpy as np

from benchmarks.simulator.closing import GRACE, Tenant, hour_index, is_counted, watched_through
from benchmarks.simulator.explaining import Accuracy, Usages
from benchmarks.simulator.model import Event, Kind, World
from benchmarks.simulator.world import START, make_world
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.model import Direction
from trust_portal.cost.detection.thresholds import INSTALLED, Limits
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version, version_named

_JUDGED_FROM = 21 * 24
_GRACE = 12
_WORTH = 25.0


@dataclass(slots=True)
class Tally:
    """Events of one kind: how many there were, and after how many hours those found were raised."""

    events: int = 0
    hours: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return len(self.hours) / self.events if self.events else 1.0


@dataclass(slots=True)
class Outcome:
    """What the detector made of some worlds."""

    kinds: dict[Kind, Tally] = field(default_factory=lambda: {kind: Tally() for kind in Kind})
    hits: int = 0
    false_alarms: int = 0
    repeats: int = 0  #: a further anomaly for an event already found
    drops: Tally = field(default_factory=Tally)  #: the cheaper halves of what nets out
    false_drops: int = 0
    series_years: float = 0.0

    @property
    def precision(self) -> float:
        return self.hits / max(self.hits + self.false_alarms, 1)

    @property
    def recall(self) -> float:
        """Over everything that was not planned."""
        tallies = [tally for kind, tally in self.kinds.items() if kind is not Kind.PLANNED]
        return sum(len(tally.hours) for tally in tallies) / max(sum(tally.events for tally in tallies), 1)


@dataclass(frozen=True, slots=True)
class Raised:
    """Hours at which anomalies of one series were raised."""

    rises: list[int] = field(default_factory=list)
    drops: list[int] = field(default_factory=list)

    def of(self, direction: Direction) -> list[int]:
        return self.rises if direction is Direction.UP else self.drops


def raised_hours(worlds: Sequence[World], version: Version = INSTALLED_VERSION) -> list[Raised]:
    """Per series of all worlds, side by side."""
    spent = np.concatenate([world.actual for world in worlds], axis=1)
    budgets = np.concatenate([world.budget for world in worlds])
    detector = Detector(spent.shape[1], Cadence(), version)
    limits = Limits.same(INSTALLED, spent.shape[1])
    raised = [Raised() for _ in range(spent.shape[1])]
    for hour in range(spent.shape[0]):
        for series, direction in detector.step(
            worlds[0].start + timedelta(hours=hour), spent[hour], limits, budgets
        ).raised:
            raised[series].of(direction).append(hour)
    return raised


def judge(worlds: Sequence[World], raised: Sequence[Raised]) -> Outcome:
    """Compare what was raised with what happened."""
    outcome = Outcome()
    first = 0
    for world in worlds:
        for series in range(len(world.names)):
            events = [event for event in world.events if event.series == series]
            here = raised[first + series]
            _judge_series(outcome, events, [hour for hour in here.rises if hour >= _JUDGED_FROM])
            halves = [event for event in world.events if event.cheaper == series]
            _judge_drops(outcome, halves, [hour for hour in here.drops if hour >= _JUDGED_FROM])
        first += len(world.names)
        outcome.series_years += len(world.names) * (world.actual.shape[0] - _JUDGED_FROM) / 8_760
    return outcome


def _judge_series(outcome: Outcome, events: Sequence[Event], raised: Sequence[int]) -> None:
    found: dict[int, int] = {}
    for hour in raised:
        at = next((n for n, e in enumerate(events) if e.start <= hour < e.end + _GRACE), None)
        if at is None:
            outcome.false_alarms += 1
        elif at in found:
            outcome.repeats += 1
        else:
            found[at] = hour
            outcome.hits += events[at].kind is not Kind.PLANNED
    for number, event in enumerate(events):
        if event.excess >= _WORTH:
            outcome.kinds[event.kind].events += 1
            if number in found:
                outcome.kinds[event.kind].hours.append(found[number] - event.start)


def _judge_drops(outcome: Outcome, halves: Sequence[Event], raised: Sequence[int]) -> None:
    for half in halves:
        inside = [hour for hour in raised if half.start <= hour < half.end + _GRACE]
        if half.excess >= _WORTH:
            outcome.drops.events += 1
            outcome.drops.hours += [hour - half.start for hour in inside[:1]]
    within = [range(half.start, half.end + _GRACE) for half in halves]
    outcome.false_drops += sum(not any(hour in span for span in within) for hour in raised)


def raised_late(worlds: Sequence[World], version: Version) -> tuple[list[Raised], Accuracy, Accuracy]:
    """The same where usage is late; and how well it is explained when it is raised, and when it is over."""
    usages = Usages(worlds)
    at_once, in_the_end = Accuracy(), Accuracy()

    def judge_first(moved: Mapping[UUID, Tenant]) -> None:
        for id_, tenant in moved.items():
            anomaly = next(each for each in tenant.anomalies if each.id == id_)
            if anomaly.revision == 1 and not anomaly.is_drop:
                at_once.count(usages.of(tenant, anomaly.series), anomaly, START)

    portal = watched_through(worlds, version, judge_first)
    raised: list[Raised] = []
    for tenant in portal.tenants:
        for series in tenant.columns:
            found = [each for each in tenant.anomalies if each.series == series and is_counted(each)]
            hours = [(hour_index(each.opened_at - GRACE) - 1, each) for each in found]
            raised.append(
                Raised(*(sorted(h for h, each in hours if each.direction is way) for way in Direction))
            )
            for each in found:
                if each.is_drop:
                    continue
                in_the_end.count(usages.of(tenant, series), each, START)
    return raised, at_once, in_the_end


def main(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks.simulator.detection")
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--detector", type=version_named, default=INSTALLED_VERSION)
    parser.add_argument("--late", action="store_true")
    asked = parser.parse_args(arguments)
    worlds = [make_world(seed) for seed in range(asked.first, asked.last + 1)]
    if asked.late:
        raised, *explained = raised_late(worlds, asked.detector)
        show(judge(worlds, raised))
        show_accuracy(*explained)
    else:
        show(judge(worlds, raised_hours(worlds, asked.detector)))


def show(outcome: Outcome) -> None:
    print("| what happened | events | found | hours to detect, median |\n|---|---:|---:|---:|")
    rows = {kind.value: tally for kind, tally in outcome.kinds.items()}
    for name, tally in {**rows, "net_out, the cheaper half": outcome.drops}.items():
        typical = f"{median(tally.hours):.0f}" if tally.hours else "–"
        print(f"| {name} | {tally.events} | {tally.recall:.1%} | {typical} |")
    print(
        f"\nprecision {outcome.precision:.1%}, recall {outcome.recall:.1%}, "
        f"{outcome.false_alarms / outcome.series_years:.2f} false alarms per series and year, "
        f"{outcome.repeats} repeats, {outcome.false_drops / outcome.series_years:.2f} false drops"
    )


def show_accuracy(at_once: Accuracy, in_the_end: Accuracy) -> None:
    print(
        "\n| explained | anomalies | exact-set F1 | top cause right | money found |\n|---|---:|---:|---:|---:|"
    )
    for name, each in (("when raised", at_once), ("when over", in_the_end)):
        print(
            f"| {name} | {each.anomalies} | {each.f1:.3f} | {each.top_accuracy:.1%} | {each.money_found:.1%} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
