"""What a fact of an incident may change of it: when it happened, what it is, and for whom its token spoke. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.errors import Broken
from trust_portal.facts.events import INCIDENT_DECLARED, INCIDENT_MITIGATED, INCIDENT_RESOLVED, PORTAL
from trust_portal.facts.rules import FUTURE_TOLERANCE
from trust_portal.learning.incidents.model import EntryKind, IncidentFact, Severity

_STEP_KINDS: Final = {
    INCIDENT_DECLARED: EntryKind.DECLARED,
    INCIDENT_MITIGATED: EntryKind.MITIGATED,
    INCIDENT_RESOLVED: EntryKind.RESOLVED,
}
#: Of what happened in one moment, what comes first.
_RANKS: Final = {
    EntryKind.DECLARED: 0,
    EntryKind.MERGED: 3,
    EntryKind.UNMERGED: 4,
    EntryKind.MITIGATED: 5,
    EntryKind.RESOLVED: 6,
    EntryKind.REOPENED: 7,
}
#: Counts of whoever declared the incident, and of the portal: it decides which customers see what, and who signs.
_ITS_OWNERS: Final = frozenset({EntryKind.AFFECTED, EntryKind.MERGED, EntryKind.UNMERGED, EntryKind.OWNER})


@dataclass(frozen=True, slots=True)
class Touch:
    """Whom an incident touches (None: may be everybody), and ``says``: what said so last, with effect.

    ``beginning`` is its first declaration. ``claims`` are keys of what would take a customer out of a P1 or P2;
    ``vain`` those of them that name nobody else, and so change nothing.
    """

    beginning: IncidentFact
    tenants: tuple[UUID, ...] | None
    says: IncidentFact
    claims: frozenset[UUID]
    vain: frozenset[UUID]


def happened_at(fact: IncidentFact) -> datetime:
    """When it happened: mitigated and resolved say it themselves, for the others it is the event's time."""
    return parsed(fact.body["at"]) if fact.type in {INCIDENT_MITIGATED, INCIDENT_RESOLVED} else fact.time


def kind_of(fact: IncidentFact) -> EntryKind:
    return _STEP_KINDS.get(fact.type) or EntryKind(fact.body["kind"])


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
    return touch_of(history, declared_by).tenants


def heard(history: Sequence[IncidentFact], declared_by: str) -> list[IncidentFact]:
    """Those of ``history`` (in order) whose tokens may speak of the incident, in order.

    A token for some tenants speaks only of incidents that touch none but those: what it tells of another
    is a claim, whatever source it speaks for and whatever time it gives. The incident's beginning is
    its first declaration by a token for everybody; by one for some only where there is no other.
    """
    touch = touch_of(history, declared_by)
    return [fact for fact in history if fact is touch.beginning or speaks_for(fact, touch.tenants)]


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
    touch = touch_of(known_by(history, moment), declared_by)
    return fact is touch.beginning or speaks_for(fact, touch.tenants)


def severity_heard(history: Sequence[IncidentFact], declared_by: str) -> list[IncidentFact]:
    """Those of ``history`` (in order) that state a severity by a token that could ever speak of the incident since.

    Other than ``heard``: else who says that it touches others, too, would take a P1 away alone.
    """
    stating = [fact for fact in history if kind_of(fact) in {EntryKind.DECLARED, EntryKind.SEVERITY}]
    if all(fact.bounds is None for fact in stating):
        return stating
    whom = [fact for fact in history if kind_of(fact) in {EntryKind.DECLARED, EntryKind.AFFECTED}]
    born = min(fact.origin.received_at for fact in whom if fact.type == INCIDENT_DECLARED)
    moments = sorted({max(born, fact.origin.received_at) for fact in whom})
    weighty = [
        fact
        for fact in history
        if kind_of(fact) in {EntryKind.DECLARED, EntryKind.SEVERITY, EntryKind.AFFECTED}
    ]
    touched = [touch_of(known_by(weighty, moment), declared_by) for moment in moments]

    def counts(fact: IncidentFact) -> bool:
        first = bisect_right(moments, max(born, fact.origin.received_at)) - 1
        return any(fact is each.beginning or speaks_for(fact, each.tenants) for each in touched[first:])

    return [fact for fact in stating if counts(fact)]


def impossible_ends(history: Sequence[IncidentFact]) -> frozenset[UUID]:
    """Keys of what ends an incident before it began, by the last declaration, or ahead of when that was told: claims.

    The one would have been under way at no time at all, and a period would pass for one without an incident; the
    other's end nobody could mend. No door takes what lies ahead; what was stored before is of no effect.
    """
    if not any(fact.type == INCIDENT_DECLARED for fact in history):
        return frozenset()
    began, _ = began_of(history)
    return frozenset(
        fact.key
        for fact in history
        if fact.type in {INCIDENT_MITIGATED, INCIDENT_RESOLVED}
        and (happened_at(fact) < began or _lies_ahead(happened_at(fact), fact))
    )


