"""What is asked for when minutes are to be excluded after they happened, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.errors import Broken, InvalidInput
from trust_portal.kernel.names import require_words
from trust_portal.reliability.attainment.model import Exclusion

#: What refusals and access logs call it.
NOUN: Final = "exclusion"


class ExclusionState(StrEnum):
    """proposed → approved, which counts until it is revoked; denied, expired or withdrawn never counted."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


#: What may follow what. The database holds the same table as a constraint.
TRANSITIONS: Final[Mapping[ExclusionState, frozenset[ExclusionState]]] = MappingProxyType(
    {
        ExclusionState.PROPOSED: frozenset(
            {
                ExclusionState.APPROVED,
                ExclusionState.DENIED,
                ExclusionState.EXPIRED,
                ExclusionState.WITHDRAWN,
            }
        ),
        ExclusionState.APPROVED: frozenset({ExclusionState.REVOKED}),
    }
)


@dataclass(frozen=True, slots=True)
class ProposeExclusion:
    """Command: [start, end) shall not count for ``objectives`` (``None``: all of the tenant's).

    ``evidence`` says where what happened can be looked up; it is shown to those who approve.
    """

    tenant_id: UUID
    start: datetime
    end: datetime
    objectives: tuple[str, ...] | None
    reason: str
    evidence: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        object.__setattr__(self, "evidence", require_words(self.evidence, "evidence"))
        for field in ("start", "end"):
            if getattr(self, field).tzinfo is None:
                raise InvalidInput("a time needs its offset from UTC", field=field)
        if self.end <= self.start:
            raise InvalidInput("it ends no later than it starts", field="end")
        if self.objectives is not None:
            if not self.objectives:
                raise InvalidInput("choose at least one objective", field="objectives")
            object.__setattr__(self, "objectives", tuple(sorted(set(self.objectives))))


@dataclass(frozen=True, slots=True)
class RevokeExclusion:
    """Command: what was approved shall count again. It is the customer's gain, so one person may."""

    tenant_id: UUID
    exclusion_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Passage:
    """A state that was reached; ``ordinal`` counts from 1."""

    ordinal: int
    state: ExclusionState
    at: datetime
    by_id: UUID
    by: str
    reason: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class StoredExclusion:
    """A proposal and everything that became of it. ``sha256`` is over its document's RFC 8785 bytes.

    ``approvers`` are the persons who approved it, in the order of the rule's places; empty before.
    """

    id: UUID
    tenant_id: UUID
    start: datetime
    end: datetime
    objectives: tuple[str, ...] | None
    reason: str
    evidence: str
    proposer_id: UUID
    proposer: str
    request_id: UUID
    sha256: str
    proposed_at: datetime
    history: tuple[Passage, ...]
    approvers: tuple[UUID, ...] = ()

    @property
    def last(self) -> Passage:
        return self.history[-1]

    @property
    def state(self) -> ExclusionState:
        return self.last.state

    @property
    def window(self) -> str:
        """What reports call it."""
        return f"{NOUN}/{self.id}"

    @property
    def _approved(self) -> Passage | None:
        return next((each for each in self.history if each.state is ExclusionState.APPROVED), None)

    @property
    def approved_by_receipt(self) -> UUID:
        """The receipt by which it counts; for an approved one only."""
        if (approved := self._approved) is None:
            raise Broken(f"{self.window} was never approved", code="NOT_IN_FORCE")
        return approved.receipt_id

    def as_exclusion(self) -> Exclusion:
        """As reports calculate with it. It was announced when it was proposed: after the fact."""
        approved = self._approved
        return Exclusion(
            window=self.window,
            start=self.start,
            end=self.end,
            announced_at=self.proposed_at,
            reason=self.reason,
            objectives=self.objectives,
            approvals=tuple(str(each) for each in self.approvers),
            receipts=() if approved is None else (str(approved.receipt_id),),
            recorded_at=self.proposed_at,
        )
