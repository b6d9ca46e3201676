"""The terms of a contract version, as exact values. Percentages are fractions of one (99.9 % = 999/1000)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from trust_portal.kernel.money import Money
from trust_portal.kernel.period import zone


class PeriodLength(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"


class Denominator(StrEnum):
    """Which time a percentage is taken of, and what exclusions do to it."""

    CALENDAR = "calendar"
    SUBSCRIBED = "subscribed"
    MINUS_EXCLUSIONS = "minus_exclusions"
    ADD_BACK = "add_back"


class Aggregate(StrEnum):
    SLICES = "slices"
    MEAN_OF_RATIOS = "mean_of_ratios"
    RATIO_OF_SUMS = "ratio_of_sums"


class ZeroTraffic(StrEnum):
    UP = "up"
    EXCLUDE = "exclude"


class MissingData(StrEnum):
    FAIL = "fail"
    UP = "up"
    DOWN = "down"


class Combine(StrEnum):
    MAX = "max"
    CHOOSE_ONE = "choose_one"
    SUM = "sum"


class CrossCheck(StrEnum):
    """Whether a second source must confirm the counts before a report is signed."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class LowerRestatement(StrEnum):
    """What becomes of an issued credit when its period is restated to a lower one."""

    KEEP = "keep"
    REVERSE = "reverse"


class RoundingMode(StrEnum):
    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class Counting(StrEnum):
    """How a formula counts steps of shortfall."""

    STARTED = "started"
    FULL = "full"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class SliceRule:
    """A slice is down when its error ratio passes ``threshold``; ``None`` means every request failed."""

    threshold: Fraction | None
    inclusive: bool = False

    def __str__(self) -> str:
        if self.threshold is None:
            return "all_fail"
        return f"error_ratio {'>=' if self.inclusive else '>'} {decimal_text(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Rounding:
    """Rounds an attained value to ``digits`` of its percentage before it meets targets and tiers."""

    mode: RoundingMode
    digits: int

    def apply(self, value: Fraction) -> Fraction:
        scaled = value * 100 * 10**self.digits
        match self.mode:
            case RoundingMode.DOWN:
                whole = floor(scaled)
            case RoundingMode.UP:
                whole = ceil(scaled)
            case RoundingMode.HALF_UP:
                whole = floor(scaled + Fraction(1, 2))
            case RoundingMode.HALF_EVEN:
                whole = round(scaled)
        return Fraction(whole, 100 * 10**self.digits)


@dataclass(frozen=True, slots=True)
class Tier:
    """``credit`` (a fraction of the fee) for attained values between two bounds."""

    lower: Fraction
    lower_inclusive: bool
    upper: Fraction
    upper_inclusive: bool
    credit: Fraction

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Fraction):
            return False
        above = value > self.lower or (self.lower_inclusive and value == self.lower)
        below = value < self.upper or (self.upper_inclusive and value == self.upper)
        return above and below

    def __str__(self) -> str:
        return interval_text(self.lower, self.lower_inclusive, self.upper, self.upper_inclusive)


@dataclass(frozen=True, slots=True)
class Formula:
    """``credit`` per ``step`` of shortfall below ``below``, never more than ``up_to``."""

    credit: Fraction
    counting: Counting
    step: Fraction
    below: Fraction
    up_to: Fraction | None

    def __call__(self, value: Fraction) -> Fraction:
        shortfall = max(self.below - value, Fraction(0)) / self.step
        match self.counting:
            case Counting.STARTED:
                shortfall = Fraction(ceil(shortfall))
            case Counting.FULL:
                shortfall = Fraction(floor(shortfall))
        credit = self.credit * shortfall
        return credit if self.up_to is None else min(credit, self.up_to)

    def __str__(self) -> str:
        counting = "" if self.counting is Counting.EXACT else f"{self.counting} "
        up_to = "" if self.up_to is None else f" up to {percent_text(self.up_to)}%"
        return (
            f"{percent_text(self.credit)}% per {counting}{percent_text(self.step)}% "
            f"below {percent_text(self.below)}%{up_to}"
        )


