"""From what was told of incidents to what they are. Pure.

The result is a function of the *set* of facts: neither the order in which they came, nor how often, nor
in which company makes a difference. Whoever gives a part of all facts gives every fact of each key that
is in it, and of every key that these were merged with (``repository.facts_about``).

A fact may raise a severity at once. What would lower a P1 or P2 is a claim, until two persons have
approved it (``Downgrade``): whoever can write events cannot talk an incident out of its postmortem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.errors import Broken
from trust_portal.facts.events import INCIDENT_DECLARED, PORTAL
from trust_portal.learning.incidents.effects import (
    happened_at,
    heard,
    in_order,
    kind_of,
    may_decide,
    order,
    parsed,
    reach,
    speaks_for,
)
from trust_portal.learning.incidents.model import (
    AppliedDowngrade,
    Downgrade,
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

#: Source and key: which incident it is.
Name = tuple[str, str]

_KEY_KINDS: Final = frozenset({"declared", "mitigated", "resolved", "reopened", "merged", "told_customer"})


def fold(
    facts: Iterable[IncidentFact],
    downgrades: Iterable[Downgrade] = (),
    people: Mapping[str, UUID] | None = None,
) -> Register:
    """The register of ``facts``. ``people``: addresses and names of the vendor's people, in lower case."""
    told = in_order(facts)
    sources, adopted = _declaring(told), _adopted(told)
    histories: dict[Name, list[IncidentFact]] = {}
    strays: dict[Name, list[IncidentFact]] = {}
    for fact in told:
        name = _name(fact, sources, adopted)
        if name is None:
            strays.setdefault((fact.source, fact.subject), []).append(fact)
        else:
            histories.setdefault(name, []).append(fact)
    approved: dict[UUID, list[Downgrade]] = {}
    for downgrade in downgrades:
        approved.setdefault(downgrade.incident_id, []).append(downgrade)
    incidents = {
        name: _incident(name, history, approved.get(incident_id(*name), ()), people or {})
        for name, history in histories.items()
    }
    targets = _targets(histories, sources)
    merged = {
        name: replace(each, merged_into=incident_id(*targets[name]) if name in targets else None)
        for name, each in incidents.items()
    }
    return Register(
        incidents=tuple(each for _, each in sorted(_weighed(merged, targets).items())),
        gaps=tuple(_gap(name, stray, sources) for name, stray in sorted(strays.items())),
    )


def timeline(
    facts: Iterable[IncidentFact], downgrades: Iterable[Downgrade] = ()
) -> tuple[IncidentEntry, ...]:
    """What happened to one incident, in order; ``facts`` are those ``history_of`` gives."""
    told = in_order(facts)
    declared_by = next((fact.source for fact in told if fact.type == INCIDENT_DECLARED), PORTAL)
    counted = heard(told, declared_by) if told else []
    claims = {key for key, takes_effect in _course(counted, downgrades).told.items() if not takes_effect}
    claims |= {fact.key for fact in told if fact not in counted or not may_decide(fact, declared_by)}
    entries = [(order(fact)[:2], _entry(fact, claim=fact.key in claims)) for fact in told]
    entries += [((each.holds_from, 2), _downgraded(each)) for each in downgrades]
    return tuple(entry for _, entry in sorted(entries, key=lambda each: each[0]))


def history_of(facts: Iterable[IncidentFact], name: Name) -> tuple[IncidentFact, ...]:
    """Those of ``facts`` (all with the incident's key) that speak of the incident of that source and key."""
    told = in_order(facts)
    sources, adopted = _declaring(told), _adopted(told)
    return tuple(fact for fact in told if _name(fact, sources, adopted) == name)


def _declaring(told: Iterable[IncidentFact]) -> dict[str, frozenset[str]]:
    """By key, the sources that declared an incident by it."""
    found: dict[str, set[str]] = {}
    for fact in told:
        if fact.type == INCIDENT_DECLARED:
            found.setdefault(fact.subject, set()).add(fact.source)
    return {key: frozenset(sources) for key, sources in found.items()}


def _adopted(told: Iterable[IncidentFact]) -> dict[Name, str]:
    """By source and key of strays, whose incident of that key they belong to: as the portal said last."""
    return {
        (fact.body["adopts"], fact.subject): fact.body["declared_by"]
        for fact in told
        if fact.source == PORTAL and fact.body.get("adopts") and fact.body.get("declared_by")
    }


