"""Whether a customer's data lies where that was agreed, by what the operator states of the storage. Pure.

No program can see from inside a database in which country its disks turn. What can be compared is what
was agreed with the customer and what whoever runs the storage puts down for it; either missing is said.

A statement is about the database that was in use when it was made. What identifies that one is in the evidence
of every look since; where another answers now, the same words say nothing of it until they are stated anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from trust_portal.kernel.canonical import Json
from trust_portal.trust.posture.model import Check, Finding, Outcome

#: What a setting tells the place of, for readers.
_OF: Final[Mapping[str, str]] = {"DATABASE_LOCATION": "the database", "BACKUP_LOCATION": "the backups"}
#: Stated where no backups are kept. A database lies somewhere.
NOWHERE: Final = "none"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are kept, as settings name it: each place by all the names an agreement may use for it.

    Facts, evidence and stored bundles lie in the database; the queue holds ids only.
    """

    database: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    stated_on: date | None = None
    """Of the statement; another day is another statement, in the same words too."""

    def stated(self) -> Mapping[str, tuple[str, ...]]:
        """By setting."""
        return {"DATABASE_LOCATION": self.database, "BACKUP_LOCATION": self.backups}


@dataclass(frozen=True, slots=True)
class Database:
    """What tells one database from another, from outside and from within, and names neither.

    ``cluster`` is PostgreSQL's own system identifier (a physical standby has its primary's), None where the role
    may not read it; ``address`` the SHA-256 of where it is reached.
    """

    cluster: str | None
    address: str

    def as_json(self) -> dict[str, Json]:
        return {"cluster": self.cluster, "address_sha256": self.address}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Database:
        return cls(body["cluster"], body["address_sha256"])

    def is_other_than(self, before: Database) -> bool:
        """What was not known of either tells nothing."""
        moved = self.cluster != before.cluster and None not in (self.cluster, before.cluster)
        return moved or self.address != before.address


def statement_of(places: Places) -> dict[str, Json]:
    """As it is put on record: by this a statement is known again."""
    on = places.stated_on
    return {
        **{setting: list(names) for setting, names in places.stated().items()},
        "LOCATIONS_STATED_ON": None if on is None else on.isoformat(),
    }


def residency(agreed: str, places: Places, in_use: Database, stated_for: Database) -> Finding:
    """``agreed`` is the tenant's residency, empty where none was declared; ``stated_for`` the database that was in
    use when the statement was first seen.
    """
    stated = places.stated()
    evidence: dict[str, Json] = {
        "agreed": agreed or None,
        "stated": statement_of(places),
        "stated_for": stated_for.as_json(),
        "in_use": in_use.as_json(),
    }
    if not agreed:
        found = "No residency is declared for this customer."
        return Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, found, evidence)
    elsewhere = [setting for setting, names in stated.items() if names and not _holds(agreed, setting, names)]
    if elsewhere:
        found = f"Agreed is {agreed}; another place is stated for {_OF[elsewhere[0]]}."
        return Finding(Check.RESIDENCY, Outcome.FAIL, found, evidence)
    silent = [setting for setting, names in stated.items() if not names]
    if silent:
        verb = "lies" if silent == ["DATABASE_LOCATION"] else "lie"
        things = " and ".join(_OF[setting] for setting in silent)
        found = f"Agreed is {agreed}; it is not stated where {things} {verb}."
        return Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, found, evidence)
    if in_use.is_other_than(stated_for):
        found = (
            f"Agreed is {agreed}; that was stated of another database than the one in use. Nobody has stated since "
            "where this one lies."
        )
        return Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, found, evidence)
    found = f"Database and backups are stated to lie in {agreed}, as agreed."
    if places.backups == (NOWHERE,):
        found = f"The database is stated to lie in {agreed}, as agreed; no backups are kept."
    return Finding(Check.RESIDENCY, Outcome.PASS, found, evidence)


def _holds(agreed: str, setting: str, names: tuple[str, ...]) -> bool:
    """Whether what is stated for ``setting`` is what was agreed."""
    if setting == "BACKUP_LOCATION" and names == (NOWHERE,):
        return True
    return agreed.strip().casefold() in {name.casefold() for name in names}
