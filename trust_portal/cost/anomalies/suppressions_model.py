"""Suppressions: what is found under one is kept, but raises nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import require_words

#: Nothing is silenced for ever: whoever still wants it says so again.
LONGEST: Final = timedelta(days=92)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CreateSuppression:
    """Command: say nothing of ``subsystem`` (``None``: any) from ``starts_at`` to ``ends_at``.

    At the vendor it holds for every tenant.
    """

    tenant_id: UUID
    subsystem: str | None
    reason: str
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        require_subsystem(self.subsystem)
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST:
            raise InvalidInput(
                f"a suppression ends after it starts, and within {LONGEST.days} days", field="ends_at"
            )


@dataclass(frozen=True, slots=True)
class EndSuppression:
    """Command: end it before its time."""

    tenant_id: UUID
    suppression_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Suppression:
    """``ends_at`` as set at first; ``ended_at`` if somebody ended it earlier."""

    id: UUID
    tenant_id: UUID
    subsystem: str | None
    reason: str
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    created_at: datetime
    created_by: str
    ended_by: str | None
    receipt_id: UUID
    ended_receipt_id: UUID | None

    @property
    def until(self) -> datetime:
        """When it really ends."""
        return min(self.ends_at, self.ended_at) if self.ended_at else self.ends_at

    def covers(self, hour: datetime) -> bool:
        """Whether any of ``hour`` falls under it; the hour in which somebody ended it does not any more."""
        if self.ended_at is not None and self.ended_at < hour + _HOUR:
            return False
        return self.starts_at < hour + _HOUR and hour < self.ends_at


def covering(
    suppressions: Iterable[Suppression], tenant_id: UUID, subsystem: str, hour: datetime
) -> UUID | None:
    """The suppression that an anomaly whose last hour is ``hour`` falls under: the first that was made."""
    return min(
        (
            each.id
            for each in suppressions
            if each.tenant_id in {tenant_id, VENDOR_ID}
            and each.subsystem in {None, subsystem}
            and each.covers(hour)
        ),
        default=None,
    )


def require_subsystem(subsystem: str | None) -> None:
    if subsystem is not None and subsystem not in SUBSYSTEMS:
        raise InvalidInput(f"no such subsystem; there are: {', '.join(SUBSYSTEMS)}", field="subsystem")
