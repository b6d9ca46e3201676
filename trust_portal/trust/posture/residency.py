"""Whether a customer's data lies where that was agreed, by what the operator states of the storage. Pure.

No program can see from inside a database in which country its disks turn. What can be compared is what
was agreed with the customer and what whoever runs the storage puts down for it; either missing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.kernel.canonical import Json
from trust_portal.trust.posture.model import Check, Finding, Outcome

#: What a setting tells the place of, for readers.
_OF: Final[Mapping[str, str]] = {"DATABASE_LOCATION": "the database", "BACKUP_LOCATION": "the backups"}
#: Stated where nothing of the kind is kept.
NOWHERE: Final = "none"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are kept, as settings name it: each place by all the names an agreement may use for it.

    Facts, evidence and stored bundles lie in the database; the queue holds ids only.
    """

    database: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()

    def stated(self) -> Mapping[str, tuple[str, ...]]:
        """By setting."""
        return {"DATABASE_LOCATION": self.database, "BACKUP_LOCATION": self.backups}


def residency(agreed: str, places: Places) -> Finding:
    """``agreed`` is the tenant's residency, empty where none was declared."""
    stated = places.stated()
    evidence: dict[str, Json] = {
        "agreed": agreed or None,
        "stated": {setting: list(names) for setting, names in stated.items()},
    }
    if not agreed:
        found = "No residency is declared for this customer."
        return Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, found, evidence)
    elsewhere = [setting for setting, names in stated.items() if names and not _lies_in(agreed, names)]
    if elsewhere:
        found = f"Agreed is {agreed}; another place is stated for {_OF[elsewhere[0]]}."
        return Finding(Check.RESIDENCY, Outcome.FAIL, found, evidence)
    silent = [setting for setting, names in stated.items() if not names]
    if silent:
        verb = "lies" if silent == ["DATABASE_LOCATION"] else "lie"
        things = " and ".join(_OF[setting] for setting in silent)
        found = f"Agreed is {agreed}; it is not stated where {things} {verb}."
        return Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, found, evidence)
    found = f"Database and backups are stated to lie in {agreed}, as agreed."
    if places.backups == (NOWHERE,):
        found = f"The database is stated to lie in {agreed}, as agreed; no backups are kept."
    return Finding(Check.RESIDENCY, Outcome.PASS, found, evidence)


def _lies_in(agreed: str, names: tuple[str, ...]) -> bool:
    if names == (NOWHERE,):
        return True
    return agreed.strip().casefold() in {name.casefold() for name in names}
