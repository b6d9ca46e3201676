"""The statistical detector: its probabilities mean what they say, and so does its evidence."""

from datetime import timedelta

import numpy as np
import pytest

from tests.unit.cost.detection.spending import MONDAY, hourly, office
from trust_portal.cost.detection import forecast, surprise
from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.forecast import Smoothing
from trust_portal.cost.detection.replay import replay
from trust_portal.cost.detection.surprise import Betting
from trust_portal.cost.detection.thresholds import INSTALLED, Limits
from trust_portal.cost.detection.vectors import Slots
from trust_portal.cost.detection.versions import FORECAST

SERIES, HOURS, LEARNT = 60, 1_500, 500


def _ordinary_spending():
    """Season, noise with memory, no event: ``(hours, series)``."""
    random = np.random.default_rng(11)
    noise = np.zeros((HOURS, SERIES))
    for hour in range(1, HOURS):
        noise[hour] = 0.5 * noise[hour - 1] + random.normal(0.0, 0.1, SERIES)
    busy = 1.0 + 0.8 * np.sin(np.arange(HOURS) * 2 * np.pi / 24)[:, None]
    return 10.0 * (1.0 + busy) * np.exp(noise)


@pytest.fixture(scope="module")
def judged():
    """Per hour: log-probability of each sample, and the evidence as a multiple of an alarm's."""
    spent = _ordinary_spending()
    detector, limits = Detector(SERIES, version=FORECAST), Limits.same(INSTALLED, SERIES)
    chances, ratios, raised = [], [], []
    for hour, row in enumerate(spent):
        method, state = FORECAST.method, detector.state.method
        moment = detector._moment(MONDAY + timedelta(hours=hour), row)
        said = method._predict(state, moment)
        chances.append(surprise.log_chance(state.surprise, (row - said.following) / said.scale, Betting()))
        raised += detector.step(MONDAY + timedelta(hours=hour), row, limits).raised
        evidence = np.log(np.exp(state.surprise.evidence).mean(axis=0))
        ratios.append(evidence / np.log(Betting().once_in))
    return np.array(chances)[LEARNT:], np.array(ratios)[LEARNT:], raised


@pytest.mark.parametrize("chance", [0.05, 0.02, 0.01])
def test_what_has_a_chance_of_one_in_n_happens_about_once_in_n_samples(judged, chance):
    for happened in (judged[0] < np.log(chance)).mean(axis=(0, 2)):
        assert chance / 2 < happened < chance * 2


def test_chance_alone_raises_no_more_alarms_than_it_may(judged):
    _, ratios, raised = judged
    reached = (ratios[1:, 0] >= 1.0) & (ratios[:-1, 0] < 1.0)
    assert reached.sum() <= 3 * SERIES * (HOURS - LEARNT) / Betting().once_in
    assert raised == []


def test_series_that_are_mostly_silent_keep_their_bursts_to_themselves():
    random = np.random.default_rng(3)
    spent = np.where(random.random((1_200, 40)) < 0.15, random.uniform(20.0, 60.0, (1_200, 40)), 0.0)
    spent[:12] = 0.0
    spent[1_150:1_156, 7] += 400.0
    detector, limits = Detector(40, version=FORECAST), Limits.same(INSTALLED, 40)
    raised = []
    for hour, row in enumerate(spent):
        found = detector.step(MONDAY + timedelta(hours=hour), row, limits).raised
        raised += [(series, hour) for series, _ in found if hour >= 14 * 24]
    years = 40 * (1_200 - 14 * 24) / 8_760
    assert any(series == 7 and 1_150 <= hour < 1_156 for series, hour in raised)
    assert len(raised) - 1 <= 1.5 * years


def test_many_hours_that_are_each_only_odd_add_up():
    spent = office(6, noise=0.1)
    spent[5 * 168 : 5 * 168 + 48] *= 1.25
    began = MONDAY + timedelta(hours=5 * 168)
    (found,) = replay(hourly(spent), INSTALLED.with_changes({"min_day_share": 0.1}), version=FORECAST)
    assert began <= found.start <= found.detected_at <= began + timedelta(hours=24)
    assert str(found.detector) == "forecast@2"


def test_a_forecast_that_is_not_known_yet_spoils_no_other_however_well_it_seems_to_fit():
    cadence = Cadence()
    state = forecast.blank(1, cadence)
    state.levels[:] = 5.0
    state.fit[:] = [[0.0], [5_000.0], [5_000.0]]
    said = forecast.predict(state, Slots(0, 0), np.array([9.0]), np.array([3.0]), cadence, Smoothing())
    assert said.structural.tolist() == [5.0]
