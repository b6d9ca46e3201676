"""The constants of one version of the detector. Not a tenant's knobs: those are ``thresholds.py``.

They are the same for money by the hour and for any other series at any interval. A change here is
a new version in ``versions.py``, because what was found can only be explained by what found it.
"""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.cost.detection.cadence import Cadence


@dataclass(frozen=True, slots=True)
class Tuning:
    """Windows and memories are in samples unless their name says days; weights are plain factors."""

    # Baseline
    level_samples: int = 48  #: memory of the recent level
    day_memory: int = 4  #: days behind an hour of day
    week_memory: int = 4  #: weeks behind an hour of week
    day_must_beat: float = 0.7  #: the daily profile is used when its error is below this share of the level's
    week_must_beat: float = 0.9
    winsor: float = 4.0  #: a sample pulls what is learned by at most so many ordinary deviations
    scale_days: float = 7.0
    scale_floor: float = 0.005  #: no series is known better than to half a percent
    learn_while_open: float = 0.25  #: how much is learned from samples of an open anomaly

    # Deviation windows and the tail they are measured by
    windows: tuple[int, ...] = (1, 6, 24, 96)
    margins: tuple[float, ...] = (1.5, 1.4, 1.3, 1.3)  #: multiples of the window's habit that are an alarm
    noise_peak: float = 3.0  #: what ordinary noise reaches, in ordinary deviations
    sample_reach: float = 3.0
    block_days: float = 0.25
    block_at_least: int = 6
    half_life_days: float = 14.0
    half_life_samples: float = 1_344.0
    half_life_share: float = 4.0  #: of the history, while that is shorter
    learn_at_most: float = 1.3  #: a block teaches the tail at most this multiple of the alarm's level
    doubt: float = 2.0  #: how much wider the margins are on the first day
    warm_up_days: float = 1.0  #: nothing is raised before (and never before 24 samples)

    # Drift and budget
    drift_share: float = 0.2
    drift_noise: float = 1.0
    burn_windows: tuple[int, int] = (6, 24)
    burn_above_habit: float = 1.25

    # Episodes
    stays_open: float = 0.8  #: share of an alarm's level above which an anomaly goes on
    belongs: float = 0.1  #: share of the peak's residual a sample needs to be part of the anomaly
    quiet_samples: int = 24  #: so many calm samples end it; alarms nearer than that are one anomaly
    absorbed_samples: int = 288  #: a new level is the new normal after that
    excess_margin: float = 1.6  #: the excess must beat what earlier episodes of the series cost
    excess_learn_at_most: float = 1.5
    drop_after_days: float = 14.0  #: who has seen one weekend only knows none
    drop_from: float = (
        0.5  #: an hour expected to lie farther below the mean than this share has nothing to lose
    )

    def warm_up(self, cadence: Cadence) -> float:
        """Samples before anything is raised."""
        return cadence.samples(days=self.warm_up_days, at_least=24)
