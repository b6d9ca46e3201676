"""What a look at a customer's posture found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.kernel.canonical import Json

NOUN: Final = "posture"
#: How often the clockwork looks, and how old a look may be before a document calls it stale.
EVERY: Final = timedelta(days=1)
MAX_AGE: Final = timedelta(days=2)
#: What a look did not see. Whoever changes it asks for another look in the same transaction.
RESIDENCY_SINCE: Final = "what is agreed about where the data stays was changed since the look"
KEY_SINCE: Final = "the customer's key was changed since the look"


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    ISOLATION = "isolation"
    RESIDENCY = "residency"
    CUSTOMER_KEY = "customer_key"

    @property
    def label(self) -> str:
        return _TITLES[self]


class Outcome(StrEnum):
    """``not_checked``: nobody can say, and why is said. ``not_applicable``: the customer has not asked for it."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    NOT_CHECKED = "not_checked"
    NOT_APPLICABLE = "not_applicable"

    @property
    def words(self) -> str:
        return _WORDS[self]


_TITLES: Final = {
    Check.ISOLATION: "Isolation from other customers",
    Check.RESIDENCY: "Where the data stays",
    Check.CUSTOMER_KEY: "Stored bundles sealed with the customer's key",
}
_WORDS: Final = {
    Outcome.PASS: "holds",
    Outcome.FAIL: "does not hold",
    Outcome.NOT_CHECKED: "not checked",
    Outcome.NOT_APPLICABLE: "not applicable",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``found`` is a sentence without figures, for people; ``evidence`` what was looked at, numbers as strings."""

    check: Check
    outcome: Outcome
    found: str
    evidence: Mapping[str, Json]

    def as_json(self) -> dict[str, Json]:
        """As it is signed."""
        return {
            "check": self.check.value,
            "outcome": self.outcome.value,
            "found": self.found,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Today:
    """What a look must have seen to be a look at how things are: the customer's newest act about its key, by
    number, None where there was none; and what is agreed about where its data stays, empty where nothing is.
    """

    key_act: int | None
    residency: str


@dataclass(frozen=True, slots=True)
class PostureCheck:
    """A finding on record. ``round_id`` is shared by all that one look found, and so is their receipt."""

    id: UUID
    tenant_id: UUID
    round_id: UUID
    finding: Finding
    checked_at: datetime
    checked_by: str
    receipt_id: UUID

    def overtaken(self, today: Today) -> str | None:
        """What was changed since, in words; None where the look saw what stands today.

        By what was seen and not by times: an act may commit while a look is at work.
        """
        seen = self.finding.evidence
        if self.finding.check is Check.RESIDENCY and seen.get("agreed") != (today.residency or None):
            return RESIDENCY_SINCE
        if self.finding.check is Check.CUSTOMER_KEY:
            act = None if today.key_act is None else str(today.key_act)
            if seen.get("ordinal") != act:
                return KEY_SINCE
        return None
