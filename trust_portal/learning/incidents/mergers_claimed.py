"""Which words about mergers take a P1 or P2 away, and so are claims until two approve. Pure.

What is merged into an incident weighs on it. Undoing that, merging it into something else, or closing a circle so
that it counts no more makes the incident less, as a lower severity would. Whether it does is judged by what was
known here when it came in: of what has come since it knows nothing, so that it is judged once and for ever, in
whatever company it is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.learning.incidents.course import courses
from trust_portal.learning.incidents.effects import kind_of, order
from trust_portal.learning.incidents.mergers import Merger, mergers_of, way
from trust_portal.learning.incidents.model import Downgrade, IncidentFact, Severity
from trust_portal.learning.incidents.naming import Name, declaring, histories_of

_KINDS = frozenset({"merged", "unmerged"})


@dataclass(frozen=True, slots=True)
class _Standing:
    severity: Severity
    worst: Severity


def takes_away(before: Severity, after: Severity, worst_before: Severity, worst_after: Severity) -> bool:
    """Whether that is a P1 or P2 the less: in force, or in the coverage."""
    return (before.is_major and before.outranks(after)) or (
        worst_before.is_major and not worst_after.is_major
    )


def claimed_mergers(
    told: Sequence[IncidentFact], downgrades: Iterable[Downgrade], approved: Collection[UUID] = ()
) -> frozenset[UUID]:
    """Keys of those of ``told`` (in order) that are claims. ``approved``: keys of facts that two approved."""
    about = sorted((fact for fact in told if kind_of(fact) in _KINDS), key=_came_in)
    known_downgrades = tuple(downgrades)
    claims: set[UUID] = set()
    for at, fact in enumerate(about):
        earlier = about[:at]
        if fact.key in approved or not _may_take_away(fact, earlier):
            continue
        company = _company(fact.subject, [*earlier, fact])
        counted = [each for each in earlier if each.key not in claims and each.subject in company]
        known = [
            each
            for each in told
            if each.subject in company
            and kind_of(each) not in _KINDS
            and each.origin.received_at <= fact.origin.received_at
        ]
        lowered = [each for each in known_downgrades if each.holds_from <= fact.origin.received_at]
        if _less(_standing([*known, *counted], lowered), _standing([*known, *counted, fact], lowered)):
            claims.add(fact.key)
    return frozenset(claims)


def _came_in(fact: IncidentFact) -> tuple[datetime, tuple[datetime, int, UUID]]:
    return fact.origin.received_at, order(fact)


def _may_take_away(fact: IncidentFact, earlier: Sequence[IncidentFact]) -> bool:
    """The first merger of an incident only adds its weight, unless it closes a circle."""
    return any(each.subject in {fact.subject, fact.body.get("into")} for each in earlier)


def _company(key: str, mergers: Iterable[IncidentFact]) -> frozenset[str]:
    """Every key that was ever merged with ``key``, directly or not."""
    beside: dict[str, set[str]] = {}
    for fact in mergers:
        if (into := fact.body.get("into")) is not None:
            beside.setdefault(fact.subject, set()).add(into)
            beside.setdefault(into, set()).add(fact.subject)
    found, wanted = {key}, {key}
    while wanted := {each for one in wanted for each in beside.get(one, ())} - found:
        found |= wanted
    return frozenset(found)


def _standing(facts: Iterable[IncidentFact], downgrades: Iterable[Downgrade]) -> Mapping[Name, _Standing]:
    told = sorted(facts, key=order)
    sources = declaring(told)
    histories, _ = histories_of(told, sources)
    mergers = mergers_of(histories, sources)
    through = courses(histories, mergers, downgrades)
    found = {
        name: _Standing(each.severity, each.worst)
        for name, each in through.items()
        if each.severity is not None and each.worst is not None
    }
    return {name: _Standing(each.severity, _worst(name, found, mergers)) for name, each in found.items()}


def _worst(name: Name, found: Mapping[Name, _Standing], mergers: Mapping[Name, Merger]) -> Severity:
    return min(each.worst for other, each in found.items() if name in way(other, mergers))


def _less(before: Mapping[Name, _Standing], after: Mapping[Name, _Standing]) -> bool:
    return any(
        takes_away(was.severity, after[name].severity, was.worst, after[name].worst)
        for name, was in before.items()
    )
