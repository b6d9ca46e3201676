"""What a fact of an incident may change of it: when it happened, what it is, and for whom its token spoke. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.errors import Broken
from trust_portal.facts.events import INCIDENT_DECLARED, INCIDENT_MITIGATED, INCIDENT_RESOLVED, PORTAL
from trust_portal.learning.incidents.model import IncidentFact

_STEP_KINDS: Final = {
    INCIDENT_DECLARED: "declared",
    INCIDENT_MITIGATED: "mitigated",
    INCIDENT_RESOLVED: "resolved",
}
#: Of what happened in one moment, what comes first.
_RANKS: Final = {"declared": 0, "merged": 3, "unmerged": 4, "mitigated": 5, "resolved": 6, "reopened": 7}
#: Counts of whoever declared the incident, and of the portal: it decides which customers see what, and who signs.
_ITS_OWNERS: Final = frozenset({"affected", "merged", "unmerged", "owner"})


def happened_at(fact: IncidentFact) -> datetime:
    """When it happened: mitigated and resolved say it themselves, for the others it is the event's time."""
    return parsed(fact.body["at"]) if fact.type in {INCIDENT_MITIGATED, INCIDENT_RESOLVED} else fact.time


def kind_of(fact: IncidentFact) -> str:
    return _STEP_KINDS.get(fact.type) or str(fact.body["kind"])


def order(fact: IncidentFact) -> tuple[datetime, int, UUID]:
    return happened_at(fact), _RANKS.get(kind_of(fact), 1), fact.key


def in_order(facts: Iterable[IncidentFact]) -> list[IncidentFact]:
    """Each once."""
    return sorted({fact.key: fact for fact in facts}.values(), key=order)


def may_decide(fact: IncidentFact, declared_by: str) -> bool:
    """Whether its source may say this. A stranger's may not say whom it touches nor end it in another."""
    return kind_of(fact) not in _ITS_OWNERS or fact.source in {declared_by, PORTAL}


def reach(history: Sequence[IncidentFact], declared_by: str) -> tuple[UUID, ...] | None:
    """Whom an incident touches; None: may be everybody. ``history`` in order."""
    return _touched(history, declared_by)[1]


def heard(history: Sequence[IncidentFact], declared_by: str) -> list[IncidentFact]:
    """Those of ``history`` (in order) whose tokens may speak of the incident, in order.

    A token for some tenants speaks only of incidents that touch none but those: what it tells of another
    is a claim, whatever source it speaks for and whatever time it gives. The incident's beginning is
    its first declaration by a token for everybody; by one for some only where there is no other.
    """
    beginning, touched = _touched(history, declared_by)
    return [fact for fact in history if fact is beginning or speaks_for(fact, touched)]


def known_by(history: Iterable[IncidentFact], moment: datetime) -> list[IncidentFact]:
    """Those of ``history`` that had come in by ``moment``."""
    return [fact for fact in history if fact.origin.received_at <= moment]


def spoke_for(
    fact: IncidentFact, history: Sequence[IncidentFact], declared_by: str, moment: datetime
) -> bool:
    """Whether its token might speak of the incident at ``moment``, by what was known of that then.

    ``history`` in order; at ``moment`` the incident was declared. Whom it is said to touch later takes nothing back.
    """
    if fact.bounds is None:
        return True
    beginning, touched = _touched(known_by(history, moment), declared_by)
    return fact is beginning or speaks_for(fact, touched)


def severity_heard(history: Sequence[IncidentFact], declared_by: str) -> list[IncidentFact]:
    """Those of ``history`` (in order) that state a severity by a token that could ever speak of the incident since.

    Other than ``heard``: else who says that it touches others, too, would take a P1 away alone.
    """
    stating = [fact for fact in history if kind_of(fact) in {"declared", "severity"}]
    if all(fact.bounds is None for fact in stating):
        return stating
    whom = [fact for fact in history if kind_of(fact) in {"declared", "affected"}]
    born = min(fact.origin.received_at for fact in whom if fact.type == INCIDENT_DECLARED)
    moments = sorted({max(born, fact.origin.received_at) for fact in whom})
    touched = [_touched(known_by(whom, moment), declared_by) for moment in moments]

    def counts(fact: IncidentFact) -> bool:
        first = bisect_right(moments, max(born, fact.origin.received_at)) - 1
        return any(fact is beginning or speaks_for(fact, each) for beginning, each in touched[first:])

    return [fact for fact in stating if counts(fact)]


def too_early(history: Sequence[IncidentFact]) -> frozenset[UUID]:
    """Keys of what ends an incident before it began, by the last declaration: a claim that changes nothing.

    Else it would have been under way at no time at all, and a period would pass for one without an incident.
    """
    began = [parsed(fact.body["began_at"]) for fact in history if fact.type == INCIDENT_DECLARED][-1:]
    return frozenset(
        fact.key
        for fact in history
        if began and fact.type in {INCIDENT_MITIGATED, INCIDENT_RESOLVED} and happened_at(fact) < began[0]
    )


def ends_of(history: Sequence[IncidentFact]) -> tuple[datetime | None, datetime | None, int]:
    """Mitigated, resolved, and how often it was reopened after either. ``history`` in order."""
    mitigated_at = resolved_at = None
    reopened = 0
    early = too_early(history)
    for fact in history:
        match kind_of(fact):
            case _ if fact.key in early:
                pass
            case "mitigated":
                mitigated_at = happened_at(fact)
            case "resolved":
                resolved_at = happened_at(fact)
            case "reopened" if mitigated_at is not None or resolved_at is not None:
                mitigated_at = resolved_at = None
                reopened += 1
    return mitigated_at, resolved_at, reopened


def speaks_for(fact: IncidentFact, touched: Sequence[UUID] | None) -> bool:
    """Whether the fact's token may speak of what touches these tenants (None: may be everybody)."""
    return fact.bounds is None or (bool(touched) and fact.bounds.issuperset(touched or ()))


def parsed(text: str) -> datetime:
    """As the door read it: RFC 3339, whatever number of digits behind the second."""
    return msgspec.convert(text, datetime).astimezone(UTC)


def _touched(
    history: Sequence[IncidentFact], declared_by: str
) -> tuple[IncidentFact, tuple[UUID, ...] | None]:
    """The incident's beginning, and whom it touches by the last that could say so."""
    declarations = [fact for fact in history if fact.type == INCIDENT_DECLARED]
    if not declarations:
        raise Broken(f"an incident of {declared_by} that nobody declared")
    beginning = next((fact for fact in declarations if fact.bounds is None), declarations[0])
    touched = beginning.tenants
    for fact in history[history.index(beginning) + 1 :]:
        says_whom = fact.type == INCIDENT_DECLARED or kind_of(fact) == "affected"
        if says_whom and may_decide(fact, declared_by) and speaks_for(fact, touched):
            touched = fact.tenants
    return beginning, touched
