"""Credits: what is proposed, decided and issued for a period that missed what was promised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.names import require_words

KIND: Final = "credit-memo"
FORMAT: Final = "1"
ENGINE: Final[Mapping[str, Json]] = MappingProxyType({"name": "trust-portal credit", "version": "1"})

#: Where a bundle carries the memo and what its amount is computed from.
MEMO_FILE: Final = "memo.json"
CSV_FILE: Final = "memo.csv"
PDF_FILE: Final = "memo.pdf"
REPORT_INPUT: Final = "inputs/report.json"
CONTRACT_INPUT: Final = "inputs/contract.yaml"

_MAX_REFERENCE: Final = 80
_REFERENCE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/#:-]*[A-Za-z0-9])?")


class CreditKind(StrEnum):
    """A period's credit, what a restatement adds to it, or what one takes back."""

    CREDIT = "credit"
    SUPPLEMENT = "supplement"
    REVERSAL = "reversal"


class Outcome(StrEnum):
    """What a calculation came to. Only ``DUE`` can be proposed.

    ``UNCHANGED``: what was issued is what is due. ``KEPT``: more was issued than is due, and by the
    contract's policy it stays.
    """

    DUE = "due"
    NOTHING = "nothing"
    UNCHANGED = "unchanged"
    KEPT = "kept"


class CreditState(StrEnum):
    """proposed → approved → issued; rejected, expired or voided end it without money."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    ISSUED = "issued"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOIDED = "voided"


LIVE: Final = frozenset({CreditState.PROPOSED, CreditState.APPROVED, CreditState.ISSUED})
OPEN: Final = frozenset({CreditState.PROPOSED, CreditState.APPROVED})

#: What may follow what. The database holds the same table as a constraint.
TRANSITIONS: Final[Mapping[CreditState, frozenset[CreditState]]] = MappingProxyType(
    {
        CreditState.PROPOSED: frozenset(
            {CreditState.APPROVED, CreditState.REJECTED, CreditState.EXPIRED, CreditState.VOIDED}
        ),
        CreditState.APPROVED: frozenset({CreditState.ISSUED, CreditState.EXPIRED, CreditState.VOIDED}),
    }
)


class ClaimCode(StrEnum):
    """What became of a claim: proposed, too late by its contract, or for a period that owes nothing."""

    ACCEPTED = "ACCEPTED"
    CLAIM_LATE = "CLAIM_LATE"
    NOTHING_DUE = "NOTHING_DUE"


class Origin(StrEnum):
    """Who asked for it: the contract by itself, a person of the vendor, or the customer."""

    CONTRACT = "contract"
    PERSON = "person"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class ProposeCredit:
    """Command: propose what a period's signed report comes to. ``revision`` is the one that was looked at."""

    tenant_id: UUID
    period: str
    revision: int | None
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class ClaimCredit:
    """Command of a customer: ask for what the report of a period says is due."""

    tenant_id: UUID
    period: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class IssueCredit:
    """Command: it was booked outside, as ``reference``, with ``amount`` (major units, as text).

    The amount is said again by who books it: another one than was approved is another act.
    """

    tenant_id: UUID
    credit_id: UUID
    reference: str
    amount: str

    def __post_init__(self) -> None:
        reference = self.reference.strip()
        object.__setattr__(self, "reference", reference)
        if not _REFERENCE.fullmatch(reference) or len(reference) > _MAX_REFERENCE:
            raise InvalidInput(
                f"the reference of your billing system: 1 to {_MAX_REFERENCE} letters, digits, spaces and "
                "any of . _ / # : -, a letter or digit first and last",
                field="reference",
            )


@dataclass(frozen=True, slots=True)
class VoidCredit:
    """Command: withdraw a credit that was not issued."""

    tenant_id: UUID
    credit_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class RejectCredit:
    """Command of an approver: deny it. ``digest`` is of the intent that the page showed."""

    tenant_id: UUID
    credit_id: UUID
    digest: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
