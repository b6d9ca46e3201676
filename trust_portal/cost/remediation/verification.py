"""Whether cost really came down, and whether the tenant suffers. Pure; compared without dividing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.remediation.model import Plan
from trust_portal.cost.remediation.playbooks import Health

_HOUR: Final = timedelta(hours=1)
_EXACT: Final = Context(prec=80)
_MILLIONTH: Final = Decimal("0.000001")
_THOUSANDTH: Final = Decimal("0.001")


class Reduction(Struct, frozen=True, kw_only=True):
    """What the hours from ``start`` to ``end`` say of an act, in amounts per hour.

    ``before``, ``expected`` and ``after`` are of the part that was acted upon, ``series_before`` and
    ``series_after`` of the whole series. ``reduction`` is the share of the part's excess that went,
    rounded down; below zero where it grew.
    """

    start: datetime
    end: datetime
    before: Decimal
    expected: Decimal
    after: Decimal
    series_before: Decimal
    series_after: Decimal
    reduction: Decimal
    required: Decimal
    verified: bool
    finding: str


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


def reduction(plan: Plan, start: datetime, end: datetime, part: Decimal, series: Decimal) -> Reduction:
    """``part`` and ``series`` are what the part and its series cost from ``start`` to ``end``.

    Verified where enough of the part's excess went and the series as a whole did not grow: what
    only moved to another part was not saved.
    """
    hours, past = int((end - start) / _HOUR), plan.hours
    excess = Fraction(plan.part.contribution) / past
    gone = Fraction(plan.part.actual) / past - Fraction(part) / hours
    required = plan.playbook.verify.reduction
    enough = gone >= Fraction(required) * excess
    grew = Fraction(series) / hours > Fraction(plan.actual) / past
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
        expected=_rate(plan.part.expected, past),
        after=_rate(part, hours),
        series_before=_rate(plan.actual, past),
        series_after=_rate(series, hours),
        reduction=share,
        required=required,
        verified=enough and not grew,
        finding=finding,
    )


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
