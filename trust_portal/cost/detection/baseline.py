"""What a series is expected to show now: hour of week, hour of day or recent level.

Which of the three is decided by the series: the finer one is used as soon as it has predicted
this series clearly better lately. Before there is history that is the recent level; a series
without season stays with it. All learning is winsorised, so that one wild sample moves an
expectation by no more than an ordinary one could.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Slots, Vector, rate


@dataclass(slots=True)
class Baseline:
    """State of N series. Profiles are ``(slots, N)``, ``errors`` is ``(3, N)``, the rest ``(N,)``."""

    level: Vector
    day: Vector
    day_seen: Vector
    week: Vector
    week_seen: Vector
    errors: Vector  #: recent absolute error of level, day and week
    scale: Vector  #: mean absolute residual
    slot_scale: Vector  #: the same per slot of day: business hours are noisier than nights
    bias: Vector  #: mean residual outside anomalies: what winsorising hides of a skewed series
    usual: Vector  #: mean of the samples outside anomalies, rare bursts included


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one step expects, before it has learned from the sample."""

    value: Vector
    scale: Vector  #: how far off an ordinary sample is
    reach: Vector  #: how far a sample may pull what is learned; infinite at first
    candidates: Vector  #: ``(3, N)``: level, day, week


def blank(series: int, cadence: Cadence) -> Baseline:
    """Nothing known yet."""

    def zeros(*shape: int) -> Vector:
        return np.zeros((*shape, series))

    slots = cadence.slots
    return Baseline(
        level=np.full(series, np.nan),
        day=zeros(slots),
        day_seen=zeros(slots),
        week=zeros(7 * slots),
        week_seen=zeros(7 * slots),
        errors=zeros(3),
        scale=zeros(),
        slot_scale=zeros(slots),
        bias=zeros(),
        usual=zeros(),
    )


def expect(
    state: Baseline, at: Slots, values: Vector, young: Flags, cadence: Cadence, tuning: Tuning
) -> Expectation:
    """The expectation for one sample of each series; the first sample of a series expects itself."""
    enough = cadence.per_slot
    level = np.where(np.isnan(state.level), values, state.level)
    has_day, has_week = state.day_seen[at.day] >= enough, state.week_seen[at.week] >= enough
    day = np.where(has_day, state.day[at.day], level)
    week = np.where(has_week, state.week[at.week], day)
    use_day = has_day & (state.errors[1] < state.errors[0] * tuning.day_must_beat)
    error = np.where(use_day, state.errors[1], state.errors[0])
    use_week = has_week & (state.errors[2] < error * tuning.week_must_beat)
    value = np.where(use_week, week, np.where(use_day, day, level))
    floor = 1e-9 + tuning.scale_floor * np.abs(value)
    known = (use_day | use_week) & (state.day_seen[at.day] >= 2 * enough)
    scale = np.where(known, (state.scale + state.slot_scale[at.day]) / 2, state.scale)
    reach = np.where(young, np.inf, tuning.winsor * np.maximum(state.scale, floor))
    return Expectation(value, np.maximum(scale, floor), reach, np.stack([level, day, week]))


def learn(
    state: Baseline,
    at: Slots,
    values: Vector,
    expected: Expectation,
    seen: Vector,
    weight: Vector,
    ordinary: Flags,
    cadence: Cadence,
    tuning: Tuning,
) -> None:
    """Take the samples in. ``weight`` is 0 for an absent sample, less than 1 while an episode is open.

    ``ordinary`` says which samples are not part of an anomaly.
    """
    present = weight > 0
    reach = expected.reach
    residual = np.minimum(np.abs(values - expected.value), reach)
    errors = np.minimum(np.abs(values - expected.candidates), reach)
    state.errors += np.where(present, rate(cadence.samples(days=1, at_least=24)), 0.0) * (
        errors - state.errors
    )

    slow = np.where(
        present, np.maximum(rate(cadence.samples(days=tuning.scale_days, at_least=168)), 1 / (seen + 1)), 0.0
    )
    state.scale += slow * (residual - state.scale)
    state.bias += slow * np.where(ordinary, values - expected.value - state.bias, 0.0)
    state.usual += slow * np.where(ordinary, values - state.usual, 0.0)

    quick = np.maximum(2 / (tuning.level_samples + 1), 1 / (seen + 1)) * weight
    state.level = np.where(present, expected.candidates[0], state.level)
    state.level += quick * np.clip(np.where(present, values - state.level, 0.0), -reach, reach)

    day_rate = np.where(
        present, 1 / np.minimum(state.day_seen[at.day] + 1, tuning.day_memory * cadence.per_slot), 0.0
    )
    state.slot_scale[at.day] += day_rate * (residual - state.slot_scale[at.day])
    _learn_slot(state.day, state.day_seen, at.day, values, reach, weight, tuning.day_memory, cadence)
    _learn_slot(state.week, state.week_seen, at.week, values, reach, weight, tuning.week_memory, cadence)


def _learn_slot(
    profile: Vector,
    visits: Vector,
    slot: int,
    values: Vector,
    reach: Vector,
    weight: Vector,
    memory: float,
    cadence: Cadence,
) -> None:
    """A mean over the last ``memory`` days (weeks), plain for the first two and winsorised later."""
    seen = visits[slot]
    present = weight > 0
    first = seen == 0
    pull = np.where(first, values, values - profile[slot])
    pull = np.where(seen < 2 * cadence.per_slot, pull, np.clip(pull, -reach, reach))
    step = np.where(first, present, weight / np.minimum(seen + 1, memory * cadence.per_slot))
    profile[slot] += step * np.where(present, pull, 0.0)
    visits[slot] += present
