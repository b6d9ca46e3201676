"""What was merged into what, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from trust_portal.facts.events import INCIDENT_DECLARED
from trust_portal.learning.incidents.effects import (
    ends_of,
    happened_at,
    heard,
    kind_of,
    may_decide,
    order,
    reach,
    speaks_for,
)
from trust_portal.learning.incidents.model import Incident, IncidentFact, MajorBecause, incident_id
from trust_portal.learning.incidents.naming import Name, Sources, resolved


@dataclass(frozen=True, slots=True)
class Merger:
    """``fact`` told that an incident goes on in ``into``."""

    into: Name
    fact: IncidentFact


def mergers_of(
    histories: Mapping[Name, Sequence[IncidentFact]], sources: Sources, claims: Collection[UUID] = ()
) -> dict[Name, Merger]:
    """What each incident was merged into: the last told counts, and none that would close a circle.

    Nor one told by a token that may not speak of what it was merged into: it would weigh on it. ``claims``: keys of facts
    that take a P1 or P2 away and wait for two (``mergers_claimed``).
    """
    last = {
        name: fact
        for name, history in histories.items()
        if (fact := last_merger(heard(history, name[0]), name[0], claims)) is not None
    }
    found: dict[Name, Merger] = {}
    for name, fact in sorted(last.items(), key=lambda each: order(each[1])):
        otherwise = fact.source if fact.source in sources.get(fact.body["into"], ()) else name[0]
        target = resolved(fact.body["into"], fact, fact.body.get("into_declared_by"), otherwise, sources)
        if target is None or not speaks_for(fact, reach(histories[target], target[0])):
            continue
        if name not in way(target, found):
            found[name] = Merger(target, fact)
    return found


def last_merger(
    counted: Sequence[IncidentFact], declared_by: str, claims: Collection[UUID] = ()
) -> IncidentFact | None:
    """The merger that stands: the last that was told, unless it was undone since. ``counted`` in order."""
    told = [
        fact
        for fact in counted
        if kind_of(fact) in {"merged", "unmerged"}
        and fact.key not in claims
        and may_decide(fact, declared_by)
    ]
    return told[-1] if told and kind_of(told[-1]) == "merged" else None


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
            merged_at=max(mergers[each].fact.origin.received_at for each in merged),
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
    again = [happened_at(fact) for fact in heard(history, own.source) if kind_of(fact) == "reopened"]
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
