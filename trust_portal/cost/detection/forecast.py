"""What a series is expected to show now: three exponential smoothings, averaged by how well they fit.

Forecasts of growing detail (level; with hour of day; with hour of week) are smoothed side by side
(Taylor, Short-term electricity demand forecasting using double seasonal exponential smoothing, 2003)
and weighted by their discounted likelihood on this series (Raftery, Kárný and Ettler, Online prediction
under model uncertainty via dynamic model averaging, 2010). Errors of neighbouring samples are alike, so
the last one says something of the next. Learning is bounded (Gelper, Fried and Croux, Robust
forecasting with exponential and Holt–Winters smoothing, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.vectors import Flags, Slots, Vector, rate


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Memories are in samples unless their name says otherwise."""

    level_samples: float = 96.0
    day_memory: float = 7.0  #: days behind an hour of day
    week_memory: float = 4.0  #: weeks behind an hour of week
    likelihood_samples: float = 168.0  #: how long a good forecast is remembered as one
    scale_days: float = 14.0
    bound: float = 4.0  #: a sample pulls what is learned by at most so many ordinary errors …
    least_reach: float = 0.1  #: … which count for at least this share of what the series usually shows
    most_memory: float = 0.9  #: errors of no series are taken to be more alike than that
    scale_floor: float = 0.02  #: no series is known better than to two percent


@dataclass(slots=True)
class Forecast:
    """State of N series; the candidates are level, day, week. Profiles are what is added to the level."""

    levels: Vector  #: ``(3, N)``: each candidate's own level
    day: Vector  #: ``(slots, N)``
    day_seen: Vector
    week: Vector  #: ``(7 · slots, N)``
    week_seen: Vector
    fit: Vector  #: ``(3, N)``: discounted log-likelihood
    squares: Vector  #: ``(3, N)``: mean square error
    scale: Vector  #: mean absolute error of the mixture
    slot_scale: Vector  #: the same by hour of day, ``(slots, N)``
    last: Vector  #: error of the last sample, in ordinary errors, bounded
    alike: Vector  #: mean product of neighbouring errors …
    power: Vector  #: … and of each with itself
    bias: Vector  #: mean error outside anomalies
    usual: Vector  #: mean sample outside anomalies


@dataclass(frozen=True, slots=True)
class Prediction:
    """``(N,)`` each but ``candidates`` ``(3, N)``; ``following`` is ``structural`` and what the last
    error says of the next. Money is measured from ``structural``, surprise from ``following``.
    """

    candidates: Vector
    structural: Vector
    following: Vector
    scale: Vector  #: how far off an ordinary sample is
    reach: Vector  #: how far a sample may pull what is learned; infinite at first


def blank(series: int, cadence: Cadence) -> Forecast:
    """Nothing known yet."""

    def zeros(*shape: int) -> Vector:
        return np.zeros((*shape, series))

    slots = cadence.slots
    return Forecast(
        levels=np.full((3, series), np.nan),
        day=zeros(slots),
        day_seen=zeros(slots),
        week=zeros(7 * slots),
        week_seen=zeros(7 * slots),
        fit=zeros(3),
        squares=zeros(3),
        scale=zeros(),
        slot_scale=zeros(slots),
        last=zeros(),
        alike=zeros(),
        power=zeros(),
        bias=zeros(),
        usual=zeros(),
    )


