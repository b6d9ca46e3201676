"""Releases and copies as they are stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.evidence.disclosure import Disclosure, reveal
from trust_portal.evidence.strict import parse_json
from trust_portal.learning.postmortems.lint import naming_another
from trust_portal.learning.postmortems.model import Person
from trust_portal.learning.postmortems.redaction import of_others, shown_texts, step_to

_TENANTS_OF_A_CHANGE: Final = re.compile(r"changes\.[0-9]+\.tenants")


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """What the vendor gave a customer. ``revision`` 1 is the release, every later one a disclosure.

    ``withheld``: disclosures (RFC 9901) by place, also those in ``disclosed``, which the customer was shown.
    ``acknowledged``: reasons by id of the warning.
    """

    id: UUID
    postmortem_id: UUID
    version: int
    customer_id: UUID
    revision: int
    profile: str
    profile_text: str
    document: bytes
    sha256: str
    withheld: Mapping[str, str]
    disclosed: tuple[str, ...]
    acknowledged: Mapping[str, str]
    by: Person
    reason: str
    at: datetime
    receipt_id: UUID

    @property
    def customer(self) -> Mapping[str, str]:
        """Id, key and name, as they stand in the copy."""
        said: Mapping[str, str] = parse_json(self.document)["customer"]
        return said

    def concealed(self, others: Collection[str]) -> tuple[str, ...]:
        """Places that the customer has not been shown, and can be; sorted.

        What is another customer's is never, nor what names one of ``others``: the keys and names of all of them.
        """
        own = self.customer
        elsewhere = self._elsewhere(own["key"])
        names = naming_another(others, (own["key"], own["name"]))
        found = []
        for place in self.withheld.keys() - set(self.disclosed):
            hidden = Disclosure.parse(self.withheld[place])
            if not (place in elsewhere or _is_of_another(place, hidden, own["key"])) and not any(
                names(at, text) for at, text in shown_texts(hidden.value, place)
            ):
                found.append(place)
        return tuple(sorted(found))

    def _elsewhere(self, key: str) -> frozenset[str]:
        """Places of what changed for others only than the customer called ``key``.

        Of the document as it was signed: copies that were released before withhold less of it.
        """
        signed = reveal(parse_json(self.document), self.withheld.values()).value["document"]
        return frozenset(".".join(place) for place in of_others(signed, key))

    @property
    def disclosures(self) -> tuple[str, ...]:
        """Of what the customer was shown."""
        return tuple(self.withheld[place] for place in self.disclosed)

    def disclosing(
        self,
        places: tuple[str, ...],
        acknowledged: Mapping[str, str],
        *,
        id: UUID,
        by: Person,
        reason: str,
        at: datetime,
        receipt_id: UUID,
    ) -> StoredRelease:
        """The next revision: the same copy, with ``places`` shown too, and what was let stand in them."""
        return replace(
            self,
            id=id,
            revision=self.revision + 1,
            disclosed=(*self.disclosed, *dict.fromkeys(places)),
            acknowledged={**self.acknowledged, **acknowledged},
            by=by,
            reason=reason,
            at=at,
            receipt_id=receipt_id,
        )


def _is_of_another(place: str, hidden: Disclosure, key: str) -> bool:
    """Whether ``hidden``, at ``place``, is of another customer than the one called ``key``.

    Keys hold dots, and before places had quotes ``customers.acme.eu`` could be read as a part of ``acme``: the name
    of what is hidden there says which it is.
    """
    if place == "customers" or _TENANTS_OF_A_CHANGE.fullmatch(place):
        return any(each != key for each in hidden.value or ())
    if not place.startswith("customers."):
        return False
    if place in (f"customers.{hidden.name}", f"customers.{step_to(hidden.name)}"):
        return hidden.name != key
    return not place.startswith((f"customers.{key}.", f"customers.{step_to(key)}."))


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """What a customer has. ``id`` is the release's."""

    id: UUID
    tenant_id: UUID
    postmortem_id: UUID
    incident_id: UUID
    version: int
    revision: int
    profile_text: str
    document: bytes
    sha256: str
    original_sha256: str
    disclosures: tuple[str, ...]
    at: datetime
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class SignedAs:
    """The version of a postmortem that counts, and when it was signed."""

    version: int
    at: datetime

    def supersedes(self, version: int) -> bool:
        return self.version > version


@dataclass(frozen=True, slots=True)
class ReleasedCopy:
    """Which copy of an incident's postmortem a customer has, without what is in it. ``sha256`` is the copy's."""

    id: UUID
    tenant_id: UUID
    incident_id: UUID
    version: int
    sha256: str
    at: datetime
