"""What follows from what was merged into what. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trust_portal.facts.events import INCIDENT_DECLARED
from trust_portal.learning.incidents.effects import (
    ends_of,
    happened_at,
    heard,
    kind_of,
    reach,
    speaks_for,
)
from trust_portal.learning.incidents.model import EntryKind, Incident, IncidentFact, MajorBecause, incident_id
from trust_portal.learning.incidents.naming import Name


@dataclass(frozen=True, slots=True)
class Merger:
    """``fact`` told that an incident goes on in ``into``; ``since`` is when that was known here."""

    into: Name
    fact: IncidentFact
    since: datetime


def way(name: Name, mergers: Mapping[Name, Merger]) -> list[Name]:
    """The incident and all that it ended up in."""
    found = [name]
    while found[-1] in mergers:
        found.append(mergers[found[-1]].into)
    return found


def with_mergers(
    incidents: Mapping[Name, Incident],
    mergers: Mapping[Name, Merger],
    histories: Mapping[Name, Sequence[IncidentFact]],
) -> dict[Name, Incident]:
    """``incidents`` with what they go on in, with its end, and the worst of what was merged into them."""
    found = dict(incidents)
    for name in mergers:
        *merged, last = way(name, mergers)
        found[name] = replace(
            _ended(incidents[name], histories[name], histories[last], last[0]),
            merged_into=incident_id(*mergers[name].into),
            ends_in=incident_id(*last),
            merged_at=max(mergers[each].since for each in merged),
        )
    for name, each in incidents.items():
        for target in way(name, mergers)[1:]:
            if each.worst_severity.outranks(found[target].worst_severity):
                found[target] = replace(found[target], worst_severity=each.worst_severity)
    return {
        name: replace(each, major_because=MajorBecause.MERGED)
        if each.major_because is None and each.worst_severity.is_major
        else each
        for name, each in found.items()
    }


def _ended(
    own: Incident, history: Sequence[IncidentFact], ahead: Sequence[IncidentFact], declared_by: str
) -> Incident:
    """It goes on as long as what it ends in. What began, or was reopened, after that was over is over by its own
    word only. ``ahead``: what was told of that, by tokens that may speak of this one too.
    """
    touched = reach(history, own.source)
    told = [fact for fact in heard(ahead, declared_by) if speaks_for(fact, touched)]
    if not any(fact.type == INCIDENT_DECLARED for fact in told):
        return own
    mitigated_at, resolved_at, _ = ends_of(told)
    again = [happened_at(fact) for fact in heard(history, own.source) if kind_of(fact) is EntryKind.REOPENED]
    since = max([own.began_at, *again])

    def end(mine: datetime | None, its: datetime | None, *, goes_on: bool) -> datetime | None:
        if goes_on:
            return None
        return mine if its is None or its < since else max(its, mine or its)

    return replace(
        own,
        mitigated_at=end(
            own.mitigated_at, mitigated_at, goes_on=resolved_at is None and mitigated_at is None
        ),
        resolved_at=end(own.resolved_at, resolved_at, goes_on=resolved_at is None),
    )