def predict(
    state: Forecast, at: Slots, values: Vector, seen: Vector, cadence: Cadence, tuning: Smoothing
) -> Prediction:
    """The distribution of one sample of each series; the first sample of a series predicts itself."""
    visit = cadence.per_slot
    day_seen, week_seen = state.day_seen[at.day], state.week_seen[at.week]
    level, with_day, with_week = np.where(np.isnan(state.levels), values, state.levels)
    day = np.where(day_seen >= visit, state.day[at.day], 0.0)
    week = np.where(week_seen >= visit, state.week[at.week], day)
    candidates = np.stack([level, with_day + day, with_week + week])
    known = np.stack([np.ones_like(day), day_seen >= 2 * visit, week_seen >= 2 * visit])
    # The level is always known, so there is a largest.
    fit = np.where(known > 0, state.fit, -np.inf)
    shares = np.exp(fit - fit.max(axis=0))
    structural = (shares * candidates).sum(axis=0) / shares.sum(axis=0)

    floor = 1e-9 + tuning.scale_floor * np.maximum(np.abs(structural), np.abs(state.usual))
    by_slot = np.where(day_seen >= 3 * visit, (state.scale + state.slot_scale[at.day]) / 2, state.scale)
    scale = np.maximum(by_slot, floor)
    memory = np.clip(state.alike / np.maximum(state.power, 1e-12), 0.0, tuning.most_memory)
    reach = tuning.bound * np.maximum(scale, tuning.least_reach * np.abs(state.usual))
    young = seen < 0.25 * cadence.samples(days=1, at_least=24)
    return Prediction(
        candidates,
        structural,
        structural + memory * state.last * scale,
        scale,
        np.where(young, np.inf, reach),
    )


def learn(
    state: Forecast,
    at: Slots,
    values: Vector,
    said: Prediction,
    seen: Vector,
    weight: Vector,
    ordinary: Flags,
    cadence: Cadence,
    tuning: Smoothing,
) -> None:
    """Take the samples in. ``weight``: 0 for an absent one, less than 1 while an episode is open."""
    present = weight > 0
    pulls = np.where(present, np.clip(values - said.candidates, -said.reach, said.reach), 0.0)
    residual = np.where(present, values - said.structural, 0.0)
    missed = np.clip(residual, -said.reach, said.reach)

    # A normal likelihood of bounded errors: a forecast that only repeats what it saw once doubles the
    # square of its errors, though not their amount.
    square = np.maximum(state.squares, (1e-9 + tuning.scale_floor * np.abs(said.structural)) ** 2)
    kept = np.exp(-1 / tuning.likelihood_samples)
    fit = kept * state.fit - (np.log(square) + pulls**2 / square) / 2
    state.fit = np.where(present, fit, state.fit)

    days = cadence.samples(days=tuning.scale_days, at_least=336)
    slow = np.where(present, np.maximum(rate(days), 1 / (seen + 1)), 0.0)
    state.squares += slow * (pulls**2 - state.squares)
    state.scale += slow * (np.abs(missed) - state.scale)
    state.bias += slow * np.where(ordinary, residual - state.bias, 0.0)
    state.usual += slow * np.where(ordinary, values - state.usual, 0.0)
    error = np.clip(residual / said.scale, -_NEIGHBOURLY, _NEIGHBOURLY)
    state.alike += slow * (error * state.last - state.alike)
    state.power += slow * (error * error - state.power)
    state.last = np.where(present, error, state.last)

    quick = np.maximum(2 / (tuning.level_samples + 1), 1 / (seen + 1)) * weight
    fresh = np.isnan(state.levels)
    state.levels = np.where(fresh & present, values, state.levels)
    state.levels += np.where(fresh, 0.0, quick * pulls)
    day_memory, week_memory = tuning.day_memory * cadence.per_slot, tuning.week_memory * cadence.per_slot
    by_day = weight / np.minimum(state.day_seen[at.day] + 1, day_memory)
    by_week = weight / np.minimum(state.week_seen[at.week] + 1, week_memory)
    state.slot_scale[at.day] += present * by_day * (np.abs(missed) - state.slot_scale[at.day])
    # An hour of the week that is new starts from its hour of day.
    unseen = present & (state.week_seen[at.week] == 0)
    state.week[at.week] = np.where(unseen, state.day[at.day], state.week[at.week]) + by_week * pulls[2]
    state.day[at.day] += by_day * pulls[1]
    state.day_seen[at.day] += present
    state.week_seen[at.week] += present


#: One wild error says no more of the next than this many ordinary ones.
_NEIGHBOURLY = 2.0
