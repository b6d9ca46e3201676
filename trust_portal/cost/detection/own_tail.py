"""The method ``own-tail``: a seasonal baseline, deviations over several windows, the series' own tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection import baseline, tail, windows
from trust_portal.cost.detection.baseline import Expectation
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.method import Moment, Opinion
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.cost.detection.vectors import Flags, Vector


@dataclass(slots=True)
class OwnTailState:
    """The parts are described where they live."""

    baseline: baseline.Baseline
    deviations: Vector  #: ``(windows, N)``: weighted mean deviation per window
    tail: tail.Tail


@dataclass(frozen=True, slots=True)
class _Detail:
    expectation: Expectation
    reached: Vector
    alarm_at: Vector


@dataclass(frozen=True, slots=True)
class OwnTail:
    """A sample is unusual when a window reaches farther than the series' windows do by habit."""

    tuning: Tuning

    def blank(self, series: int, cadence: Cadence) -> OwnTailState:
        return OwnTailState(
            baseline.blank(series, cadence),
            windows.blank(series, self.tuning),
            tail.blank(series, self.tuning),
        )

    def stand_in(self, state: OwnTailState) -> Vector:
        return np.nan_to_num(state.baseline.level)

    def expect(self, state: OwnTailState, moment: Moment) -> Vector:
        return self._expectation(state, moment).value + state.baseline.bias

    def judge(self, state: OwnTailState, moment: Moment) -> Opinion:
        tuning = self.tuning
        expected = self._expectation(state, moment)
        residual = np.where(moment.present, moment.values - expected.value, 0.0)
        state.deviations = windows.advance(
            state.deviations,
            residual / expected.scale,
            tail.bound(state.tail, tuning),
            moment.present,
            tuning,
        )
        reached = np.stack([state.deviations, -state.deviations], axis=1)
        alarm_at = tail.level(state.tail, tuning) * tail.margin(moment.seen, moment.cadence, tuning)
        return Opinion(
            expected=expected.value,
            bias=state.baseline.bias,
            reach=expected.reach,
            scale=state.baseline.scale,
            usual=state.baseline.usual,
            ratios=(reached / alarm_at).max(axis=0),
            detail=_Detail(expected, reached, alarm_at),
        )

    def learn(
        self, state: OwnTailState, moment: Moment, opinion: Opinion, weight: Vector, ordinary: Flags
    ) -> None:
        detail, cadence, tuning = opinion.detail, moment.cadence, self.tuning
        young = moment.seen < tuning.warm_up(cadence)
        tail.learn(
            state.tail, detail.reached, detail.alarm_at, moment.seen, moment.present, young, cadence, tuning
        )
        baseline.learn(
            state.baseline,
            moment.slots,
            moment.values,
            detail.expectation,
            moment.seen,
            weight,
            ordinary,
            cadence,
            tuning,
        )

    def _expectation(self, state: OwnTailState, moment: Moment) -> Expectation:
        young = moment.seen < 0.25 * self.tuning.warm_up(moment.cadence)
        return baseline.expect(
            state.baseline, moment.slots, moment.values, young, moment.cadence, self.tuning
        )
