"""The detector over stored hours: however the hours are cut into runs, it remembers and finds the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust_portal.cost.anomalies.packing import pack, unpack
from trust_portal.cost.anomalies.watching import Watched, watch
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.cost.detection.versions import INSTALLED_VERSION
from trust_portal.cost.metering.model import Series
from trust_portal.errors import Broken

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COMPUTE, EGRESS = Series("compute", "EUR"), Series("egress", "EUR")


def tenant(number: int, costs, memories=None, start=START - HOUR, end=START + 999 * HOUR) -> Watched:
    later = {
        series: {at: cost for at, cost in hours.items() if start < at <= end}
        for series, hours in costs.items()
    }
    return Watched(UUID(int=number), start, memories or {}, later, lambda *_: INSTALLED, lambda *_: None)


def hours(values) -> dict[datetime, Decimal]:
    return {START + n * HOUR: Decimal(str(value)) for n, value in enumerate(values) if value is not None}


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.integers(1, 118))
def test_two_runs_come_to_what_one_comes_to(seed, cut):
    rng = np.random.default_rng(seed)
    costs = {
        COMPUTE: hours([round(10 + rng.normal(), 4) + 90 * (60 <= n < 66) for n in range(120)]),
        EGRESS: hours([None if n < 50 else round(5 + rng.normal(), 4) for n in range(120)]),
    }
    end = START + 119 * HOUR
    (whole,) = watch([tenant(1, costs)], end, INSTALLED_VERSION)

    middle = START + cut * HOUR
    (first,) = watch([tenant(1, costs, end=middle)], middle, INSTALLED_VERSION)
    (second,) = watch([tenant(1, costs, first.memories, middle)], end, INSTALLED_VERSION)

    assert first.expected + second.expected == whole.expected
    assert second.memories == whole.memories
    assert [each for each in whole.sightings if each.last > middle] == [
        each for each in second.sightings if each.last > middle
    ]


def test_a_series_is_not_touched_by_its_neighbours():
    quiet, wild = {COMPUTE: hours([10.0] * 100)}, {COMPUTE: hours([10.0] * 80 + [500.0] * 20)}
    end = START + 99 * HOUR

    (alone,) = watch([tenant(1, quiet)], end, INSTALLED_VERSION)
    beside, other = watch([tenant(1, quiet), tenant(2, wild)], end, INSTALLED_VERSION)

    assert beside.memories == alone.memories
    assert beside.expected == alone.expected
    assert (beside.sightings, len(other.sightings)) == ([], 1)


def test_an_hour_without_any_usage_is_absent_and_one_with_some_is_free_of_the_rest():
    costs = {COMPUTE: hours([10, None, 10, 10]), EGRESS: hours([5, None, 5, None])}

    (seen,) = watch([tenant(1, costs)], START + 3 * HOUR, INSTALLED_VERSION)

    named = {(int((at - START) / HOUR), series.subsystem) for at, series, _ in seen.expected}
    assert named == {(n, name) for n in (0, 2, 3) for name in ("compute", "egress")}


def test_a_memory_of_another_shape_is_not_taken():
    (row,) = pack(Detector(1).state)

    with pytest.raises(Broken, match="another shape"):
        unpack(Detector(1), [row[:-8]], 0)