@dataclass(frozen=True, slots=True)
class Weight:
    """Requests no slower than ``le`` seconds (and slower than the bound before) count ``weight``."""

    le: str
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Sla:
    """One promise about one objective. ``slice_minutes`` is 1 or 5; ``min_run`` counts slices."""

    objective: str
    target: Fraction
    period: PeriodLength = PeriodLength.MONTH
    time_zone: str = "UTC"
    denominator: Denominator = Denominator.CALENDAR
    slice_minutes: int = 1
    slice_rule: SliceRule = SliceRule(Fraction(1, 20))
    min_run: int = 1
    aggregate: Aggregate = Aggregate.SLICES
    zero_traffic: ZeroTraffic = ZeroTraffic.UP
    min_events_per_slice: int = 0
    missing_data: MissingData = MissingData.FAIL
    rounding: Rounding | None = None
    tiers: tuple[Tier, ...] = ()
    formula: Formula | None = None
    minimum_credit: Money | None = None
    cap: Fraction | None = None
    claim_window_days: int | None = None
    latency_threshold: str | None = None
    weights: tuple[Weight, ...] = ()


@dataclass(frozen=True, slots=True)
class ExclusionTerms:
    """``notice_hours`` before the start; at most ``cap_hours`` a period (``None``: no limit)."""

    notice_hours: Fraction = Fraction(0)
    cap_hours: Fraction | None = None


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """How credits are proposed and who decides; caps of the policy come after the contract's own."""

    auto_propose: bool = False
    approvers: tuple[str, ...] = ()
    cap: Fraction | None = None
    cap_amount: Money | None = None
    lower_restatement: LowerRestatement = LowerRestatement.KEEP


@dataclass(frozen=True, slots=True)
class Boundary:
    """A date (midnight in the zone of the SLA that asks) or an instant."""

    at: date | datetime

    def instant(self, time_zone: str) -> datetime:
        if isinstance(self.at, datetime):
            return self.at.astimezone(UTC)
        return datetime(self.at.year, self.at.month, self.at.day, tzinfo=zone(time_zone)).astimezone(UTC)

    def __str__(self) -> str:
        return self.at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of one tenant's contract. ``fee`` is per period; ``source`` the document's bytes."""

    tenant: str
    version: str
    effective_from: Boundary | None
    effective_to: Boundary | None
    fee: Money
    slas: tuple[Sla, ...]
    combine: Combine = Combine.MAX
    exclusions: ExclusionTerms = ExclusionTerms()
    credit_policy: CreditPolicy = CreditPolicy()
    cross_check: CrossCheck = CrossCheck.OPTIONAL
    source: bytes = field(default=b"", repr=False)

    @property
    def currency(self) -> str:
        return self.fee.currency

    def promises_by(self, length: PeriodLength) -> tuple[Sla, ...]:
        """What it promises by the month, or by the quarter."""
        return tuple(sla for sla in self.slas if sla.period is length)

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the document as it was written."""
        return hashlib.sha256(self.source).hexdigest()


def decimal_text(value: Fraction) -> str:
    """A fraction that terminates in base ten as plain digits; any other as ``a/b``."""
    digits = 0
    scaled = value
    while scaled.denominator != 1 and digits < 40:
        scaled *= 10
        digits += 1
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    text = f"{abs(scaled.numerator):0{digits + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def percent_text(value: Fraction) -> str:
    """A fraction of one as the digits of a percentage, exact and without the sign: 999/1000 → ``99.9``."""
    return decimal_text(value * 100)


def interval_text(lower: Fraction, lower_inclusive: bool, upper: Fraction, upper_inclusive: bool) -> str:
    """``[99.0, 99.9)`` in percent; one point as ``exactly 99``."""
    if lower == upper:
        return f"exactly {percent_text(lower)}"
    opening, closing = "[" if lower_inclusive else "(", "]" if upper_inclusive else ")"
    return f"{opening}{percent_text(lower)}, {percent_text(upper)}{closing}"
