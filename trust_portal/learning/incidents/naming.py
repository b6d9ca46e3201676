"""Whose incident a fact speaks of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trust_portal.facts.events import INCIDENT_DECLARED, PORTAL
from trust_portal.learning.incidents.effects import in_order
from trust_portal.learning.incidents.model import IncidentFact

#: Source and key: which incident it is.
Name = tuple[str, str]

#: By key, the sources that declared an incident by it.
Sources = Mapping[str, frozenset[str]]


def history_of(facts: Iterable[IncidentFact], name: Name) -> tuple[IncidentFact, ...]:
    """Those of ``facts`` (all with the incident's key) that speak of the incident of that source and key."""
    told = in_order(facts)
    sources, adopted = declaring(told), _adopted(told)
    return tuple(fact for fact in told if _name(fact, sources, adopted) == name)


def histories_of(
    told: Sequence[IncidentFact], sources: Sources
) -> tuple[dict[Name, list[IncidentFact]], dict[Name, list[IncidentFact]]]:
    """By incident what was told of it, and by source and key what belongs to none. ``told`` in order."""
    histories: dict[Name, list[IncidentFact]] = {}
    strays: dict[Name, list[IncidentFact]] = {}
    adopted = _adopted(told)
    for fact in told:
        name = _name(fact, sources, adopted)
        if name is None:
            strays.setdefault((fact.source, fact.subject), []).append(fact)
        else:
            histories.setdefault(name, []).append(fact)
    return histories, strays


def declaring(told: Iterable[IncidentFact]) -> Sources:
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


def _name(fact: IncidentFact, sources: Sources, adopted: Mapping[Name, str]) -> Name | None:
    """Whose incident a fact speaks of.

    Where two sources declare incidents by the same key they are two incidents. A step from elsewhere
    counts where one source alone uses the key; otherwise it could tell one customer of another's.
    The portal says which one is meant, of its own steps and of those from elsewhere.
    """
    own = fact.source in sources.get(fact.subject, frozenset())
    speaks_as = fact.source if own else adopted.get((fact.source, fact.subject), fact.source)
    return resolved(fact.subject, fact, fact.body.get("declared_by"), speaks_as, sources)


def resolved(
    key: str, fact: IncidentFact, declared_by: str | None, otherwise: str, sources: Sources
) -> Name | None:
    """The incident that ``fact`` means by ``key``; None where that is not clear."""
    known = sources.get(key, frozenset())
    if declared_by is not None and fact.source == PORTAL:
        return (declared_by, key) if declared_by in known else None
    if otherwise in known:
        return otherwise, key
    return (next(iter(known)), key) if len(known) == 1 else None
