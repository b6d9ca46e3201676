"""Burn rate against a budget: the budget is spent several times too fast, in a short and a long window.

Both windows must agree, so that neither one hour nor a week-old excess raises anything, and the
spending must be above the series' own habit: a budget that was always too small is a matter for
the budget's owner, not news every hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Vector


@dataclass(slots=True)
class Burn:
    """Means of spending over the short and the long window, and of what was expected over the long."""

    short: Vector
    long: Vector
    expected: Vector


def blank(series: int) -> Burn:
    return Burn(np.zeros(series), np.zeros(series), np.zeros(series))


def learn(
    state: Burn, values: Vector, expected: Vector, present: Flags, seen: Vector, tuning: Tuning
) -> None:
    short, long = tuning.burn_windows
    state.short += _step(short, present, seen) * (values - state.short)
    state.long += _step(long, present, seen) * (values - state.long)
    state.expected += _step(long, present, seen) * (expected - state.expected)


def _step(window: int, present: Flags, seen: Vector) -> Vector:
    """Weight of the newest sample: that of a plain mean until the window is full."""
    return np.where(present, np.maximum(2 / (window + 1), 1 / (seen + 1)), 0.0)


def ratio(state: Burn, budget: Vector, limit: Vector, tuning: Tuning) -> Vector:
    """Burn rate as a multiple of ``limit`` (itself a multiple of the budget); 0 without a budget.

    ``budget`` is what may be spent per sample, NaN where none is set.
    """
    news = state.long >= state.expected * tuning.burn_above_habit
    burning = np.minimum(state.short, state.long)
    allowed = np.where(np.isnan(budget) | (budget <= 0), np.inf, budget * limit)
    return np.where(news, burning / allowed, 0.0)
