"""Deviation over several windows: a sample, some, a day's worth, days' worth.

A short window sees a spike at once; a long one sees what no single sample shows. Weights fall
exponentially, so a window of *n* samples needs one number and not *n*.
"""

from __future__ import annotations

import numpy as np

from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Vector


def blank(series: int, tuning: Tuning) -> Vector:
    """``(windows, N)`` zeros."""
    return np.zeros((len(tuning.windows), series))


def advance(
    state: Vector, deviation: Vector, bound: tuple[Vector, Vector], present: Flags, tuning: Tuning
) -> Vector:
    """The windows after one more deviation, which counts for no more than ``bound`` allows."""
    gain = np.array([2 / (window + 1) for window in tuning.windows])[:, None]
    news = np.clip(deviation, *bound)
    return np.where(present, state + gain * (news - state), state)
