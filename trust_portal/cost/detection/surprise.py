"""How improbable a sample is for this series, and how that adds up over time.

*Tail.* Beyond a threshold that ``share`` of the samples exceed, excesses are taken to fall off
exponentially: the threshold and the mean excess are tracked for each series and direction (peaks over
threshold: Siffer et al., Anomaly detection in streams with extreme value theory, KDD 2017). That makes
every sample a probability: the predictive one, whose tail is the heavier the fewer excesses are known.

*Evidence.* A probability p becomes a bet κ·p^(κ−1), whose mean is 1 while nothing changes (Vovk, 1993).
Bets are multiplied, and begun anew whenever they come to less than 1, as CUSUM does; so by chance alone
the product reaches B no more than once in B samples (e-detectors: Shin, Ramdas and Rinaldo, 2023). One
bet is for the improbable hour, one for many hours that are each only odd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection.vectors import Flags, Vector


@dataclass(frozen=True, slots=True)
class Betting:
    """``stakes`` are the κ. ``once_in``: in so many samples of one series chance alone may raise one alarm."""

    share: float = 0.05
    stakes: tuple[float, ...] = (0.1, 0.3)
    once_in: float = 8_760.0  #: a year of hours
    most_evidence: float = 1.5  #: multiple of an alarm's; what is certain must be forgotten again, too
    tail_samples: float = 2_000.0  #: memory of threshold and mean excess
    start: float = 2.6  #: threshold of a series not known yet, in mean absolute errors
    least_excess: float = 0.35  #: mean excess, in mean absolute errors, that no tail is thinner than
    known_excesses: float = 3.0  #: how many excesses the first guess of the tail is worth
    silent_days: float = 3.0  #: for so long a new series is all surprise, and nobody bets
    most_excess: float = 6.0  #: one sample teaches no more than so many mean excesses


@dataclass(slots=True)
class Surprise:
    """``(2, N)``: dearer, cheaper; ``evidence`` is ``(stakes, 2, N)``: logarithms, never below 0."""

    threshold: Vector
    excess: Vector
    excesses: Vector  #: how many samples the mean excess rests on
    evidence: Vector


def blank(series: int, tuning: Betting) -> Surprise:
    return Surprise(
        threshold=np.full((2, series), tuning.start),
        excess=np.ones((2, series)),
        excesses=np.zeros((2, series)),
        evidence=np.zeros((len(tuning.stakes), 2, series)),
    )


def log_chance(state: Surprise, errors: Vector, tuning: Betting) -> Vector:
    """``(2, N)``: log of the chance of an error at least as large; 0 for all below the threshold."""
    beyond = (np.stack([errors, -errors]) - state.threshold) / state.excess
    rests_on = state.excesses + tuning.known_excesses
    tail = rests_on * np.log1p(np.maximum(beyond, 0.0) / rests_on)
    return np.where(beyond > 0, np.log(tuning.share) - tail, 0.0)


def bet(state: Surprise, errors: Vector, known: Flags, tuning: Betting) -> Vector:
    """Advance the evidence of ``known`` samples; ``(2, N)``: all there is, as a multiple of an alarm's."""
    chance = log_chance(state, errors, tuning)
    alarm_at = np.log(tuning.once_in)
    for evidence, stake in zip(state.evidence, tuning.stakes, strict=True):
        # Below the threshold every probability is worth the bet's mean there.
        ordinary = np.log((1 - tuning.share**stake) / (1 - tuning.share))
        won = np.where(chance < 0, np.log(stake) + (stake - 1) * chance, ordinary)
        after = np.clip(evidence + won, 0.0, tuning.most_evidence * alarm_at)
        evidence[:] = np.where(known, after, evidence)
    # The mean of bets is a bet.
    return np.asarray(np.log(np.exp(state.evidence).mean(axis=0)) / alarm_at)


def learn(state: Surprise, errors: Vector, seen: Vector, weight: Vector, tuning: Betting) -> None:
    """Follow the quantile (Robbins and Monro, 1951) and the mean excess."""
    both = np.stack([errors, -errors])
    over = both > state.threshold
    pace = 40.0 * state.excess * weight * np.maximum(1 / (seen + 20), 1 / tuning.tail_samples)
    state.threshold += np.where(over, 1 - tuning.share, -tuning.share) * pace
    np.maximum(state.threshold, 0.2, out=state.threshold)
    beyond = np.minimum(both - state.threshold, tuning.most_excess * state.excess)
    rests_on = state.excesses + tuning.known_excesses
    state.excess += np.where(over, weight / rests_on * (beyond - state.excess), 0.0)
    np.maximum(state.excess, tuning.least_excess, out=state.excess)
    state.excesses = np.minimum(state.excesses + over * weight, tuning.tail_samples * tuning.share)
