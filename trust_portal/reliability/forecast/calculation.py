"""How likely a promise is to be broken by the end of its period, from the customer's own days. Pure.

The model, whole (docs/credits.md says it in words): a day is the share of it that was bad, in exact minutes
of a day of 1,440; every day to come is one of the days behind, each as likely as any other and independent of
its neighbours. The distribution of the sum is computed, not sampled. It is exact up to the rounding of IEEE 754
doubles where the days have a common measure that is coarse enough, and counted in 10,000ths of what may still
be lost, to the nearest, where they have not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import floor, gcd, nextafter, ulp
from typing import Final

import numpy as np

from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.forecast.model import Outlook

MINUTES: Final = 1440
#: With fewer days behind nothing is said; more than these are too long ago.
FEWEST_DAYS: Final = 14
MOST_DAYS: Final = 90
#: Into how many parts what may still be lost is divided at most.
FINEST: Final = 10_000


def lost(day: Ratio) -> Fraction:
    """What a day's figure lost, in minutes of 1,440."""
    return (1 - day.value) * MINUTES


def outlook(
    target: Fraction, so_far: Sequence[Fraction], days_left: int, behind: Sequence[Fraction]
) -> Outlook:
    """``so_far`` and ``behind`` are minutes lost by day: of the running period, and of the days it is judged by.

    All days of a period weigh the same; it may lose what the target leaves of them.
    """
    budget = (1 - target) * MINUTES * (len(so_far) + days_left)
    used = sum(so_far, Fraction(0))
    spare = budget - used
    return Outlook(
        floor(budget),
        floor(used),
        floor(spare),
        days_left,
        len(behind),
        _likelihood(spare, days_left, behind),
    )


def _likelihood(spare: Fraction, days_left: int, behind: Sequence[Fraction]) -> float | None:
    """Certain only when it is decided: the days to come need not be like any behind."""
    if spare < 0:
        return 1.0
    if spare >= days_left * MINUTES:
        return 0.0
    if len(behind) < FEWEST_DAYS:
        return None
    return min(max(breach_probability(behind, days_left, spare), ulp(0.0)), nextafter(1.0, 0.0))


def breach_probability(behind: Sequence[Fraction], days_left: int, spare: Fraction) -> float:
    """P(X₁ + … + X_n > spare) for independent Xᵢ, each drawn from ``behind`` with equal chances."""
    if spare < 0:
        return 1.0
    if not days_left:
        return 0.0
    unit = _measure(behind, spare / FINEST)
    if not unit:
        return 0.0
    places = floor(spare / unit)
    # A day that alone exceeds the budget has no place: it is what is missing to one.
    fitting = Counter(round(each / unit) for each in behind if each <= spare)
    within = np.zeros(places + 1)
    within[0] = 1.0
    for _ in range(days_left):
        before, within = within, np.zeros(places + 1)
        for size, days in fitting.items():
            if size <= places:
                within[size:] += before[: places + 1 - size] * (days / len(behind))
    return float(min(max(1.0 - within.sum(), 0.0), 1.0))


def _measure(days: Sequence[Fraction], least: Fraction) -> Fraction:
    """The greatest minutes of which every day is a whole multiple, but no fewer than ``least``."""
    found = Fraction(0)
    for each in days:
        below = found.denominator * each.denominator
        found = Fraction(gcd(int(found * below), int(each * below)), below)
        if found and found < least:
            return least
    return max(found, least)