def _name(
    fact: IncidentFact, sources: Mapping[str, frozenset[str]], adopted: Mapping[Name, str]
) -> Name | None:
    """Whose incident a fact speaks of.

    Where two sources declare incidents by the same key they are two incidents. A step from elsewhere
    counts where one source alone uses the key; otherwise it could tell one customer of another's.
    The portal says which one is meant, of its own steps and of those from elsewhere.
    """
    own = fact.source in sources.get(fact.subject, frozenset())
    speaks_as = fact.source if own else adopted.get((fact.source, fact.subject), fact.source)
    return _resolved(fact.subject, fact, fact.body.get("declared_by"), speaks_as, sources)


def _resolved(
    key: str,
    fact: IncidentFact,
    declared_by: str | None,
    otherwise: str,
    sources: Mapping[str, frozenset[str]],
) -> Name | None:
    declaring = sources.get(key, frozenset())
    if declared_by is not None and fact.source == PORTAL:
        return (declared_by, key) if declared_by in declaring else None
    if otherwise in declaring:
        return otherwise, key
    return (next(iter(declaring)), key) if len(declaring) == 1 else None


class _Course:
    """A severity through time: in force, claimed, and of each fact whether it took effect.

    ``worst`` is the worst told until then; ``downgrade`` is why what is in force is less than that.
    """

    def __init__(self) -> None:
        self.severity: Severity | None = None
        self.worst: Severity | None = None
        self.downgrade: AppliedDowngrade | None = None
        self.claimed: Severity | None = None
        self.spoken_at: datetime | None = None
        self.told: dict[UUID, bool] = {}

    def tell(self, fact: IncidentFact, severity: Severity) -> None:
        self.spoken_at = happened_at(fact)
        before = self.severity
        claim = before is not None and before.is_major and before.outranks(severity)
        self.told[fact.key] = not claim
        if claim:
            self.claimed = severity
        else:
            self.severity, self.claimed = severity, None
            if self.worst is None or not self.worst.outranks(severity):
                self.worst, self.downgrade = severity, None

    def approve(self, downgrade: Downgrade) -> None:
        """Only where it is still the severity that the approvers saw."""
        if self.severity is downgrade.before:
            self.severity, self.claimed = downgrade.severity, None
            self.downgrade = AppliedDowngrade(downgrade.id, downgrade.severity)


def _course(history: Iterable[IncidentFact], downgrades: Iterable[Downgrade]) -> _Course:
    course = _Course()
    steps: list[tuple[tuple[datetime, int, UUID], IncidentFact | Downgrade, Severity]] = [
        (order(fact), fact, severity) for fact in history if (severity := _severity(fact)) is not None
    ]
    steps += [((each.holds_from, 2, each.id), each, each.severity) for each in downgrades]
    for _, step, severity in sorted(steps, key=lambda each: each[0]):
        if isinstance(step, Downgrade):
            course.approve(step)
        else:
            course.tell(step, severity)
    return course


def _severity(fact: IncidentFact) -> Severity | None:
    """The severity a fact states; that of a note is not a statement."""
    if fact.type == INCIDENT_DECLARED or fact.body.get("kind") == "severity":
        return Severity(fact.body["severity"])
    return None


def _incident(
    name: Name,
    history: Sequence[IncidentFact],
    downgrades: Iterable[Downgrade],
    people: Mapping[str, UUID],
) -> Incident:
    """``history`` in order; whoever declares again replaces what the declaration said, the severity aside."""
    counted = heard(history, name[0])
    declarations = [fact for fact in counted if fact.type == INCIDENT_DECLARED]
    first, last = declarations[0], declarations[-1]
    declared = Severity(first.body["severity"])
    course = _course(counted, downgrades)
    owned = [fact for fact in counted if may_decide(fact, name[0])]
    touched = [fact for fact in owned if fact.type == INCIDENT_DECLARED or kind_of(fact) == "affected"][-1]
    mergers = [fact for fact in owned if kind_of(fact) == "merged"]
    told = [happened_at(fact) for fact in counted if kind_of(fact) == "told_customer"]
    mitigated_at, resolved_at, reopened = _ends(counted)
    if course.severity is None or course.worst is None or course.spoken_at is None:
        raise Broken(f"an incident without a severity: {name}")
    objectives = touched.body.get("objectives")
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
        major_because=_because(declared, course.worst),
        began_at=parsed(last.body["began_at"]),
        detected_at=parsed(last.body["detected_at"]),
        declared_at=first.time,
        told_at=told[0] if told else None,
        mitigated_at=mitigated_at,
        resolved_at=resolved_at,
        reopened=reopened,
        merge_key=mergers[-1].body["into"] if mergers else None,
        merged_into=None,
        everybody=touched.tenants is None,
        tenants=tuple(sorted(set(touched.tenants or ()))),
        objectives=None if objectives is None else tuple(objectives),
        facts=len(history),
        last_fact_at=max(happened_at(fact) for fact in counted),
    )


