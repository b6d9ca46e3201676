"""How often and how fast the same two people approve for each other: hints for reviewers, never a refusal. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

#: Who approves sooner after the asking has hardly read what they approved.
HASTY: Final = timedelta(seconds=60)
RECENT: Final = timedelta(days=30)
LONG: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Consent:
    """One approval: who asked when, who approved when."""

    requester_id: UUID
    approver_id: UUID
    asked_at: datetime
    approved_at: datetime

    @property
    def seconds(self) -> int:
        """From asking to approving, whole seconds, rounded down."""
        return (self.approved_at - self.asked_at) // timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PairHint:
    """What ``approver`` approved for the requester, and the other way round.

    ``recent`` in the last 30 days, ``long`` in the last 90, ``returned`` those of 90 days in which the
    requester approved for the approver. ``median_seconds`` (lower of two middles), and ``hasty``, those
    within 60 seconds, are of the 90 days, from asking to approving; the former ``None`` without any.
    """

    approver_id: UUID
    recent: int
    long: int
    returned: int
    median_seconds: int | None
    hasty: int


def pair_hints(
    consents: Collection[Consent], requester_id: UUID, approvers: Sequence[UUID], now: datetime
) -> tuple[PairHint, ...]:
    """One for each of ``approvers`` who ever approved for the requester or had them approve, in 90 days.

    An approval at the very start of the span still counts. Whatever else is among ``consents`` does not.
    """
    within = [each for each in consents if now - LONG <= each.approved_at <= now]
    hints = (_hint(within, requester_id, approver_id, now) for approver_id in approvers)
    return tuple(hint for hint in hints if hint.long or hint.returned)


def _hint(within: Sequence[Consent], requester_id: UUID, approver_id: UUID, now: datetime) -> PairHint:
    given = [each for each in within if (each.requester_id, each.approver_id) == (requester_id, approver_id)]
    seconds = sorted(each.seconds for each in given)
    return PairHint(
        approver_id=approver_id,
        recent=sum(each.approved_at >= now - RECENT for each in given),
        long=len(given),
        returned=sum((each.requester_id, each.approver_id) == (approver_id, requester_id) for each in within),
        median_seconds=seconds[(len(seconds) - 1) // 2] if seconds else None,
        hasty=sum(each < HASTY.total_seconds() for each in seconds),
    )
