"""What the detector raises, what it merges and what it leaves alone."""

from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from tests.unit.cost.detection.spending import MONDAY, hourly, office
from trust_portal.cost.detection.model import Direction, Reason, Severity
from trust_portal.cost.detection.replay import replay as replay_with
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.detection.versions import VERSIONS

FIVE_WEEKS = 5 * 168


@pytest.fixture(params=VERSIONS)
def replay(request):
    """What holds, holds for every detector of the release."""
    return partial(replay_with, version=VERSIONS[request.param])


@pytest.fixture
def later(replay):
    """Anomalies after the first fortnight: nobody can know a weekend before having seen one."""
    return lambda spent, **options: [
        each for each in replay(spent, **options) if each.detected_at >= MONDAY + timedelta(days=14)
    ]


def test_a_season_that_repeats_is_no_anomaly(replay):
    assert replay(hourly(office(8))) == []


def test_a_flat_line_is_no_anomaly_at_any_scale(replay):
    assert replay(hourly([45.0] * 1_000), any_scale=True, drops=True) == []


def test_a_runaway_job_is_one_anomaly_found_in_its_first_hours_with_its_money(replay):
    spent = office(6)
    usual = spent[FIVE_WEEKS : FIVE_WEEKS + 6].sum()
    spent[FIVE_WEEKS : FIVE_WEEKS + 6] += 80.0
    (anomaly,) = replay(hourly(spent))
    began = MONDAY + timedelta(hours=FIVE_WEEKS)
    assert anomaly.start == began
    assert anomaly.detected_at <= began + timedelta(hours=1)
    assert began <= anomaly.peak <= anomaly.end
    assert anomaly.end >= began + timedelta(hours=5)
    assert anomaly.actual == pytest.approx(usual + 480.0, rel=0.2)
    assert anomaly.excess == pytest.approx(480.0, rel=0.1)
    assert anomaly.excess == anomaly.actual - anomaly.expected
    assert (anomaly.direction, anomaly.reason) == (Direction.UP, Reason.DEVIATION)
    assert anomaly.severity in {Severity.MEDIUM, Severity.HIGH}
    assert 0.5 < anomaly.confidence < 1.0


def test_what_lasts_an_hour_is_let_pass_and_the_same_height_is_raised_when_it_persists(replay):
    """No count of hours, but money: an hour of it is not worth a word, and each further one adds to the same."""
    found = {}
    for hours in (1, 3, 12):
        spent = office(6)
        spent[FIVE_WEEKS : FIVE_WEEKS + hours] += 20.0
        found[hours] = replay(hourly(spent))
    assert (found[1], found[3]) == ([], [])
    (anomaly,) = found[12]
    began = MONDAY + timedelta(hours=FIVE_WEEKS)
    assert anomaly.start == began
    assert timedelta(hours=3) <= anomaly.detected_at - began <= timedelta(hours=12)
    assert anomaly.excess == pytest.approx(240.0, rel=0.1)


def test_its_peak_is_its_dearest_hour(replay):
    spent = office(6)
    spent[FIVE_WEEKS : FIVE_WEEKS + 6] += 60.0
    spent[FIVE_WEEKS + 3] += 60.0
    (anomaly,) = replay(hourly(spent))
    assert anomaly.peak == MONDAY + timedelta(hours=FIVE_WEEKS + 3)


def test_alarms_that_come_and_go_within_a_day_are_one_anomaly(replay):
    spent = office(6)
    for burst in (0, 9, 20):
        spent[FIVE_WEEKS + burst : FIVE_WEEKS + burst + 3] += 90.0
    assert len(replay(hourly(spent))) == 1


def test_a_new_level_is_reported_once_and_then_is_normal(replay):
    spent = office(12)
    spent[FIVE_WEEKS:] *= 2.0
    (anomaly,) = replay(hourly(spent))
    assert anomaly.detected_at <= MONDAY + timedelta(hours=FIVE_WEEKS + 24)
    assert anomaly.end is not None
    assert anomaly.end <= MONDAY + timedelta(hours=FIVE_WEEKS, days=21)