def _names_owner(fact: IncidentFact) -> bool:
    return fact.type == INCIDENT_DECLARED or (kind_of(fact) == "owner" and fact.body.get("owner") is not None)


def _because(declared: Severity, worst: Severity) -> MajorBecause | None:
    if declared.is_major:
        return MajorBecause.DECLARED
    return MajorBecause.RAISED if worst.is_major else None


def _ends(history: Iterable[IncidentFact]) -> tuple[datetime | None, datetime | None, int]:
    """Mitigated, resolved, and how often it was reopened after either."""
    mitigated_at = resolved_at = None
    reopened = 0
    for fact in history:
        match kind_of(fact):
            case "mitigated":
                mitigated_at = happened_at(fact)
            case "resolved":
                resolved_at = happened_at(fact)
            case "reopened" if mitigated_at is not None or resolved_at is not None:
                mitigated_at = resolved_at = None
                reopened += 1
    return mitigated_at, resolved_at, reopened


def _targets(
    histories: Mapping[Name, Sequence[IncidentFact]], sources: Mapping[str, frozenset[str]]
) -> dict[Name, Name]:
    """What each incident was merged into: the last told counts, and none that would close a circle.

    Nor one told by a token that may not speak of what it was merged into: it would weigh on it.
    """
    last: dict[Name, IncidentFact] = {}
    for name, history in histories.items():
        for fact in heard(history, name[0]):
            if kind_of(fact) == "merged" and may_decide(fact, name[0]):
                last[name] = fact
    targets: dict[Name, Name] = {}
    for name, fact in sorted(last.items(), key=lambda each: order(each[1])):
        otherwise = fact.source if fact.source in sources.get(fact.body["into"], ()) else name[0]
        target = _resolved(fact.body["into"], fact, fact.body.get("into_declared_by"), otherwise, sources)
        if target is None or not speaks_for(fact, reach(histories[target], target[0])):
            continue
        if name not in _way(target, targets):
            targets[name] = target
    return targets


def _way(name: Name, targets: Mapping[Name, Name]) -> list[Name]:
    """The incident and all that it ended up in."""
    way = [name]
    while way[-1] in targets:
        way.append(targets[way[-1]])
    return way


def _weighed(incidents: dict[Name, Incident], targets: Mapping[Name, Name]) -> dict[Name, Incident]:
    """An incident is at least as bad as the worst that was merged into it."""
    weighed = dict(incidents)
    for name, each in incidents.items():
        for target in _way(name, targets)[1:]:
            if each.worst_severity.outranks(weighed[target].worst_severity):
                weighed[target] = replace(weighed[target], worst_severity=each.worst_severity)
    return {
        name: replace(each, major_because=MajorBecause.MERGED)
        if each.major_because is None and each.worst_severity.is_major
        else each
        for name, each in weighed.items()
    }


def _gap(name: Name, strays: Sequence[IncidentFact], sources: Mapping[str, frozenset[str]]) -> IncidentGap:
    severities = [severity for fact in strays if (severity := _severity(fact)) is not None]
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
        text=body["title"] if kind == "declared" else body["text"],
        key=kind in _KEY_KINDS or bool(body.get("key")),
        severity=None if severity is None else Severity(severity),
        receipt=body.get("receipt"),
        origin=fact.origin,
        claim=claim,
        by=body.get("by") if fact.source == PORTAL else None,
    )


def _downgraded(downgrade: Downgrade) -> IncidentEntry:
    return IncidentEntry(
        at=downgrade.holds_from,
        kind="downgraded",
        text=f"From {downgrade.before} to {downgrade.severity}, by approval",
        key=True,
        severity=downgrade.severity,
        receipt=str(downgrade.receipt_id),
        origin=None,
    )
