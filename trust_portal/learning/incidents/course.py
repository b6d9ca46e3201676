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
    """That what was merged into an incident is so bad; ``told`` is what said so, and ``here`` when both had come in."""

    at: datetime
    severity: Severity
    told: IncidentFact
    here: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """``severity`` is in force since ``at``, as far as that was known here; what says so (None: an approval) came in ``here``."""

    at: datetime
    severity: Severity
    told: IncidentFact | None
    here: datetime


class Course:
    """A severity through time: in force, claimed, and of each fact whether it took effect.

    ``approved``: of the downgrades those that took effect. ``worst`` is the worst in force until then, ``told_worst`` without what was merged into it; ``downgrade`` is why
    what is in force is less than ``worst``.
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
        self.known: list[_Known] = []

    def tell(self, fact: IncidentFact, severity: Severity) -> None:
        self.spoken_at = happened_at(fact)
        before = self.severity
        claim = before is not None and before.is_major and before.outranks(severity)
        self.told[fact.key] = not claim
        if claim:
            self.claimed = severity
            return
        self._becomes(_Known(told_here(fact), severity, fact, fact.origin.received_at))
        if self.told_worst is None or severity.outranks(self.told_worst):
            self.told_worst = severity

    def approve(self, downgrade: Downgrade) -> None:
        """Only where it is still the severity that the approvers saw, and nothing as bad came in after they had.

        By our own clock: ``holds_from`` may be ahead of it, where a producer's clock was.
        """
        unseen = any(
            each.told is not None
            and each.here > downgrade.used_at
            and not downgrade.before.outranks(each.severity)
            for each in self.known
        )
        if self.severity is downgrade.before and not unseen:
            self.severity, self.claimed = downgrade.severity, None
            self.approved.add(downgrade.id)
            self.downgrade = AppliedDowngrade(downgrade.id, downgrade.severity)
            self.known.append(_Known(downgrade.holds_from, downgrade.severity, None, downgrade.used_at))

    def bear(self, weight: Weight) -> None:
        if self.severity is not None and self.severity.outranks(weight.severity):
            return
        known = _Known(weight.at, weight.severity, weight.told, weight.here)
        self.spoken_at = weight.at if self.spoken_at is None else max(self.spoken_at, weight.at)
        if weight.severity is self.severity:
            # It makes nothing worse; but whoever approved before it came in had not seen it, here and further on.
            self.known.append(known)
        else:
            self._becomes(known)

    def _becomes(self, known: _Known) -> None:
        self.severity, self.claimed = known.severity, None
        self.known.append(known)
        if self.worst is None or not self.worst.outranks(known.severity):
            self.worst, self.downgrade = known.severity, None

    def weights(self, merger: Merger) -> list[Weight]:
        """What it weighs on the incident it was merged into: as bad as it was then, and as it became since."""
        since = max(merger.since, happened_at(merger.fact))
        until = [each for each in self.known if each.at <= since]
        later = [each for each in self.known if each.at > since]
        return [
            Weight(max(each.at, since), each.severity, each.told or merger.fact, max(each.here, merger.since))
            for each in [*until[-1:], *later]
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
