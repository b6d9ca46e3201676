"""Credits as they are stored and found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.kernel.money import Money
from trust_portal.reliability.credits.model import ClaimCode, CreditKind, CreditState, Origin, Outcome


@dataclass(frozen=True, slots=True)
class StoredCalculation:
    """What one signed revision came to. ``sha256`` is over the calculation's RFC 8785 bytes.

    ``amount`` is what could be proposed (zero unless due), ``total`` the contract's whole credit.
    """

    id: UUID
    tenant_id: UUID
    period: str
    revision: int
    report_id: UUID
    outcome: Outcome
    kind: CreditKind
    amount: Money
    total: Money
    sha256: str
    receipt_id: UUID
    calculated_at: datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """A state that a credit reached: when, through whom, and by which receipt."""

    ordinal: int
    state: CreditState
    at: datetime
    by_id: UUID
    by: str
    reason: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Issue:
    """``reference`` is the billing system's. ``sha256`` is over the memo's RFC 8785 bytes."""

    reference: str
    at: datetime
    by_id: UUID
    by: str
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredCredit:
    """A proposed credit and everything that became of it; ``history`` is never empty.

    ``attempt`` counts proposals for one revision of a period. ``supplements`` is the issued credit
    that a supplement or reversal adds to. ``proposer_id`` is the person, also behind a token.
    """

    id: UUID
    tenant_id: UUID
    calculation: StoredCalculation
    attempt: int
    origin: Origin
    reason: str
    proposer_id: UUID
    proposer: str
    request_id: UUID
    claim_id: UUID | None
    supplements: UUID | None
    proposed_at: datetime
    history: tuple[Passage, ...]
    issue: Issue | None

    @property
    def period(self) -> str:
        return self.calculation.period

    @property
    def revision(self) -> int:
        return self.calculation.revision

    @property
    def kind(self) -> CreditKind:
        return self.calculation.kind

    @property
    def amount(self) -> Money:
        return self.calculation.amount

    @property
    def state(self) -> CreditState:
        return self.history[-1].state

    @property
    def last(self) -> Passage:
        return self.history[-1]

    def passage(self, state: CreditState) -> Passage | None:
        """When it reached ``state``; ``None`` if it never did."""
        return next((each for each in self.history if each.state is state), None)


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """A customer's claim. A refused one has its ``code`` and a receipt; an accepted one became a credit."""

    id: UUID
    tenant_id: UUID
    period: str
    revision: int
    accepted: bool
    code: ClaimCode
    message: str
    reason: str
    deadline: datetime | None
    claimed_at: datetime
    claimed_by_id: UUID
    claimed_by: str
    receipt_id: UUID
