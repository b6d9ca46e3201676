"""Scale from the series' own tail: what its windows reach by themselves, half a day in, half a day out.

A mean deviation describes the middle of a distribution and says little of a bursty series' ends.
So for every window and direction the largest values of past blocks are kept, forgotten slowly,
and a deviation is measured in units of those. One outlier must not blind the detector: what is
learned from a block is at most a little more than what would have been an alarm. What comes back
again and again becomes a habit within days, and is no longer reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Vector

_KEPT = 3
_USED = 2


@dataclass(slots=True)
class Tail:
    """Axes: window, direction (up, down), [rank,] series. In units of the ordinary deviation."""

    peaks: Vector
    block: Vector  #: largest of the block under way


def blank(series: int, tuning: Tuning) -> Tail:
    windows = len(tuning.windows)
    return Tail(np.zeros((windows, 2, _KEPT, series)), np.zeros((windows, 2, series)))


def block_length(cadence: Cadence, tuning: Tuning) -> int:
    """Samples of a block."""
    return max(tuning.block_at_least, round(cadence.samples(days=tuning.block_days)))


def level(state: Tail, tuning: Tuning) -> Vector:
    """What each window reaches by habit, at least what independent noise would make it reach."""
    gain = np.array([2 / (window + 1) for window in tuning.windows])
    noise = tuning.noise_peak * np.sqrt(gain / (2 - gain))
    habit: Vector = state.peaks[:, :, :_USED].mean(axis=2)
    least: Vector = noise[:, None, None]
    return np.asarray(np.maximum(habit, least))


def bound(state: Tail, tuning: Tuning) -> tuple[Vector, Vector]:
    """How far down and up one sample may move the windows: a few of its own largest deviations."""
    most = tuning.sample_reach * np.maximum(state.peaks[0, :, 0], tuning.noise_peak)
    return -most[1], most[0]


def margin(seen: Vector, cadence: Cadence, tuning: Tuning) -> Vector:
    """How many times its habit a window must reach; more while few blocks are known."""
    blocks = np.maximum(np.floor(seen / block_length(cadence, tuning)), 1.0)
    doubt = 1.0 + tuning.doubt * cadence.per_day / block_length(cadence, tuning) / blocks
    over = np.array(tuning.margins) - 1.0
    return np.asarray(1.0 + over[:, None, None] * doubt)


def half_life(seen: Vector, cadence: Cadence, tuning: Tuning) -> Vector:
    """Samples after which half of a habit is forgotten.

    A young series' memory is no longer than its history: its first surprises were our ignorance.
    """
    longest = cadence.samples(days=tuning.half_life_days, at_least=tuning.half_life_samples)
    return np.asarray(np.minimum(longest, tuning.half_life_share * (seen + 1)))


def learn(
    state: Tail,
    reached: Vector,
    alarm_at: Vector,
    seen: Vector,
    present: Flags,
    young: Flags,
    cadence: Cadence,
    tuning: Tuning,
) -> None:
    """Take one step's windows in. ``seen`` counts the samples before this one."""
    limit = np.where(young, np.inf, tuning.learn_at_most * alarm_at)
    counts = present & (seen > 0.1 * cadence.per_day)
    state.block = np.maximum(state.block, np.where(counts, np.minimum(reached, limit), 0.0))
    length = block_length(cadence, tuning)
    full = present & ((seen + 1) % length == 0)
    if not full.any():
        return
    aged = state.peaks * 0.5 ** (length / half_life(seen, cadence, tuning))
    ranked = np.sort(np.concatenate([aged, state.block[:, :, None]], axis=2), axis=2)[:, :, : -_KEPT - 1 : -1]
    state.peaks = np.where(full, ranked, state.peaks)
    state.block = np.where(full, 0.0, state.block)
