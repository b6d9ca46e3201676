"""The streaming detector: one step per moment over all series at once; nothing later ever counts.

A step expects, compares, decides and only then learns. The state is arrays with the series last,
so forty thousand series cost hardly more Python than one. The same samples in the same order give
the same state and the same anomalies, wherever the replay starts (``snapshot.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from trust_portal.cost.detection import budget, drift, episodes, tail
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.episodes import REASONS, Alarm, Episodes
from trust_portal.cost.detection.method import Moment, Opinion
from trust_portal.cost.detection.model import Anomaly, Direction, severity_of
from trust_portal.cost.detection.thresholds import Limits
from trust_portal.cost.detection.vectors import Flags, Slots, Vector
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version
from trust_portal.errors import InvalidInput


@dataclass(slots=True)
class DetectorState:
    """Everything the detector remembers of N series; the parts are described where they live."""

    seen: Vector  #: samples so far
    at: int  #: moment of the last step, seconds since 1970 UTC
    method: Any  #: what the version's method remembers
    drift: drift.Drift
    burn: budget.Burn
    episodes: Episodes  #: of spending more
    drops: Episodes  #: of spending less; one hides nothing of the other


@dataclass(frozen=True, slots=True)
class Found:
    """The series whose anomaly was raised, or ended, in one step: their indexes, and dearer or cheaper."""

    raised: tuple[tuple[int, Direction], ...]
    ended: tuple[tuple[int, Direction], ...]


class Detector:
    """One version of the detector over ``series`` series of one cadence."""

    def __init__(
        self,
        series: int,
        cadence: Cadence | None = None,
        version: Version = INSTALLED_VERSION,
        state: DetectorState | None = None,
    ) -> None:
        self.series = series
        self.cadence = cadence or Cadence()
        self.version = version
        self.state = state or blank_state(series, self.cadence, version)

    def step(self, at: datetime, values: Vector, limits: Limits, budgets: Vector | None = None) -> Found:
        """Take in the samples of one moment.

        ``values`` has one number per series, NaN where there is no sample: that series then does
        not change. ``budgets`` is what may be spent per sample, NaN where there is no budget.
        Steps never go back in time; for a correction restore a snapshot and replay.
        """
        state, cadence, tuning, method = self.state, self.cadence, self.version.tuning, self.version.method
        second = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        if second < state.at:
            raise InvalidInput("samples never go back in time", field="time")
        moment = self._moment(at, values)
        values, present = moment.values, moment.present
        opinion = method.judge(state.method, moment)
        residual = np.where(present, values - opinion.expected, 0.0)
        budget.learn(state.burn, values, opinion.expected, present, state.seen, tuning)
        money = np.where(present, residual - opinion.bias, 0.0)
        warm = state.seen >= tuning.warm_up(cadence)
        half_life = tail.half_life(state.seen, cadence, tuning)
        daily = np.maximum(opinion.usual, 0.0) * cadence.per_day
        worth = np.maximum(limits.min_impact, limits.min_day_share * daily)
        raised: list[tuple[int, Direction]] = []
        ended: list[tuple[int, Direction]] = []
        for direction in Direction:
            dearer = direction is Direction.UP
            alarm = self._alarm(direction, opinion, money, limits, budgets if dearer else None)
            ready = warm if dearer else warm & self._may_drop(opinion, any_scale=limits.any_scale)
            found = episodes.follow(
                self._episodes(direction), direction.sign, alarm, values, present, ready, second,
                worth if dearer else worth * limits.drop_impact, half_life, limits.any_scale, tuning,
            )  # fmt: skip
            drift.forget(state.drift, found[1], cadence)
            for flags, known in zip(found, (raised, ended), strict=True):
                known += [(int(index), direction) for index in np.flatnonzero(flags)]
        clipped = np.clip(values, opinion.expected - opinion.reach, opinion.expected + opinion.reach)
        drift.learn(state.drift, clipped, present, cadence)
        # A mere suspicion of a drop teaches nothing: what is spent less is seldom missed for long.
        slowly = state.episodes.open | state.drops.raised
        weight = np.where(slowly, tuning.learn_while_open, 1.0) * present
        method.learn(state.method, moment, opinion, weight, ~(state.episodes.raised | state.drops.raised))
        state.seen = state.seen + present
        state.at = second
        return Found(tuple(raised), tuple(ended))

    def expect(self, at: datetime, values: Vector) -> Vector:
        """What ``step`` with the same samples would expect of them; rare bursts count with their mean."""
        return self.version.method.expect(self.state.method, self._moment(at, values))

    def _moment(self, at: datetime, values: Vector) -> Moment:
        present = np.isfinite(values)
        return Moment(
            slots=Slots(*self.cadence.slot(at)),
            values=np.where(present, values, self.version.method.stand_in(self.state.method)),
            present=present,
            seen=self.state.seen,
            cadence=self.cadence,
        )

    def _alarm(
        self,
        direction: Direction,
        opinion: Opinion,
        residual: Vector,
        limits: Limits,
        budgets: Vector | None,
    ) -> Alarm:
        """The loudest of the three watches for each series, of those that look in ``direction``."""
        state, tuning = self.state, self.version.tuning
        deviation = opinion.ratios[0 if direction is Direction.UP else 1]
        drifting = drift.ratio(state.drift, opinion.scale, self.cadence, tuning)
        drifting = np.maximum(direction.sign * drifting, 0.0)
        burning = (
            np.zeros(self.series)
            if budgets is None
            else budget.ratio(state.burn, budgets, limits.burn_rate, tuning)
        )
        watches = np.stack([deviation * limits.sensitivity, drifting * limits.sensitivity, burning])
        loudest = watches.argmax(axis=0)
        lead = drift.lead(state.drift)
        slow = drifting >= tuning.stays_open
        farther = direction.sign * (lead - residual) > 0
        return Alarm(
            watches[loudest, np.arange(self.series)],
            loudest.astype(np.float64),
            np.where(slow & farther, lead, residual),
        )

    def _may_drop(self, opinion: Opinion, *, any_scale: bool) -> Flags:
        """While more is spent than usual, less in between is part of the same restlessness; where bursts are all
        there is, one that stays away is no news; nor is money's first weekend.
        """
        tuning = self.version.tuning
        ordinary = opinion.usual - tuning.drop_from * np.abs(opinion.usual)
        known = any_scale | (self.state.seen >= self.cadence.samples(days=tuning.drop_after_days))
        return ~self.state.episodes.raised & (opinion.expected >= ordinary) & known

    def _episodes(self, direction: Direction) -> Episodes:
        return self.state.episodes if direction is Direction.UP else self.state.drops

    def open_anomalies(self) -> list[tuple[int, Direction]]:
        """Whose anomalies go on."""
        return [
            (int(index), direction)
            for direction in Direction
            for index in np.flatnonzero(self._episodes(direction).raised)
        ]

    def last(self, series: int, direction: Direction) -> datetime:
        """The last unusual sample of what ``anomaly`` tells."""
        return _instant(self._episodes(direction).last[series])

    def anomaly(self, series: int, direction: Direction = Direction.UP) -> Anomaly:
        """The anomaly of ``series`` that is open, or the one that ended last, as it stands now."""
        state = self._episodes(direction)
        worth, score = float(state.worth[series]), float(state.score[series])
        times = float(state.impact[series]) / worth if worth > 0 else score
        return Anomaly(
            detector=self.version.detector,
            detected_at=_instant(state.detected[series]),
            start=_instant(state.start[series]),
            peak=_instant(state.peak[series]),
            end=None if state.open[series] else _instant(state.last[series]),
            expected=float(state.expected[series]),
            actual=float(state.actual[series]),
            score=score,
            severity=severity_of(times, direction),
            direction=direction,
            reason=REASONS[int(state.reason[series])],
        )


def blank_state(series: int, cadence: Cadence, version: Version) -> DetectorState:
    """The memory of a detector that has seen nothing."""
    return DetectorState(
        seen=np.zeros(series),
        at=-(2**62),
        method=version.method.blank(series, cadence),
        drift=drift.blank(series),
        burn=budget.blank(series),
        episodes=episodes.blank(series),
        drops=episodes.blank(series),
    )


def _instant(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
