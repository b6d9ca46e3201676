"""Nothing after a sample has influence; a batch is its series; a replay is the same again."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.cost.detection.spending import MONDAY, hourly, office
from trust_portal.cost.detection import snapshot
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.replay import replay
from trust_portal.cost.detection.thresholds import INSTALLED, Limits
from trust_portal.cost.detection.versions import VERSIONS
from trust_portal.errors import InvalidInput

pytestmark = pytest.mark.takes(seconds=20)


def _eventful(seed, hours=700):
    random = np.random.default_rng(seed)
    spent = office(5, seed=seed, noise=0.2)[:hours]
    for at in random.integers(100, hours - 30, 4):
        spent[at : at + int(random.integers(1, 30))] *= random.uniform(0.2, 5.0)
    return spent


def _key(anomaly):
    return anomaly.detected_at, anomaly.start, anomaly.direction, anomaly.reason


every_version = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)


@every_version
@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), cut=st.integers(50, 699))
def test_a_prefix_gives_the_same_anomalies_up_to_its_end(version, seed, cut):
    series = hourly(_eventful(seed))
    whole = replay(series, any_scale=True, drops=True, version=version)
    last = series[cut - 1][0]
    assert [_key(a) for a in replay(series[:cut], any_scale=True, drops=True, version=version)] == [
        _key(a) for a in whole if a.detected_at <= last
    ]


@every_version
def test_many_series_at_once_are_the_same_as_each_alone(version):
    spent = np.column_stack([_eventful(seed) for seed in range(4)])
    spent[200:230, 3] = np.nan
    batch = Detector(4, version=version)
    limits = Limits.same(INSTALLED, 4)
    single = [Detector(1, version=version) for _ in range(4)]
    for hour, row in enumerate(spent):
        at = MONDAY + timedelta(hours=hour)
        found = batch.step(at, row, limits)
        alone = [one.step(at, row[i : i + 1], Limits.same(INSTALLED, 1)) for i, one in enumerate(single)]
        for name in ("raised", "ended"):
            each_alone = [(i, way) for i, one in enumerate(alone) for _, way in getattr(one, name)]
            assert sorted(getattr(found, name)) == sorted(each_alone)
    for index, one in enumerate(single):
        assert snapshot.take(snapshot.select(batch, [index])) == snapshot.take(one)


@every_version
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(version):
    spent = np.column_stack([_eventful(seed) for seed in range(3)])
    limits = Limits.same(INSTALLED, 3)
    through, stored = Detector(3, version=version), Detector(3, version=version)
    for hour, row in enumerate(spent):
        at = MONDAY + timedelta(hours=hour)
        if hour % 100 == 50:
            stored = snapshot.restore(snapshot.take(stored))
        assert stored.step(at, row, limits) == through.step(at, row, limits)
    assert snapshot.take(stored) == snapshot.take(through)


@every_version
def test_a_correction_replayed_from_a_snapshot_gives_the_state_of_data_that_was_never_late(version):
    spent = _eventful(4)[:, None]
    limits = Limits.same(INSTALLED, 1)
    on_time, late = Detector(1, version=version), Detector(1, version=version)
    for hour in range(400):
        at = MONDAY + timedelta(hours=hour)
        on_time.step(at, spent[hour], limits)
        if hour == 380:
            before = snapshot.take(late)
        late.step(at, spent[hour] * (0.3 if hour >= 380 else 1.0), limits)
    late = snapshot.restore(before)
    for hour in range(380, 400):
        late.step(MONDAY + timedelta(hours=hour), spent[hour], limits)
    assert snapshot.take(late) == snapshot.take(on_time)


@every_version
def test_a_new_series_joins_without_touching_the_others(version):
    known = Detector(2, version=version)
    limits = Limits.same(INSTALLED, 2)
    for hour in range(60):
        known.step(MONDAY + timedelta(hours=hour), np.array([1.0, hour]), limits)
    joined = snapshot.select(known, [1, -1])
    assert snapshot.take(snapshot.select(joined, [0])) == snapshot.take(snapshot.select(known, [1]))
    assert list(joined.state.seen) == [60.0, 0.0]


def test_time_never_runs_backwards():
    detector = Detector(1)
    limits = Limits.same(INSTALLED, 1)
    detector.step(MONDAY, np.array([1.0]), limits)
    before = snapshot.take(detector)
    with pytest.raises(InvalidInput):
        detector.step(MONDAY - timedelta(hours=1), np.array([1.0]), limits)
    assert snapshot.take(detector) == before


@pytest.mark.parametrize("data", [b"", b"{}\n", b"not json\n", b'{"format": 2}\n'])
def test_what_is_no_snapshot_is_refused(data):
    with pytest.raises(InvalidInput):
        snapshot.restore(data)


def test_a_truncated_snapshot_is_refused():
    with pytest.raises(InvalidInput):
        snapshot.restore(snapshot.take(Detector(3))[:-50])
