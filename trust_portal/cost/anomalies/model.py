"""Anomalies as they are kept, and what people decide about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from trust_portal.cost.detection.model import Direction, Reason, Severity
from trust_portal.cost.metering.model import Series
from trust_portal.kernel.names import require_words


class Lane(StrEnum):
    """``shadow``: a detector on trial, whose finds are compared and never acted on."""

    LIVE = "live"
    SHADOW = "shadow"


class AnomalyState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What people say an anomaly was."""

    REAL = "real"
    PLANNED = "planned"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Figures:
    """What an anomaly comes to, exact, in major units; ``excess`` is actual less expected."""

    expected: Decimal
    actual: Decimal

    @property
    def excess(self) -> Decimal:
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class CostAnomaly:
    """One departure of one series from what was expected. All hours are named by their start, UTC.

    ``last_at`` is the last unusual hour so far; the anomaly is over only once it is closed.
    ``unexplained`` is what of the excess no cause accounts for: all of it, until it is explained. Of a
    drop both are negative.
    Whenever its figures change it is explained anew: ``explained_at`` moves, ``first_explained_at`` does not.
    """

    id: UUID
    tenant_id: UUID
    lane: Lane
    series: Series
    direction: Direction
    kind: Reason
    state: AnomalyState
    severity: Severity
    score: float
    confidence: float
    started_at: datetime
    peak_at: datetime
    last_at: datetime
    detected_at: datetime
    figures: Figures
    unexplained: Decimal
    detector: str
    detector_version: str
    evidence: dict[str, Any]
    suppression_id: UUID | None
    verdict: Verdict | None
    revision: int
    opened_receipt_id: UUID | None
    closed_receipt_id: UUID | None
    explained_receipt_id: UUID | None
    opened_at: datetime
    explained_at: datetime | None
    first_explained_at: datetime | None
    closed_at: datetime | None
    changed_at: datetime

    @property
    def is_open(self) -> bool:
        return self.state is AnomalyState.OPEN

    @property
    def is_drop(self) -> bool:
        """Less was spent than expected."""
        return self.direction is Direction.DOWN


@dataclass(frozen=True, slots=True)
class AnomalyFilter:
    """Which anomalies; ``None`` asks for all. ``tenant_id`` None: of every tenant, for staff."""

    tenant_id: UUID | None = None
    subsystem: str | None = None
    state: AnomalyState | None = None
    direction: Direction | None = None
    severity: Severity | None = None
    verdict: Verdict | None = None
    suppressed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, slots=True)
class GiveFeedback:
    """Command: what ``anomaly_id`` was, in the words of whoever knows."""

    tenant_id: UUID
    anomaly_id: UUID
    verdict: Verdict
    note: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", require_words(self.note, "note"))


@dataclass(frozen=True, slots=True)
class Feedback:
    id: UUID
    anomaly_id: UUID
    verdict: Verdict
    note: str
    given_at: datetime
    given_by: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class HourPoint:
    """An hour of a series: what it cost and what was expected; ``None`` where there was no sample."""

    hour: datetime
    cost: Decimal | None
    expected: Decimal | None
