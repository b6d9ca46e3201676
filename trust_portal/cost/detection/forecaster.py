"""The method ``forecast``: predictive distributions, and evidence against them added up over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trust_portal.cost.detection import forecast, surprise
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.forecast import Prediction, Smoothing
from trust_portal.cost.detection.method import Moment, Opinion
from trust_portal.cost.detection.surprise import Betting
from trust_portal.cost.detection.vectors import Flags, Vector


@dataclass(slots=True)
class ForecasterState:
    """The parts are described where they live."""

    forecast: forecast.Forecast
    surprise: surprise.Surprise


@dataclass(frozen=True, slots=True)
class _Detail:
    prediction: Prediction
    errors: Vector  #: in ordinary errors


@dataclass(frozen=True, slots=True)
class Forecaster:
    """A sample is unusual when the evidence that something changed is such as chance makes once in years."""

    smoothing: Smoothing
    betting: Betting

    def blank(self, series: int, cadence: Cadence) -> ForecasterState:
        return ForecasterState(forecast.blank(series, cadence), surprise.blank(series, self.betting))

    def stand_in(self, state: ForecasterState) -> Vector:
        return np.asarray(np.nan_to_num(state.forecast.levels[0]))

    def expect(self, state: ForecasterState, moment: Moment) -> Vector:
        return self._predict(state, moment).structural + state.forecast.bias

    def judge(self, state: ForecasterState, moment: Moment) -> Opinion:
        said = self._predict(state, moment)
        errors = np.where(moment.present, moment.values - said.following, 0.0) / said.scale
        silent = moment.cadence.samples(days=self.betting.silent_days, at_least=72)
        known = moment.present & (moment.seen >= silent)
        ratios = surprise.bet(state.surprise, errors, known, self.betting)
        return Opinion(
            expected=said.structural,
            bias=state.forecast.bias,
            reach=said.reach,
            scale=state.forecast.scale,
            usual=state.forecast.usual,
            ratios=ratios,
            detail=_Detail(said, errors),
        )

    def learn(
        self, state: ForecasterState, moment: Moment, opinion: Opinion, weight: Vector, ordinary: Flags
    ) -> None:
        detail: _Detail = opinion.detail
        surprise.learn(state.surprise, detail.errors, moment.seen, weight, self.betting)
        forecast.learn(
            state.forecast,
            moment.slots,
            moment.values,
            detail.prediction,
            moment.seen,
            weight,
            ordinary,
            moment.cadence,
            self.smoothing,
        )

    def _predict(self, state: ForecasterState, moment: Moment) -> Prediction:
        return forecast.predict(
            state.forecast, moment.slots, moment.values, moment.seen, moment.cadence, self.smoothing
        )
