"""What detection finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """By how many times the anomaly's cost (or score, off any scale) exceeds what is worth raising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Direction(StrEnum):
    """Dearer or cheaper than expected: a rise or a drop."""

    UP = "up"
    DOWN = "down"

    @property
    def sign(self) -> int:
        """Of the excess."""
        return 1 if self is Direction.UP else -1


class Reason(StrEnum):
    """Which watch raised it."""

    DEVIATION = "deviation"  #: one of the windows left its tail
    DRIFT = "drift"  #: the week left the month
    BUDGET = "budget"  #: the budget burns too fast


@dataclass(frozen=True, slots=True)
class DetectorName:
    """Name and version, recorded on everything it found."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One departure of one series from what was expected; repeated alarms are part of it.

    ``start`` is its first sample, ``peak`` the one farthest from expectation, ``end`` the last
    that was still unusual, None while it goes on. ``expected`` and ``actual`` are summed from
    ``start`` to that last sample, in the series' unit. ``score`` is the largest multiple of the
    alarm level that was reached, ``confidence`` follows from it.
    """

    detector: DetectorName
    detected_at: datetime
    start: datetime
    peak: datetime
    end: datetime | None
    expected: float
    actual: float
    score: float
    severity: Severity
    direction: Direction
    reason: Reason

    @property
    def excess(self) -> float:
        """Actual less expected; negative for a drop."""
        return self.actual - self.expected

    @property
    def confidence(self) -> float:
        """Between ½ at the alarm level and 1: an inverse-square tail beyond it."""
        return 1.0 - 0.5 / max(self.score, 1.0) ** 2


def severity_of(times: float, direction: Direction) -> Severity:
    """``times``: multiple of what is worth raising. A drop burns no money: it is a step less severe than a rise."""
    steps = [(20.0, Severity.CRITICAL), (6.0, Severity.HIGH), (2.0, Severity.MEDIUM)]
    if direction is Direction.DOWN:
        steps = [(20.0, Severity.HIGH), (6.0, Severity.MEDIUM)]
    return next((severity for least, severity in steps if times >= least), Severity.LOW)
