"""The queries of a cross-check get the same answers from Prometheus 2, whose ranges include their left end, and from
3, whose do not: by a small evaluator of exactly these queries, on series with gaps and resets.

Prometheus 3.0 migration guide, "Range selectors and lookback exclude samples coinciding with the left boundary".
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.reliability.crosscheck.model import Counter, SourceDefinition, Span
from trust_portal.reliability.crosscheck.promql import DIFFERENCE, SAMPLES, Query, queries_of

START = datetime(2026, 6, 1, tzinfo=UTC)
_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_LOOKBACK = 300_000
_OVER_RANGE = re.compile(r"(count_over_time|resets)\(a\{\}\[((?:\d+(?:ms|h|m|s))+)\]\)(?: > 0)?")
_DIFFERENCE = re.compile(r"a\{\} @ (\d+) - a\{\} @ (\d+)")


@dataclass(frozen=True)
class Server:
    """One series, ``samples`` by milliseconds in order; ``left_open`` as in version 3."""

    samples: dict[int, int]
    left_open: bool

    def answer(self, query: Query) -> list[int | None]:
        """By instant; ``None``: no such series there."""
        ends = [_milliseconds(each) for each in query.ends]
        if found := _OVER_RANGE.fullmatch(query.expression):
            over = sum(
                int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|h|m|s)", found[2])
            )
            return [self._over(found[1], end, over) for end in ends]
        found = _DIFFERENCE.fullmatch(query.expression)
        assert found is not None, query.expression
        last, first = (self._at(int(found[group]) * 1000) for group in (1, 2))
        return [None if last is None or first is None else last - first]

    def _over(self, function: str, end: int, over: int) -> int | None:
        values = self._values(end - over, end)
        if function == "count_over_time":
            return len(values) or None
        fell = sum(later < earlier for earlier, later in pairwise(values))
        return fell or None

    def _at(self, instant: int) -> int | None:
        values = self._values(instant - _LOOKBACK, instant)
        return values[-1] if values else None

    def _values(self, left: int, right: int) -> list[int]:
        times, values = list(self.samples), list(self.samples.values())
        first = (bisect_right if self.left_open else bisect_left)(times, left)
        return values[first : bisect_right(times, right)]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def both(samples: dict[int, int]) -> tuple[Server, Server]:
    return Server(samples, left_open=False), Server(samples, left_open=True)


def asked(minutes: int, interval: int) -> tuple[Query, ...]:
    span = Span(START, START + timedelta(minutes=minutes))
    return queries_of(SourceDefinition("http://p", "a", "b", interval=interval), Counter("total", "a"), span)


def scraped(
    minutes: int, interval: int, steps: list[int], missing: set[int], phase: int = 0
) -> dict[int, int]:
    """A counter from ten minutes before the span to its end, ``phase`` milliseconds late each time.

    ``steps`` are what it grows by, over and over; at a negative one it begins anew.
    """
    value, found = 0, {}
    first = -10 * 60 // interval
    for number in range(first, minutes * 60 // interval + 1):
        step = steps[number % len(steps)]
        value = value + step if step >= 0 else 0
        if number not in missing:
            found[_milliseconds(START) + number * interval * 1000 + phase] = value
    return found


SPANS = st.tuples(st.integers(1, 150), st.sampled_from([15, 30, 60]))
STEPS = st.lists(st.integers(-1, 1000), min_size=1, max_size=20)


@given(SPANS, STEPS, st.sets(st.integers(-40, 600), max_size=6))
def test_both_count_the_same_samples_and_resets_and_where_none_is_missing_differ_by_the_same(
    span, steps, missing
):
    minutes, interval = span
    queries = asked(minutes, interval)
    older, newer = both(scraped(minutes, interval, steps, missing))
    whole = True
    for query in queries:
        if query.asks != DIFFERENCE:
            assert older.answer(query) == newer.answer(query), query.expression
        if query.asks == SAMPLES:
            whole = whole and set(newer.answer(query)) == {query.expected}
    (difference,) = [each for each in queries if each.asks == DIFFERENCE]
    if whole:
        assert older.answer(difference) == newer.answer(difference)
        assert older.answer(difference) != [None]
    # What lies in the span is missing to both; what came before it, to neither.
    steps_of_span = range(minutes * 60 // interval + 1)
    assert whole == (not missing & set(steps_of_span))


@given(SPANS, STEPS, st.integers(2, 14_999))
def test_a_scrape_that_is_late_by_the_same_each_time_is_counted_alike(span, steps, phase):
    minutes, interval = span
    older, newer = both(scraped(minutes, interval, steps, set(), phase))
    for query in asked(minutes, interval):
        assert older.answer(query) == newer.answer(query), query.expression
        if query.asks == SAMPLES:
            assert set(newer.answer(query)) == {query.expected}


@pytest.mark.parametrize("interval", [15, 30, 60])
def test_late_by_exactly_a_millisecond_the_newer_finds_one_less_which_is_never_signed(interval):
    """The one place where a sample can lie on the left end: it is a gap to the newer, and no figure."""
    older, newer = both(scraped(60, interval, [1], set(), 1))
    samples, resets, difference = asked(60, interval)
    assert older.answer(samples) == [samples.expected]
    assert newer.answer(samples) == [samples.expected - 1]
    assert older.answer(resets) == newer.answer(resets) == [None]
    assert older.answer(difference) == newer.answer(difference)
