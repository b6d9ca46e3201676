"""Reading series, their cadence, and the thresholds an operator may set."""

from datetime import UTC, datetime, timedelta

import pytest

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.series_file import read_series
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.detection.versions import version_named
from trust_portal.errors import InvalidInput


def test_a_plain_series_has_no_tenant():
    (series,) = read_series(b"time,value\n2026-03-02T00:00:00Z,1.5\n2026-03-02T01:00:00Z,\n")
    assert (series.tenant, series.subsystem) == (None, None)
    assert series.samples == ((datetime(2026, 3, 2, tzinfo=UTC), 1.5),)


def test_rows_of_several_series_are_told_apart_and_put_in_order():
    found = read_series(
        b"tenant,subsystem,time,value\n"
        b"acme,compute,2026-03-02T01:00:00Z,2\n"
        b"acme,egress,2026-03-02T00:00:00+01:00,7\n"
        b"acme,compute,2026-03-02T00:00:00Z,1\n"
    )
    assert [(s.tenant, s.subsystem, [v for _, v in s.samples]) for s in found] == [
        ("acme", "compute", [1.0, 2.0]),
        ("acme", "egress", [7.0]),
    ]
    assert found[1].samples[0][0] == datetime(2026, 3, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "data,field",
    [
        (b"", "line 1"),
        (b"when,value\n", "line 1"),
        (b"time,value\nyesterday,1\n", "line 2"),
        (b"time,value\n2026-03-02T00:00:00Z,much\n", "line 2"),
        (b"time,value\n2026-03-02T00:00:00Z,nan\n", "line 2"),
        (b"time,value\n2026-03-02T00:00:00Z,1,2\n", "line 2"),
        (b"\xff\xfe", "series"),
    ],
)
def test_an_unreadable_file_is_refused_with_its_line(data, field):
    with pytest.raises(InvalidInput) as refusal:
        read_series(data)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "seconds,slots,at,expected",
    [
        (300, 24, datetime(2026, 3, 3, 13, 55, tzinfo=UTC), (13, 37)),
        (3_600, 24, datetime(2026, 3, 8, 23, 0, tzinfo=UTC), (23, 167)),
        (21_600, 4, datetime(2026, 3, 2, 12, 0, tzinfo=UTC), (2, 2)),
        (86_400, 1, datetime(2026, 3, 4, tzinfo=UTC), (0, 2)),
    ],
)
def test_slots_of_day_and_week_follow_the_cadence(seconds, slots, at, expected):
    cadence = Cadence(seconds)
    assert cadence.slots == slots
    assert cadence.slot(at) == expected


def test_the_cadence_is_the_median_distance_so_gaps_do_not_matter():
    start = datetime(2026, 3, 2, tzinfo=UTC)
    times = [start + timedelta(minutes=5 * n) for n in (0, 1, 2, 3, 50, 51)]
    assert Cadence.of(times) == Cadence(300)


@pytest.mark.parametrize(
    "changes", [{"min_impact": -1}, {"nonsense": 1}, {"sensitivity": "high"}, {"burn_rate": 0.5}]
)
def test_an_impossible_threshold_is_refused(changes):
    with pytest.raises(InvalidInput) as refusal:
        INSTALLED.with_changes(changes)
    assert refusal.value.field == next(iter(changes))


def test_an_unknown_detector_is_refused():
    with pytest.raises(InvalidInput):
        version_named("own-tail@999")
