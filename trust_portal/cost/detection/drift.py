"""Slow drift: the last week against the four weeks before it has been reported or become normal.

The baselines follow a leak of a few percent a day and see nothing wrong with it. Two long means
see it: a week's and four weeks'. After an anomaly has been reported both start from where the
series is, so that what was said once is not said again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Vector

_WEEK, _MONTH, _HISTORY = 7, 28, 14


@dataclass(slots=True)
class Drift:
    """Means of the winsorised samples, ``(N,)`` each, and how many samples they rest on."""

    week: Vector
    month: Vector
    seen: Vector


def blank(series: int) -> Drift:
    return Drift(np.zeros(series), np.zeros(series), np.zeros(series))


def lead(state: Drift) -> Vector:
    """By how much the week's mean sample lies above the month's."""
    return state.week - state.month


def ratio(state: Drift, scale: Vector, cadence: Cadence, tuning: Tuning) -> Vector:
    """The lead as a multiple of what is worth a word; 0 before two weeks are known."""
    known = state.seen >= cadence.samples(days=_HISTORY)
    worth = np.maximum(tuning.drift_share * np.abs(state.month), tuning.drift_noise * scale) + 1e-9
    return np.where(known, lead(state) / worth, 0.0)


def learn(state: Drift, values: Vector, present: Flags, cadence: Cadence) -> None:
    """``values`` are winsorised: a spike is no drift."""
    first = 1 / (state.seen + 1)
    week = np.where(present, np.maximum(1 / cadence.samples(days=_WEEK), first), 0.0)
    month = np.where(present, np.maximum(1 / cadence.samples(days=_MONTH), first), 0.0)
    state.week += week * (values - state.week)
    state.month += month * (values - state.month)
    state.seen += present


def forget(state: Drift, reported: Flags, cadence: Cadence) -> None:
    """What was reported is the new normal."""
    state.month = np.where(reported, state.week, state.month)
    state.seen = np.where(reported, np.minimum(state.seen, cadence.samples(days=_WEEK)), state.seen)
