"""Which facts are known now that a frozen document does not tell, or tells otherwise. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from trust_portal.learning.postmortems.gathering.model import FactKind
from trust_portal.learning.postmortems.rows_in_words import playbook_name

#: Where a document tells facts; those of a customer stand under its key by the name of their kind.
_OF_HOUSE: Final = ("timeline", "changes", "denials")
_OF_CUSTOMER: Final = (FactKind.SLA, FactKind.COST, FactKind.DENIAL, FactKind.MITIGATION)


@dataclass(frozen=True, slots=True)
class KnownSince:
    """A fact in a few words. ``anew``: the document has it, as it was known then. ``customer`` is a name."""

    id: str
    kind: FactKind
    at: str
    about: str
    source: str
    anew: bool
    customer: str | None = None


def known_since(live: Mapping[str, Any], frozen: Mapping[str, Any]) -> tuple[KnownSince, ...]:
    """By time. A fact is told by its id, and what is known of it by its digest."""
    then = {each["id"]: each["sha256"] for each, _ in _evidence(frozen)}
    told = _told(live)
    found = [
        KnownSince(
            each["id"],
            FactKind(each["kind"]),
            each["at"],
            _about(FactKind(each["kind"]), told[each["id"]]),
            each["source"],
            each["id"] in then,
            customer,
        )
        for each, customer in _evidence(live)
        if then.get(each["id"]) != each["sha256"]
    ]
    return tuple(sorted(found, key=lambda each: (each.at, each.id)))


def _evidence(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, str], str | None]]:
    """Each fact's entry, and the name of the customer it is of."""
    yield from ((each, None) for each in document["evidence"])
    for customer in document["customers"].values():
        yield from ((each, customer["name"]) for each in customer["evidence"])


def _told(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """By id, what the document says of a fact."""
    house = (document[name] for name in _OF_HOUSE)
    customers = (each[kind.value] for each in document["customers"].values() for kind in _OF_CUSTOMER)
    return {each["id"]: each for each in chain.from_iterable(chain(house, customers))}


def _about(kind: FactKind, fact: Mapping[str, Any]) -> str:
    match kind:
        case FactKind.TIMELINE:
            return str(fact["text"])
        case FactKind.CHANGE:
            return f"{fact['kind']} {fact['name']} {fact['detail']}".strip()
        case FactKind.SLA:
            return str(fact["objective"])
        case FactKind.COST:
            return f"{fact['subsystem']}, {fact['state']}"
        case FactKind.MITIGATION:
            return f"{playbook_name(fact['playbook'])}, {fact['step'].replace('_', ' ')}"
        case FactKind.DENIAL:
            return f"{fact['actor']}: {fact['action']}"
