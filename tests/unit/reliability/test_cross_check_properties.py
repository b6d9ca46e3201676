"""A cross-check agrees exactly where whole counters differ by no more than was agreed; anything else is not signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.model import CrossCheck, Sla
from trust_portal.reliability.crosscheck.comparison import CheckState, compare, counted
from trust_portal.reliability.crosscheck.document import read_readings, substance, write_readings
from trust_portal.reliability.crosscheck.model import (
    Counter,
    CounterReading,
    Resets,
    SourceDefinition,
    SourceReading,
    Span,
    Window,
)
from trust_portal.reliability.crosscheck.promql import SAMPLES, queries_of
from trust_portal.reliability.findings import State, state_of

START = datetime(2026, 6, 1, tzinfo=UTC)
API = Sla("api", Fraction(999, 1000))
COUNTS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=30)


def measured(counts: list[tuple[int, int]]) -> tuple[Samples, Span]:
    first = minute_of(START)
    total = np.array([max(pair) for pair in counts], np.int64)
    good = np.array([min(pair) for pair in counts], np.int64)
    span = Span(START, START + timedelta(minutes=len(counts)))
    return Samples(np.arange(first, first + len(counts), dtype=np.int64), total, good), span


def answered(span: Span, total: int, good: int, *, tolerance: int = 0, uneven=(), resets=()) -> SourceReading:
    definition = SourceDefinition("http://p", "requests_total", "good_total", tolerance=tolerance)
    counters = (CounterReading("total", uneven, resets, total), CounterReading("good", (), (), good))
    return SourceReading("api", definition, 1, UUID(int=1), span, START, counters)


@given(COUNTS, st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 4))
def test_it_agrees_exactly_within_the_tolerance(counts, more, better, tolerance):
    samples, span = measured(counts)
    ours = counted(API, samples, span)
    reading = answered(span, ours["total"] + more, ours["good"] + better, tolerance=tolerance)
    found = compare(API, samples, span, reading, CrossCheck.OPTIONAL)
    within = abs(more) <= tolerance and abs(better) <= tolerance
    assert found.state is (CheckState.AGREED if within else CheckState.DISAGREED)
    assert state_of(found.findings) is (State.OK if within else State.DISPUTED)


@given(COUNTS, st.integers(0, 61), st.integers(0, 3))
def test_a_gap_or_a_reset_is_never_signed_whatever_the_figures_say(counts, samples_there, resets):
    samples, span = measured(counts)
    ours = counted(API, samples, span)
    uneven = (Window(span.end, samples_there, 61),) if samples_there != 61 else ()
    fell = (Resets(span.end, resets),) if resets else ()
    reading = answered(span, ours["total"], ours["good"], uneven=uneven, resets=fell)
    found = compare(API, samples, span, reading, CrossCheck.OPTIONAL)
    whole = not uneven and not fell
    assert found.state is (CheckState.AGREED if whole else CheckState.NOT_COMPARABLE)
    assert state_of(found.findings) is (State.OK if whole else State.INCOMPLETE)


@given(COUNTS, st.randoms(use_true_random=False), st.lists(st.integers(0, 29), max_size=5))
def test_order_and_equal_repeats_of_samples_change_no_count(counts, random, repeated):
    samples, span = measured(counts)
    order = [*range(len(counts)), *(each for each in repeated if each < len(counts))]
    random.shuffle(order)
    index = np.array(order)
    shuffled = Samples(samples.minutes[index], samples.total[index], samples.good[index])
    assert counted(API, shuffled, span) == counted(API, samples, span)


@given(st.integers(1, 2000), st.sampled_from([1, 15, 30, 60]))
def test_windows_cover_a_span_whole_and_share_one_sample_with_the_next(minutes, interval):
    span = Span(START, START + timedelta(minutes=minutes))
    definition = SourceDefinition("http://p", "a", "b", interval=interval)
    asked = [each for each in queries_of(definition, Counter("total", "a"), span) if each.asks == SAMPLES]
    ends = [end for query in asked for end in query.ends]
    assert ends == sorted(set(ends))
    assert ends[-1] == span.end
    # Of every window all samples but the one before it are its own.
    assert sum((query.expected - 1) * len(query.ends) for query in asked) == minutes * 60 // interval


@given(COUNTS, st.integers(0, 10**6))
def test_a_reading_survives_its_file_and_the_time_it_was_made_at_is_no_part_of_what_it_says(counts, later):
    _, span = measured(counts)
    reading = answered(span, 7, 5, uneven=(Window(span.end, 3, 61),), resets=(Resets(span.end, 2),))
    assert read_readings(write_readings([reading])) == (reading,)
    asked_later = replace(reading, asked_at=START + timedelta(seconds=later))
    assert substance([asked_later]) == substance([reading])
