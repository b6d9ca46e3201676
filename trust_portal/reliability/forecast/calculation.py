"""How likely a promise is to be broken by the end of its period, from the customer's own days. Pure.

The model, whole (docs/credits.md says it in words): a day is the share of it that was bad, in minutes of a
day of 1,440, rounded up; every day to come is one of the days behind, each as likely as any other and
independent of its neighbours. The distribution of the sum is computed, not sampled: it is exact up to
the rounding of IEEE 754 doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Final

import numpy as np

from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.forecast.model import Outlook

MINUTES: Final = 1440
#: With fewer days behind nothing is said; more than these are too long ago.
FEWEST_DAYS: Final = 14
MOST_DAYS: Final = 90


def lost(day: Ratio) -> int:
    """What a day's figure lost, in minutes of 1,440, rounded up."""
    return ceil((1 - day.value) * MINUTES)


def outlook(target: Fraction, so_far: Sequence[int], days_left: int, behind: Sequence[int]) -> Outlook:
    """``so_far`` and ``behind`` are minutes lost by day: of the running period, and of the days it is judged by.

    All days of a period weigh the same; it may lose what the target leaves of them.
    """
    budget = floor((1 - target) * MINUTES * (len(so_far) + days_left))
    used = sum(so_far)
    enough = len(behind) >= FEWEST_DAYS or not days_left or used > budget
    likelihood = breach_probability(behind, days_left, budget - used) if enough else None
    return Outlook(budget, used, days_left, len(behind), likelihood)


def breach_probability(behind: Sequence[int], days_left: int, spare: int) -> float:
    """P(X₁ + … + X_n > spare) for independent Xᵢ, each drawn from ``behind`` with equal chances."""
    if spare < 0:
        return 1.0
    if not days_left:
        return 0.0
    # A day that alone exceeds the budget has no place: it is what is missing to one.
    fitting = [each for each in behind if each <= spare]
    if not fitting:
        return 1.0
    day = np.bincount(fitting) / len(behind)
    within = np.zeros(spare + 1)
    within[0] = 1.0
    for _ in range(days_left):
        within = np.convolve(within, day)[: spare + 1]
    return float(min(max(1.0 - within.sum(), 0.0), 1.0))
