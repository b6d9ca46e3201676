"""The severity of an incident through time: what was told, what was approved, and what was merged into it. Pure.

What is merged into an incident weighs on it: from then on it is at least as bad as that is, and only the approval
of two makes it less again. Whoever merges a P1 into a P3 of their own has talked nobody out of anything.

A weight counts from when its merger, or what was told of the merged one since, was told *here*, whatever time that
gives itself: no approval covers what its approvers could not see. What a token for some tenants told of the merged
one weighs on nothing that touches others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.facts.events import INCIDENT_DECLARED
from trust_portal.learning.incidents.effects import happened_at, order, severity_heard, spoke_for, stated
from trust_portal.learning.incidents.mergers import Merger, way
from trust_portal.learning.incidents.model import (
    AppliedDowngrade,
    Downgrade,
    IncidentFact,
    Severity,
    incident_id,
)
from trust_portal.learning.incidents.naming import Name


@dataclass(frozen=True, slots=True)
class Weight:
    """That what was merged into an incident is so bad; ``told`` is what said so."""

    at: datetime
    severity: Severity
    told: IncidentFact


class Course:
    """A severity through time: in force, claimed, and of each fact whether it took effect.

    ``approved``: of the downgrades those that took effect. ``worst`` is the worst in force until then, ``told_worst`` without what was merged into it; ``downgrade`` is why
    what is in force is less than ``worst``. ``known`` is what was in force from when on, as far as that was
    known here, and what told it (None: an approval).
    """

    def __init__(self) -> None:
        self.severity: Severity | None = None
        self.worst: Severity | None = None
        self.told_worst: Severity | None = None
        self.downgrade: AppliedDowngrade | None = None
        self.claimed: Severity | None = None
        self.spoken_at: datetime | None = None
        self.told: dict[UUID, bool] = {}
        self.approved: set[UUID] = set()
        self.known: list[tuple[datetime, Severity, IncidentFact | None]] = []

    def tell(self, fact: IncidentFact, severity: Severity) -> None:
        self.spoken_at = happened_at(fact)
        before = self.severity
        claim = before is not None and before.is_major and before.outranks(severity)
        self.told[fact.key] = not claim
        if claim:
            self.claimed = severity
            return
        self._becomes(severity, told_here(fact), fact)
        if self.told_worst is None or severity.outranks(self.told_worst):
            self.told_worst = severity

    def approve(self, downgrade: Downgrade) -> None:
        """Only where it is still the severity that the approvers saw, and nothing as bad was told after they had."""
        unseen = any(
            told is not None and at > downgrade.holds_from and not downgrade.before.outranks(severity)
            for at, severity, told in self.known
        )
        if self.severity is downgrade.before and not unseen:
            self.severity, self.claimed = downgrade.severity, None
            self.approved.add(downgrade.id)
            self.downgrade = AppliedDowngrade(downgrade.id, downgrade.severity)
            self.known.append((downgrade.holds_from, downgrade.severity, None))

    def bear(self, weight: Weight) -> None:
        if self.severity is None or weight.severity.outranks(self.severity):
            self.spoken_at = weight.at if self.spoken_at is None else max(self.spoken_at, weight.at)
            self._becomes(weight.severity, weight.at, weight.told)

    def _becomes(self, severity: Severity, at: datetime, told: IncidentFact) -> None:
        self.severity, self.claimed = severity, None
        self.known.append((at, severity, told))
        if self.worst is None or not self.worst.outranks(severity):
            self.worst, self.downgrade = severity, None

    def weights(self, merger: Merger) -> list[Weight]:
        """What it weighs on the incident it was merged into: as bad as it was then, and as it became since."""
        since = max(merger.since, happened_at(merger.fact))
        until = [each for each in self.known if each[0] <= since]
        later = [each for each in self.known if each[0] > since]
        return [
            Weight(max(at, since), severity, told or merger.fact)
            for at, severity, told in [*until[-1:], *later]
        ]


def courses(
    histories: Mapping[Name, Sequence[IncidentFact]],
    mergers: Mapping[Name, Merger],
    downgrades: Iterable[Downgrade],
) -> dict[Name, Course]:
    """The course of each incident, with the weight of everything that was merged into it."""
    approved: dict[UUID, list[Downgrade]] = {}
    for downgrade in downgrades:
        approved.setdefault(downgrade.incident_id, []).append(downgrade)
    weights: dict[Name, list[Weight]] = {}
    found: dict[Name, Course] = {}
    # What is merged the farthest from the end first: each weighs on the next.
    for name in sorted(histories, key=lambda each: -len(way(each, mergers))):
        history, lowered, borne = (
            severity_heard(histories[name], name[0]),
            approved.get(incident_id(*name), ()),
            weights.get(name, ()),
        )
        found[name] = _course(history, lowered, borne)
        if (merger := mergers.get(name)) is not None:
            ahead = histories[merger.into]
            weighing = _course(
                [fact for fact in history if _may_weigh(fact, ahead, merger)],
                lowered,
                [each for each in borne if _may_weigh(each.told, ahead, merger)],
            )
            weights.setdefault(merger.into, []).extend(weighing.weights(merger))
    return found


def _may_weigh(fact: IncidentFact, ahead: Sequence[IncidentFact], merger: Merger) -> bool:
    """Whether the fact's token might speak of what it weighs on (``ahead``) when it began to weigh on it."""
    return spoke_for(fact, ahead, merger.into[0], max(merger.since, fact.origin.received_at))


def _course(
    history: Sequence[IncidentFact], downgrades: Iterable[Downgrade], weights: Iterable[Weight]
) -> Course:
    course = Course()
    steps: list[tuple[tuple[datetime, int, UUID], IncidentFact | Downgrade | Weight, Severity]] = [
        (order(fact), fact, severity) for fact in history if (severity := stated(fact)) is not None
    ]
    steps += [((each.holds_from, 2, each.id), each, each.severity) for each in downgrades]
    # Nothing weighs on an incident before it is one.
    begun = [happened_at(fact) for fact in history if fact.type == INCIDENT_DECLARED]
    steps += [((max([each.at, *begun[:1]]), 1, each.told.key), each, each.severity) for each in weights]
    for _, step, severity in sorted(steps, key=lambda each: each[0]):
        match step:
            case Downgrade():
                course.approve(step)
            case Weight():
                course.bear(step)
            case _:
                course.tell(step, severity)
    return course


def own_severity(history: Sequence[IncidentFact], downgrades: Iterable[Downgrade]) -> Severity | None:
    """In force by what was told and approved of the incident itself, whatever was merged into it."""
    return _course(history, downgrades, ()).severity


def told_here(fact: IncidentFact) -> datetime:
    """When it was known here: when it came in, or happened, whichever is later."""
    return max(happened_at(fact), fact.origin.received_at)
