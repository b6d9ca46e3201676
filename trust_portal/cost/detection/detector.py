"""The streaming detector: one step per moment over all series at once; nothing later ever counts.

A step expects, compares, decides and only then learns. The state is arrays with the series last,
so forty thousand series cost hardly more Python than one. The same samples in the same order give
the same state and the same anomalies, wherever the replay starts (``snapshot.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from trust_portal.cost.detection import baseline, budget, drift, episodes, tail, windows
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.episodes import REASONS, Alarm
from trust_portal.cost.detection.model import Anomaly, Direction, severity_of
from trust_portal.cost.detection.thresholds import Limits
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Slots, Vector
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version
from trust_portal.errors import InvalidInput


@dataclass(slots=True)
class DetectorState:
    """Everything the detector remembers of N series; the parts are described where they live."""

    seen: Vector  #: samples so far
    at: int  #: moment of the last step, seconds since 1970 UTC
    baseline: baseline.Baseline
    deviations: Vector  #: ``(windows, N)``: weighted mean deviation per window
    tail: tail.Tail
    drift: drift.Drift
    burn: budget.Burn
    episodes: episodes.Episodes


@dataclass(frozen=True, slots=True)
class Found:
    """Indexes of the series whose anomaly was raised, or ended, in one step."""

    raised: tuple[int, ...]
    ended: tuple[int, ...]


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
        state, cadence, tuning = self.state, self.cadence, self.version.tuning
        moment = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        if moment < state.at:
            raise InvalidInput("samples never go back in time", field="time")
        slots = Slots(*cadence.slot(at))
        present = np.isfinite(values)
        warm_up = cadence.samples(days=tuning.warm_up_days, at_least=24)
        young, warm = state.seen < 0.25 * warm_up, state.seen >= warm_up
        values = np.where(present, values, np.nan_to_num(state.baseline.level))

        expected = baseline.expect(state.baseline, slots, values, young, cadence, tuning)
        residual = np.where(present, values - expected.value, 0.0)
        state.deviations = windows.advance(
            state.deviations, residual / expected.scale, tail.bound(state.tail, tuning), present, tuning
        )
        reached = np.stack([state.deviations, -state.deviations], axis=1)
        alarm_at = tail.level(state.tail, tuning) * tail.margin(state.seen, cadence, tuning)
        budget.learn(state.burn, values, expected.value, present, state.seen, tuning)
        money = np.where(present, residual - state.baseline.bias, 0.0)
        alarm = self._alarm(reached / alarm_at, money, limits, budgets, tuning)
        half_life = tail.half_life(state.seen, cadence, tuning)
        daily = np.maximum(state.baseline.usual, 0.0) * cadence.per_day
        raised, ended = episodes.follow(
            state.episodes, alarm, values, present, warm, moment, daily, half_life, limits, tuning
        )
        drift.forget(state.drift, ended, cadence)

        drift.learn(
            state.drift,
            np.clip(values, expected.value - expected.reach, expected.value + expected.reach),
            present,
            cadence,
        )
        weight = present * np.where(state.episodes.open, tuning.learn_while_open, 1.0)
        tail.learn(state.tail, reached, alarm_at, state.seen, present, state.seen < warm_up, cadence, tuning)
        baseline.learn(
            state.baseline,
            slots,
            values,
            expected,
            state.seen,
            weight,
            ~state.episodes.raised,
            cadence,
            tuning,
        )
        state.seen = state.seen + present
        state.at = moment
        return Found(_indexes(raised), _indexes(ended))

    def _alarm(
        self, ratios: Vector, residual: Vector, limits: Limits, budgets: Vector | None, tuning: Tuning
    ) -> Alarm:
        """The loudest of the three watches for each series."""
        state = self.state
        up, down = ratios[:, 0].max(axis=0), ratios[:, 1].max(axis=0)
        drifting = drift.ratio(state.drift, state.baseline.scale, self.cadence, tuning)
        if not limits.drops:
            down, drifting = np.full_like(down, -np.inf), np.maximum(drifting, 0.0)
        deviation = np.maximum(up, down)
        burning = (
            np.zeros(self.series)
            if budgets is None
            else budget.ratio(state.burn, budgets, limits.burn_rate, tuning)
        )
        watches = np.stack([deviation * limits.sensitivity, np.abs(drifting) * limits.sensitivity, burning])
        sign = np.stack([np.where(up >= down, 1.0, -1.0), np.sign(drifting), np.ones(self.series)])
        loudest = watches.argmax(axis=0)
        each = np.arange(self.series)
        lead = drift.lead(state.drift)
        slow = np.abs(drifting) >= tuning.stays_open
        farther = sign[loudest, each] * (lead - residual) > 0
        return Alarm(
            watches[loudest, each],
            sign[loudest, each],
            loudest.astype(np.float64),
            np.where(slow & farther, lead, residual),
        )

    def anomaly(self, series: int) -> Anomaly:
        """The anomaly of ``series`` that is open, or the one that ended last, as it stands now."""
        state = self.state.episodes
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
            severity=severity_of(times),
            direction=Direction(int(state.sign[series])),
            reason=REASONS[int(state.reason[series])],
        )


def blank_state(series: int, cadence: Cadence, version: Version) -> DetectorState:
    """The memory of a detector that has seen nothing."""
    tuning = version.tuning
    return DetectorState(
        seen=np.zeros(series),
        at=-(2**62),
        baseline=baseline.blank(series, cadence),
        deviations=windows.blank(series, tuning),
        tail=tail.blank(series, tuning),
        drift=drift.blank(series),
        burn=budget.blank(series),
        episodes=episodes.blank(series),
    )


def _indexes(flags: Flags) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(flags))


def _instant(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
