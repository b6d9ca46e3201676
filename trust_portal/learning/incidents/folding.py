"""From what was told of incidents to what they are. Pure.

The result is a function of the *set* of facts: neither the order in which they came, nor how often, nor
in which company makes a difference. Whoever gives a part of all facts gives every fact of each key that
is in it, and of every key that these were merged with (``repository.facts_about``).

A fact may raise a severity at once. What would lower a P1 or P2 is a claim, until two persons have
approved it (``Downgrade``, ``IncidentFact.by_two``): whoever can write events cannot talk an incident out of its postmortem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from trust_portal.errors import Broken
from trust_portal.facts.events import INCIDENT_DECLARED, PORTAL
from trust_portal.learning.incidents.course import Course, courses
from trust_portal.learning.incidents.effects import (
    began_of,
    declared_time,
    ends_of,
    happened_at,
    heard,
    impossible_ends,
    in_order,
    kind_of,
    may_decide,
    order,
    stated,
    touch_of,
)
from trust_portal.learning.incidents.mergers import with_mergers
from trust_portal.learning.incidents.mergers_claimed import WORDS, mergers_of
from trust_portal.learning.incidents.model import (
    Downgrade,
    EntryKind,
    GapReason,
    Incident,
    IncidentEntry,
    IncidentFact,
    IncidentGap,
    MajorBecause,
    Register,
    Severity,
    incident_id,
)
from trust_portal.learning.incidents.naming import Name, Sources, declaring, histories_of

_KEY_KINDS: Final = frozenset(
    {
        EntryKind.DECLARED,
        EntryKind.MITIGATED,
        EntryKind.RESOLVED,
        EntryKind.REOPENED,
        EntryKind.MERGED,
        EntryKind.UNMERGED,
        EntryKind.TOLD_CUSTOMER,
    }
)


#: After these a signed postmortem says no longer what happened.
_CONSEQUENTIAL: Final = frozenset(
    {EntryKind.DECLARED, EntryKind.SEVERITY, EntryKind.AFFECTED, EntryKind.REOPENED}
)


def fold(
    facts: Iterable[IncidentFact],
    downgrades: Iterable[Downgrade] = (),
    people: Mapping[str, UUID] | None = None,
) -> Register:
    """The register of ``facts``. ``people``: addresses and names of the vendor's people, in lower case."""
    told, lowered = in_order(facts), tuple(downgrades)
    sources = declaring(told)
    histories, strays = histories_of(told, sources)
    mergers = mergers_of(histories, lowered)
    through = courses(histories, mergers.standing, lowered)
    incidents = {
        name: _incident(name, history, through[name], people or {}, mergers.keys.get(name))
        for name, history in histories.items()
    }
    incidents |= {name: replace(incidents[name], unmerged_at=at) for name, at in mergers.alone.items()}
    merged = with_mergers(incidents, mergers.standing, histories)
    return Register(
        incidents=tuple(each for _, each in sorted(merged.items())),
        gaps=tuple(_gap(name, stray, sources) for name, stray in sorted(strays.items())),
    )


def timelines(
    facts: Iterable[IncidentFact], downgrades: Iterable[Downgrade] = ()
) -> dict[Name, tuple[IncidentEntry, ...]]:
    """What happened to each incident, in order; all as for ``fold``."""
    told, lowered = in_order(facts), tuple(downgrades)
    histories, _ = histories_of(told, declaring(told))
    mergers = mergers_of(histories, lowered)
    through = courses(histories, mergers.standing, lowered)
    return {
        name: _timeline(
            name,
            history,
            through[name],
            [each for each in lowered if each.incident_id == incident_id(*name)],
            mergers.claims,
        )
        for name, history in histories.items()
    }


def ids_in(facts: Iterable[IncidentFact]) -> frozenset[UUID]:
    """Of the incidents that ``facts`` may declare."""
    return frozenset(incident_id(fact.source, fact.subject) for fact in facts)


def _timeline(
    name: Name,
    told: Sequence[IncidentFact],
    course: Course,
    downgrades: Iterable[Downgrade],
    mergers_claimed: Collection[UUID],
) -> tuple[IncidentEntry, ...]:
    spoken = heard(told, name[0])
    counted = {fact.key for fact in spoken} - impossible_ends(spoken)
    # Of severities and mergers was decided when they came in.
    counted |= {fact.key for fact in told if kind_of(fact) in WORDS}
    counted |= {fact.key for fact in told if kind_of(fact) is EntryKind.SEVERITY and fact.key in course.told}
    claims = {key for key, takes_effect in course.told.items() if not takes_effect} | set(mergers_claimed)
    claims |= {fact.key for fact in told if fact.key not in counted or not may_decide(fact, name[0])}
    claims |= touch_of(told, name[0]).claims | began_of(spoken)[1]
    entries = [(order(fact)[:2], _entry(fact, claim=fact.key in claims)) for fact in told]
    entries += [
        ((each.holds_from, 2), _downgraded(each, claim=each.id not in course.approved)) for each in downgrades
    ]
    return tuple(entry for _, entry in sorted(entries, key=lambda each: each[0]))


