"""Reviews of roles. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.kernel.actor import Role
from trust_portal.kernel.names import require_words

#: What refusals and access logs call it.
NOUN: Final = "access review"


class ReviewAct(StrEnum):
    """``confirm``: it is still needed. ``revoke``: it is not, and is taken away in the same commit."""

    CONFIRM = "confirm"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role in force, with its last review, and until when the next is due."""

    grant_id: UUID
    tenant_id: UUID
    person_id: UUID
    person_name: str
    person_email: str
    role: Role
    granted_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    due_at: datetime

    def is_overdue(self, at: datetime) -> bool:
        return at > self.due_at


def review_due(granted_at: datetime, reviewed_at: datetime | None, within: timedelta) -> datetime:
    """Until when somebody must confirm a role: of its grant and its last review the later counts."""
    return max(granted_at, reviewed_at or granted_at) + within


@dataclass(frozen=True, slots=True)
class RecordReview:
    """Command: what somebody decided about one role of somebody else, and why."""

    tenant_id: UUID
    grant_id: UUID
    act: ReviewAct
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
