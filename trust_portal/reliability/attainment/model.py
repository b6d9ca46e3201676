"""Columns of measurements, exclusions, and what a period comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trust_portal.kernel.period import Period
from trust_portal.reliability.findings import Finding

Counts: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

#: Stands in a column of counts where a file had an empty cell; no counter has this value.
ABSENT = -(2**63)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One objective's measurements as columns of equal length, in any order.

    ``minutes`` are whole minutes since 1970 (UTC), ``total`` and ``good`` counts within each, and
    ``buckets`` cumulative counts by inclusive upper bound in seconds (``"0.5"``, ``"+Inf"``).
    """

    minutes: Counts
    total: Counts
    good: Counts
    buckets: Mapping[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A window agreed not to count. ``approvals`` name distinct persons; ``receipts`` are references.

    ``announced_at`` is what the vendor states. ``recorded_at`` is when the portal received it, absent in
    a file nobody received; ``record_began_at`` is when the portal began to keep this tenant's record.
    """

    window: str
    start: datetime
    end: datetime
    announced_at: datetime
    reason: str = ""
    objectives: tuple[str, ...] | None = None
    approvals: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()
    recorded_at: datetime | None = None
    record_began_at: datetime | None = None

    @property
    def witnessed(self) -> bool | None:
        """Whether the portal could have seen the announcement; ``None`` where no portal is involved.

        Of a window that began before the record did, nobody here can say when it was announced.
        """
        if self.recorded_at is None:
            return None
        return self.record_began_at is None or self.start >= self.record_began_at

    @property
    def known_at(self) -> datetime:
        """What notice is judged by: the later of announced and recorded, or the claim where it cannot be checked."""
        if self.recorded_at is None or not self.witnessed:
            return self.announced_at
        return max(self.announced_at, self.recorded_at)


class ExclusionCode(StrEnum):
    """Whether an exclusion counted: whole, up to the agreed hours, or not at all."""

    COUNTED = "COUNTED"
    CAPPED = "CAPPED"
    SHORT_NOTICE = "SHORT_NOTICE"
    AFTER_THE_FACT = "AFTER_THE_FACT"
    OUTSIDE_PERIOD = "OUTSIDE_PERIOD"


@dataclass(frozen=True, slots=True)
class ExclusionOutcome:
    """Whether an exclusion counted for one objective, for how many whole minutes, and why."""

    exclusion: Exclusion
    code: ExclusionCode
    why: str
    minutes: int

    @property
    def counted(self) -> bool:
        return self.code in {ExclusionCode.COUNTED, ExclusionCode.CAPPED}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that decided: a stable id and what it did, in words."""

    id: str
    text: str

    def __str__(self) -> str:
        return f"{self.id}: {self.text}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two integers as they were counted, not reduced; nothing over nothing counts as whole."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction:
        return Fraction(self.numerator, self.denominator) if self.denominator else Fraction(1)


@dataclass(frozen=True, slots=True)
class DownRun:
    """Contiguous down minutes [start, end). ``excluded_minutes`` of them did not count."""

    start: datetime
    end: datetime
    minutes: int
    excluded_minutes: int
    worst: Ratio


@dataclass(frozen=True, slots=True)
class Figure:
    """One attained value and the down minutes beside it."""

    attained: Ratio
    down_minutes: int


@dataclass(frozen=True, slots=True)
class Day:
    """A local calendar day of the period; ``figure`` is after exclusions."""

    date: str
    figure: Figure
    down_minutes_raw: int


@dataclass(frozen=True, slots=True)
class Attainment:
    """What one SLA came to in one period. Figures are absent when they cannot be relied on."""

    objective: str
    period: Period
    raw: Figure | None
    adjusted: Figure | None
    excluded_minutes: int
    runs: tuple[DownRun, ...]
    days: tuple[Day, ...]
    exclusions: tuple[ExclusionOutcome, ...]
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