def _incident(
    name: Name,
    history: Sequence[IncidentFact],
    course: Course,
    people: Mapping[str, UUID],
    merge_key: str | None,
) -> Incident:
    """``history`` in order; whoever declares again replaces what the declaration said, the severity aside."""
    counted = heard(history, name[0])
    declarations = [fact for fact in counted if fact.type == INCIDENT_DECLARED]
    first, last = declarations[0], declarations[-1]
    declared = Severity(first.body["severity"])
    owned = [fact for fact in counted if may_decide(fact, name[0])]
    touch = touch_of(history, name[0])
    began_at, _ = began_of(counted)
    told = [happened_at(fact) for fact in counted if kind_of(fact) is EntryKind.TOLD_CUSTOMER]
    mitigated_at, resolved_at, reopened = ends_of(counted)
    impossible = impossible_ends(counted)
    if course.severity is None or course.worst is None or course.spoken_at is None:
        raise Broken(f"an incident without a severity: {name}")
    objectives = touch.says.body.get("objectives")
    owner = str([fact.body["owner"] for fact in owned if _names_owner(fact)][-1])
    return Incident(
        id=incident_id(*name),
        source=name[0],
        key=name[1],
        title=last.body["title"],
        service=last.body["service"],
        team=last.body.get("team"),
        owner=owner,
        owner_person_id=people.get(owner.strip().lower()),
        severity=course.severity,
        declared_severity=declared,
        worst_severity=course.worst,
        claimed_severity=course.claimed,
        severity_at=course.spoken_at,
        told_severity=course.worst,
        downgrade=course.downgrade,
        major_because=_because(declared, course.told_worst or declared),
        began_at=began_at,
        detected_at=declared_time(last, "detected_at"),
        declared_at=first.time,
        told_at=told[0] if told else None,
        mitigated_at=mitigated_at,
        resolved_at=resolved_at,
        reopened=reopened,
        merge_key=merge_key,
        merge_keys=tuple(
            sorted({each.body["into"] for each in history if kind_of(each) is EntryKind.MERGED})
        ),
        merged_into=None,
        ends_in=None,
        merged_at=None,
        everybody=touch.tenants is None,
        tenants=tuple(sorted(set(touch.tenants or ()))),
        objectives=None if objectives is None else tuple(objectives),
        facts=len(history),
        last_fact_at=max(happened_at(fact) for fact in counted if fact.key not in impossible),
        changes=tuple(
            sorted(
                {
                    fact.origin.received_at
                    for fact in counted
                    if fact.key not in touch.vain and _is_consequential(fact, name[0], course)
                }
            )
        ),
    )


def _names_owner(fact: IncidentFact) -> bool:
    return fact.type == INCIDENT_DECLARED or (
        kind_of(fact) is EntryKind.OWNER and fact.body.get("owner") is not None
    )


def _because(declared: Severity, worst: Severity) -> MajorBecause | None:
    if declared.is_major:
        return MajorBecause.DECLARED
    return MajorBecause.RAISED if worst.is_major else None


def _is_consequential(fact: IncidentFact, declared_by: str, course: Course) -> bool:
    """Whether it changed what a postmortem has to say, or was its first declaration."""
    if kind_of(fact) not in _CONSEQUENTIAL or not may_decide(fact, declared_by):
        return False
    return kind_of(fact) is not EntryKind.SEVERITY or course.told[fact.key]


def _gap(name: Name, strays: Sequence[IncidentFact], sources: Sources) -> IncidentGap:
    severities = [severity for fact in strays if (severity := stated(fact)) is not None]
    return IncidentGap(
        source=name[0],
        key=name[1],
        reason=GapReason.AMBIGUOUS if sources.get(name[1]) else GapReason.UNDECLARED,
        worst_severity=min(severities, default=None),
        first_at=min(happened_at(fact) for fact in strays),
        last_at=max(happened_at(fact) for fact in strays),
        facts=len(strays),
    )


def _entry(fact: IncidentFact, *, claim: bool) -> IncidentEntry:
    body, kind = fact.body, kind_of(fact)
    severity = body.get("severity")
    return IncidentEntry(
        at=happened_at(fact),
        kind=kind,
        text=body["title"] if kind is EntryKind.DECLARED else body["text"],
        key=kind in _KEY_KINDS or bool(body.get("key")),
        severity=None if severity is None else Severity(severity),
        receipt=body.get("receipt"),
        origin=fact.origin,
        claim=claim,
        by=body.get("by") if fact.source == PORTAL else None,
    )


def _downgraded(downgrade: Downgrade, *, claim: bool) -> IncidentEntry:
    return IncidentEntry(
        at=downgrade.holds_from,
        kind=EntryKind.DOWNGRADED,
        text=f"From {downgrade.before} to {downgrade.severity}, by approval",
        key=True,
        severity=downgrade.severity,
        receipt=str(downgrade.receipt_id),
        origin=None,
        claim=claim,
    )