def test_a_slow_leak_is_found_although_no_hour_is_remarkable(replay):
    spent = office(12)
    spent[FIVE_WEEKS:] *= 1.0 + np.minimum(np.arange(spent.size - FIVE_WEEKS) / (20 * 24), 1.0)
    found = replay(hourly(spent))
    assert found
    assert found[0].detected_at <= MONDAY + timedelta(hours=FIVE_WEEKS, days=20)


def test_a_drop_is_found_and_told_only_when_drops_are_asked_for(replay, later):
    spent = office(6)
    spent[FIVE_WEEKS : FIVE_WEEKS + 24] *= 0.1
    assert replay(hourly(spent)) == []
    (anomaly,) = later(hourly(spent), drops=True)
    assert anomaly.direction is Direction.DOWN
    assert anomaly.excess < 0
    assert anomaly.severity is Severity.LOW


def test_a_drop_has_to_come_to_as_many_times_a_rise_as_its_threshold_says(later):
    spent = office(6)
    spent[FIVE_WEEKS : FIVE_WEEKS + 24] *= 0.1
    thresholds = [INSTALLED.with_changes({"drop_impact": times}) for times in (1.0, 2.0, 4.0)]
    assert [len(later(hourly(spent), thresholds=each, drops=True)) for each in thresholds] == [1, 1, 0]


def test_a_drop_hides_no_rise_within_it(later):
    spent = office(6)
    spent[FIVE_WEEKS : FIVE_WEEKS + 36] *= 0.2
    spent[FIVE_WEEKS + 30 : FIVE_WEEKS + 33] += 120.0
    found = later(hourly(spent), drops=True)
    assert [each.direction for each in found] == [Direction.DOWN, Direction.UP]
    assert found[1].start == MONDAY + timedelta(hours=FIVE_WEEKS + 30)


def test_a_first_weekend_is_no_drop(replay):
    assert [each for each in replay(hourly(office(3)), drops=True) if each.direction is Direction.DOWN] == []


def test_pennies_are_not_raised_unless_the_series_is_not_money(replay, later):
    spent = office(6, level=0.01)
    spent[FIVE_WEEKS : FIVE_WEEKS + 6] += 0.08
    assert replay(hourly(spent)) == []
    assert len(later(hourly(spent), any_scale=True)) == 1


def test_a_higher_threshold_of_money_keeps_silent_about_less(replay):
    spent = office(6)
    spent[FIVE_WEEKS : FIVE_WEEKS + 6] += 80.0
    assert replay(hourly(spent), INSTALLED.with_changes({"min_impact": 1_000})) == []


def test_two_tenants_that_net_to_zero_are_two_anomalies(later):
    random = np.random.default_rng(1)
    up, down = (10.0 * np.exp(random.normal(0.0, 0.05, 6 * 168)) for _ in range(2))
    up[FIVE_WEEKS : FIVE_WEEKS + 24] += 8.0
    down[FIVE_WEEKS : FIVE_WEEKS + 24] -= 8.0
    found = [anomaly for spent in (up, down) for anomaly in later(hourly(spent), drops=True)]
    assert [each.direction for each in found] == [Direction.UP, Direction.DOWN]
    assert sum(each.excess for each in found) == pytest.approx(0.0, abs=0.2 * found[0].excess)


def test_a_nightly_job_becomes_a_habit(later):
    spent = office(8)
    spent[3::24] += 60.0
    assert later(hourly(spent)) == []


def test_a_budget_burning_too_fast_is_a_reason_of_its_own(replay):
    spent = office(6, noise=0.4)
    spent[FIVE_WEEKS : FIVE_WEEKS + 48] *= 1.6
    found = replay(hourly(spent), INSTALLED.with_changes({"burn_rate": 1.0, "sensitivity": 0.1}), budget=14.0)
    assert [anomaly.reason for anomaly in found if anomaly.start >= MONDAY + timedelta(hours=FIVE_WEEKS)] == [
        Reason.BUDGET
    ]


def test_missing_hours_are_neither_drops_nor_spikes(later):
    spent = hourly(office(8))
    del spent[FIVE_WEEKS : FIVE_WEEKS + 30]
    assert later(spent, drops=True) == []
