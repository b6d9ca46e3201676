"""From alarms of one direction to anomalies: open on suspicion, raise when it is worth money, merge, end, absorb.

An episode opens with the first alarm. It is *raised* (and only then is an anomaly) when its
excess reaches the thresholds and beats what earlier episodes of this series came to by habit. It
ends after a time of calm, or when the new level has lasted long enough to be the new normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.model import Reason
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import NEVER, Flags, Instants, Vector

REASONS = (Reason.DEVIATION, Reason.DRIFT, Reason.BUDGET)


@dataclass(slots=True)
class Episodes:
    """The current or last episode of each of N series."""

    open: Flags
    raised: Flags
    reason: Vector  #: index into ``REASONS``
    quiet: Vector  #: calm samples since the last unusual one
    age: Vector  #: samples since it opened
    impact: Vector  #: excess so far, in the direction of the sign, never below 0
    worth: Vector  #: impact at which it was worth raising
    habit: Vector  #: largest impact of earlier episodes, slowly forgotten
    score: Vector
    expected: Vector  #: sums up to the last unusual sample …
    actual: Vector
    expected_running: Vector  #: … and up to now
    actual_running: Vector
    farthest: Vector  #: residual of the peak
    start: Instants
    peak: Instants
    last: Instants
    detected: Instants


@dataclass(frozen=True, slots=True)
class Alarm:
    """What one step says of each series: how loud, seen by which watch."""

    ratio: Vector
    reason: Vector
    residual: Vector  #: actual − expected of the sample, for drift against the month before


def blank(series: int) -> Episodes:
    def zeros() -> Vector:
        return np.zeros(series)

    def never() -> Instants:
        return np.full(series, NEVER)

    return Episodes(
        open=np.zeros(series, dtype=bool),
        raised=np.zeros(series, dtype=bool),
        reason=zeros(),
        quiet=zeros(),
        age=zeros(),
        impact=zeros(),
        worth=zeros(),
        habit=zeros(),
        score=zeros(),
        expected=zeros(),
        actual=zeros(),
        expected_running=zeros(),
        actual_running=zeros(),
        farthest=zeros(),
        start=never(),
        peak=never(),
        last=never(),
        detected=never(),
    )


def follow(
    state: Episodes,
    sign: int,
    alarm: Alarm,
    values: Vector,
    present: Flags,
    warm: Flags,
    at: int,
    worth: Vector,
    half_life: Vector,
    any_scale: bool,
    tuning: Tuning,
) -> tuple[Flags, Flags]:
    """Take one step's alarms in; answers which series' anomalies were raised and which ended now.

    ``sign``: +1 where dearer is unusual, −1 where cheaper is. ``at`` is the moment in seconds, ``worth``
    the excess that is worth raising at all.
    """
    loud = present & (alarm.ratio >= tuning.stays_open)
    opened = present & (alarm.ratio >= 1.0) & ~state.open
    _open(state, opened, alarm, at)
    state.age = np.where(opened, 0.0, state.age + present)
    counted = state.open & present
    state.impact = np.where(counted, np.maximum(state.impact + sign * alarm.residual, 0.0), state.impact)
    _sum(state, sign, counted, loud, values, alarm, at, tuning)

    worth = np.maximum(worth, tuning.excess_margin * state.habit)
    enough = any_scale | (state.impact >= worth)
    raised = state.open & ~state.raised & loud & warm & enough
    state.raised |= raised
    state.worth = np.where(raised, worth, state.worth)
    state.detected = np.where(raised, at, state.detected)

    state.quiet = np.where(loud, 0.0, state.quiet + present)
    absorbed = state.age > tuning.absorbed_samples
    ended = counted & ((state.quiet >= tuning.quiet_samples) | absorbed)
    state.habit = np.where(present, state.habit * 0.5 ** (1 / half_life), state.habit)
    lesson = np.where(
        state.raised, np.minimum(state.impact, tuning.excess_learn_at_most * worth), state.impact
    )
    state.habit = np.where(ended, np.maximum(state.habit, lesson), state.habit)
    ended_anomaly = ended & state.raised
    state.open &= ~ended
    state.raised &= ~ended
    return raised, ended_anomaly


def _open(state: Episodes, opened: Flags, alarm: Alarm, at: int) -> None:
    if not opened.any():
        return
    state.open |= opened
    state.reason = np.where(opened, alarm.reason, state.reason)
    state.start = np.where(opened, at, state.start)
    state.peak = np.where(opened, at, state.peak)
    state.last = np.where(opened, NEVER, state.last)
    for sums in (state.impact, state.score, state.expected, state.actual, state.worth):
        sums[opened] = 0.0
    for sums in (state.expected_running, state.actual_running):
        sums[opened] = 0.0
    state.farthest = np.where(opened, -np.inf, state.farthest)


def _sum(
    state: Episodes,
    sign: int,
    counted: Flags,
    loud: Flags,
    values: Vector,
    alarm: Alarm,
    at: int,
    tuning: Tuning,
) -> None:
    state.actual_running += np.where(counted, values, 0.0)
    state.expected_running += np.where(counted, values - alarm.residual, 0.0)
    farthest = np.maximum(state.farthest, 0.0)
    unusual = counted & loud & (sign * alarm.residual >= tuning.belongs * farthest)
    unusual |= counted & (state.last == NEVER)
    state.actual = np.where(unusual, state.actual_running, state.actual)
    state.expected = np.where(unusual, state.expected_running, state.expected)
    state.last = np.where(unusual, at, state.last)
    state.score = np.where(counted & loud, np.maximum(state.score, alarm.ratio), state.score)
    farther = counted & loud & (sign * alarm.residual > state.farthest)
    state.farthest = np.where(farther, sign * alarm.residual, state.farthest)
    state.peak = np.where(farther, at, state.peak)
