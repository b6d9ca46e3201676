"""NAB's rule, worked by hand on a file of a hundred samples with one window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.bench_nab import labelled
from benchmarks.nab_score import Labelled, Score, nab_score

START = datetime(2026, 1, 1, tzinfo=UTC)
#: Samples 50 to 59; the first 15 are not judged.
TIMES = [START + timedelta(minutes=n) for n in range(100)]
FILE = {"a.csv": Labelled(TIMES, [(TIMES[50], TIMES[59])])}


def scored(*samples: int) -> Score:
    return nab_score(FILE, {"a.csv": [TIMES[each] for each in samples]})


@pytest.mark.parametrize(
    ("samples", "score", "found", "false"),
    [
        ((), 0.0, 0, 0),
        ((50,), 100.0, 1, 0),
        ((50, 55, 59), 100.0, 1, 0),
        ((59,), 50 * (1 + 0.244919 / 0.986614), 1, 0),
        ((10, 50), 100.0, 1, 0),
        ((20, 50), 100 - 50 * 0.11, 1, 1),
        ((50, 60), 100 - 50 * 0.11 * 0.270852, 1, 1),
        ((50, 99), 100 - 50 * 0.11, 1, 1),
        ((20,), -50 * 0.11, 0, 1),
    ],
)
def test_early_finds_count_most_and_false_ones_the_less_the_closer_they_follow(samples, score, found, false):
    got = scored(*samples)
    assert got.score == pytest.approx(score, abs=1e-3)
    assert (got.windows, got.found, got.false_positives) == (1, found, false)


def test_moments_of_no_sample_and_of_no_file_count_for_nothing():
    assert nab_score(FILE, {"a.csv": [START - timedelta(days=1)], "b.csv": TIMES}) == scored()


def test_the_28_series_and_their_36_windows_are_there():
    files = labelled()
    assert (len(files), sum(len(each.windows) for each in files.values())) == (28, 36)
    assert all(each.times == sorted(each.times) for each in files.values())
    perfect = {name: [first for first, _ in each.windows] for name, each in files.items()}
    assert nab_score(files, perfect).found == 36