def began_of(history: Sequence[IncidentFact]) -> tuple[datetime, frozenset[UUID]]:
    """When it began, by the last declaration, and keys of those that say so in vain. ``history`` in order.

    Of a P1 or P2 nobody alone says that it began after it was declared: it would leave the period it was told in.
    """
    first, *later = (fact for fact in history if fact.type == INCIDENT_DECLARED)
    began, vain = declared_time(first, "began_at"), set[UUID]()
    major = _told_major(history)
    for fact in later:
        said = declared_time(fact, "began_at")
        if said > max(began, first.time) and _was_major(fact, major):
            vain.add(fact.key)
        else:
            began = said
    return began, frozenset(vain)


def ends_of(history: Sequence[IncidentFact]) -> tuple[datetime | None, datetime | None, int]:
    """Mitigated, resolved, and how often it was reopened after either. ``history`` in order."""
    mitigated_at = resolved_at = None
    reopened = 0
    impossible = impossible_ends(history)
    for fact in history:
        match kind_of(fact):
            case _ if fact.key in impossible:
                pass
            case EntryKind.MITIGATED:
                mitigated_at = happened_at(fact)
            case EntryKind.RESOLVED:
                resolved_at = happened_at(fact)
            case EntryKind.REOPENED if mitigated_at is not None or resolved_at is not None:
                mitigated_at = resolved_at = None
                reopened += 1
    return mitigated_at, resolved_at, reopened


def declared_time(fact: IncidentFact, name: str) -> datetime:
    """``name`` of a declaration; where that lies ahead of when it was told, the declaration's own time."""
    said = parsed(fact.body[name])
    return fact.time if _lies_ahead(said, fact) else said


def _lies_ahead(at: datetime, fact: IncidentFact) -> bool:
    return at > fact.origin.received_at + FUTURE_TOLERANCE


def speaks_for(fact: IncidentFact, touched: Sequence[UUID] | None) -> bool:
    """Whether the fact's token may speak of what touches these tenants (None: may be everybody)."""
    return fact.bounds is None or (bool(touched) and fact.bounds.issuperset(touched or ()))


def parsed(text: str) -> datetime:
    """As the door read it: RFC 3339, whatever number of digits behind the second."""
    return msgspec.convert(text, datetime).astimezone(UTC)


def stated(fact: IncidentFact) -> Severity | None:
    """The severity a fact states; that of a note is not a statement."""
    if fact.type == INCIDENT_DECLARED or fact.body.get("kind") == "severity":
        return Severity(fact.body["severity"])
    return None


def touch_of(history: Sequence[IncidentFact], declared_by: str) -> Touch:
    """By the last that could say so. ``history`` in order.

    Once it was told to be a P1 or P2, more customers count at once and fewer only by the approval of two
    (``IncidentFact.by_two``): to the customer who is left out it would be none at all. What is merged into an
    incident touches whom it touched, so that the weight of that makes no difference here.
    """
    declarations = [fact for fact in history if fact.type == INCIDENT_DECLARED]
    if not declarations:
        raise Broken(f"an incident of {declared_by} that nobody declared")
    beginning = next((fact for fact in declarations if fact.bounds is None), declarations[0])
    touched, says, major = beginning.tenants, beginning, _told_major(history)
    claims, vain = set[UUID](), set[UUID]()
    for fact in history[history.index(beginning) + 1 :]:
        says_whom = fact.type == INCIDENT_DECLARED or kind_of(fact) is EntryKind.AFFECTED
        if not (says_whom and may_decide(fact, declared_by) and speaks_for(fact, touched)):
            continue
        if _leaves_out(touched, fact.tenants) and _was_major(fact, major) and not fact.by_two:
            claims.add(fact.key)
            if touched is None or set(touched) >= set(fact.tenants or ()):
                vain.add(fact.key)
            else:
                touched = (*touched, *(fact.tenants or ()))
        else:
            touched, says = fact.tenants, fact
    return Touch(beginning, touched, says, frozenset(claims), frozenset(vain))


def _leaves_out(before: Sequence[UUID] | None, after: Sequence[UUID] | None) -> bool:
    return after is not None and (before is None or not set(before) <= set(after))


def _told_major(history: Iterable[IncidentFact]) -> list[IncidentFact]:
    """The two that told first, here, that it is a P1 or P2: one of them is another than whichever is asked about."""
    telling = (fact for fact in history if (severity := stated(fact)) is not None and severity.is_major)
    return nsmallest(2, telling, key=lambda fact: (fact.origin.received_at, fact.key))


def _was_major(fact: IncidentFact, told: Iterable[IncidentFact]) -> bool:
    """Whether that was told by the time ``fact`` came in, by others than itself."""
    return any(each is not fact and each.origin.received_at <= fact.origin.received_at for each in told)
