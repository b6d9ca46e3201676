"""Whether cost really came down, and whether the tenant suffers. Pure; compared without dividing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.remediation.model import Plan
from trust_portal.cost.remediation.playbooks import Health

_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)
#: How many weeks say what is usual.
_WEEKS: Final = 4
#: A season lower than this says too little of what an excess would be.
_LOWEST: Final = Fraction(1, 4)
_EXACT: Final = Context(prec=80)
_MILLIONTH: Final = Decimal("0.000001")
_THOUSANDTH: Final = Decimal("0.001")


class LastHour(Struct, frozen=True, kw_only=True):
    """The part in the last whole hour before the act: what of the excess was still there to go."""

    start: datetime
    cost: Decimal
    expected: Decimal
    excess: Decimal


class Reduction(Struct, frozen=True, kw_only=True):
    """What the hours from ``start`` to ``end`` say of an act, in amounts per hour.

    ``before`` and ``after`` are of the part that was acted upon, ``series_before`` and ``series_after`` of
    the whole series; each ``…expected…`` is what was to be expected of the same hours. ``season``: how the
    hours after compare to the anomaly's, by the weeks before it. ``reduction`` is the share of the
    part's excess that went, rounded down; below zero where it grew. ``last_hour``: ``None`` where nobody
    told of it.
    """

    start: datetime
    end: datetime
    before: Decimal
    expected_before: Decimal
    after: Decimal
    expected_after: Decimal
    series_before: Decimal
    series_expected_before: Decimal
    series_after: Decimal
    series_expected_after: Decimal
    season: Decimal
    reduction: Decimal
    required: Decimal
    verified: bool
    finding: str
    last_hour: LastHour | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """What the same hours of the weeks before the anomaly cost, an amount for each week.

    ``then``: the series in the anomaly's hours. ``since``: the series in the hours after the act, and
    ``part``, what of that lies in the part. All empty where there were no such weeks.
    """

    then: tuple[Decimal, ...] = ()
    since: tuple[Decimal, ...] = ()
    part: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class _Expected:
    """Amounts per hour that were to be expected of the hours after, and the season they come from."""

    part: Fraction
    series: Fraction
    season: Fraction


@dataclass(frozen=True, slots=True)
class Events:
    """How many there were of an objective, and how many of them were good."""

    total: int
    good: int

    @property
    def bad(self) -> int:
        return self.total - self.good


class Suffering(Struct, frozen=True, kw_only=True):
    """An objective whose error ratio rose beyond what the playbook allows."""

    objective: str
    bad: int
    total: int
    bad_before: int
    total_before: int


def hours_to_verify(executed_at: datetime, hours: int) -> tuple[datetime, datetime]:
    """Start of the first whole hour after the act, and the end of the last that is looked at."""
    start = hour_of(executed_at - timedelta(microseconds=1)) + _HOUR
    return start, start + hours * _HOUR


def calm_hours(known_until: datetime, closed_until: datetime, hours: int) -> tuple[datetime, ...]:
    """The last ``hours`` closed hours, if all of them came after what a plan knew; else none.

    As many as verification waits for after an act: what is calm for less may only pause.
    """
    first = closed_until - hours * _HOUR
    return tuple(first + n * _HOUR for n in range(hours)) if first >= known_until else ()


def weeks_before(
    start: datetime, end: datetime, *, before: datetime, since: datetime
) -> tuple[datetime, ...]:
    """Where the same hours begin in the last four weeks that were over ``before`` and not earlier than ``since``."""
    first = max(1, math.ceil((end - before) / _WEEK))
    begins = (start - number * _WEEK for number in range(first, first + _WEEKS))
    return tuple(begin for begin in begins if begin >= since)


def reduction(
    plan: Plan, start: datetime, end: datetime, part: Decimal, series: Decimal, usual: Usual
) -> Reduction:
    """``part`` and ``series`` are what the part and its series cost from ``start`` to ``end``.

    Each side is compared with what was to be expected of its own hours: what the season brings is no
    saving and no failure. Where the season is lower the excess would be too, so as much less counts as
    the excess that was there. Verified where enough of the part's excess went and that of the series as a
    whole did not grow: what only moved to another part was not saved.
    """
    hours, past = int((end - start) / _HOUR), plan.hours
    expected = _expected(plan, hours, usual)
    lower = min(Fraction(1), max(expected.season, _LOWEST))
    excess = lower * Fraction(plan.part.contribution) / past
    gone = excess - (Fraction(part) / hours - expected.part)
    required = plan.playbook.verify.reduction
    enough = gone >= Fraction(required) * excess
    grew = Fraction(series) / hours - expected.series > lower * Fraction(plan.actual - plan.expected) / past
    share = _decimal(gone / excess, _THOUSANDTH)
    if not enough:
        finding = f"{share:.1%} of the excess went, {required:.1%} was to go"
    elif grew:
        finding = (
            f"{share:.1%} of the part's excess went, but {plan.subsystem} as a whole costs more than before"
        )
    else:
        finding = f"{share:.1%} of the excess went, at least {required:.1%} was to go"
    return Reduction(
        start=start,
        end=end,
        before=_rate(plan.part.actual, past),
        expected_before=_rate(plan.part.expected, past),
        after=_rate(part, hours),
        expected_after=_decimal(expected.part, _MILLIONTH),
        series_before=_rate(plan.actual, past),
        series_expected_before=_rate(plan.expected, past),
        series_after=_rate(series, hours),
        series_expected_after=_decimal(expected.series, _MILLIONTH),
        season=_decimal(expected.season, _THOUSANDTH),
        reduction=share,
        required=required,
        verified=enough and not grew,
        finding=finding,
    )


def beside_last_hour(found: Reduction, last: Reduction, currency: str) -> Reduction:
    """``found``, with what ``last``, of the last hour before the act, says was still there to go."""
    excess = last.after - last.expected_after
    return replace(
        found,
        last_hour=LastHour(start=last.start, cost=last.after, expected=last.expected_after, excess=excess),
        finding=f"{found.finding}; in the last hour before the act it was {excess:.2f} {currency}",
    )


def _expected(plan: Plan, hours: int, usual: Usual) -> _Expected:
    """What was expected of the anomaly's hours, times how the hours after compare to them in a usual week.

    By the median of the weeks, so that one that was odd counts for nothing; so is the part's share, of the
    weeks that cost anything. Not what the detector expects
    of the hours after: it may have grown used to the anomaly.
    """
    then = statistics.median(map(Fraction, usual.then)) / plan.hours if usual.then else Fraction(0)
    since = statistics.median(map(Fraction, usual.since)) / hours if usual.since else Fraction(0)
    if then <= 0 or since <= 0:
        past = plan.hours
        return _Expected(Fraction(plan.part.expected) / past, Fraction(plan.expected) / past, Fraction(1))
    season = since / then
    series = season * Fraction(plan.expected) / plan.hours
    # Credits of a week may exceed its cost. As the median is above zero, not all of them do.
    share = statistics.median(
        Fraction(part) / Fraction(whole)
        for part, whole in zip(usual.part, usual.since, strict=True)
        if whole > 0
    )
    return _Expected(series * min(Fraction(1), max(Fraction(0), share)), series, season)


def suffering(
    health: Health, before: Mapping[str, Events], since: Mapping[str, Events]
) -> tuple[Suffering, ...]:
    """The objectives that got worse since the act by more than ``health`` allows.

    One with fewer events than it asks for says nothing yet; one without events before was well.
    """
    return tuple(_worse(health, before, since))


def _worse(health: Health, before: Mapping[str, Events], since: Mapping[str, Events]) -> Iterable[Suffering]:
    for objective, now in sorted(since.items()):
        then = before.get(objective, Events(0, 0))
        if now.total < health.events:
            continue
        usual = Fraction(then.bad, then.total) if then.total else Fraction(0)
        if Fraction(now.bad, now.total) > usual + Fraction(health.rise):
            yield Suffering(
                objective=objective,
                bad=now.bad,
                total=now.total,
                bad_before=then.bad,
                total_before=then.total,
            )


def _rate(amount: Decimal, hours: int) -> Decimal:
    return _decimal(Fraction(amount) / hours, _MILLIONTH)


def _decimal(value: Fraction, digit: Decimal) -> Decimal:
    """Rounded down, so that no figure looks better than it is."""
    exact = _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return exact.quantize(digit, ROUND_FLOOR, _EXACT)
