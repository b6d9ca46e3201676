"""What a real Prometheus is asked, and what becomes of each answer it can give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from itertools import accumulate
from uuid import UUID

import numpy as np
import pytest
from support.prometheus import MINUTES, START, RealPrometheus, Series, counters

from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.attainment.slices import minute_of
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.model import CrossCheck, Sla
from trust_portal.reliability.crosscheck.comparison import CheckState, ComparedSla, compare
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.document import read_readings, write_readings
from trust_portal.reliability.crosscheck.model import Question, SourceDefinition, Span
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.findings import Severity

DAY = Span(START, START + timedelta(minutes=MINUTES))
RECEIPT = UUID(int=7)
ODD = 'a "quoted\\" name, {braced}'
#: Two requests each minute and one more in each seventh; every hundredth minute one fails.
TOTAL = [2 + (minute % 7 == 0) for minute in range(MINUTES)]
GOOD = [count - (minute % 100 == 0) for minute, count in enumerate(TOTAL)]


def running(counts: list[int], start: int = 1000) -> Callable[[int], float]:
    """A counter's value by minute: what it had at midnight, and all that came since."""
    values = list(accumulate(counts, initial=start))
    return lambda minute: values[minute]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    total, good = running(TOTAL), running(GOOD, 900)
    prometheus = RealPrometheus(tmp_path_factory.mktemp("prometheus"))
    prometheus.backfill(
        [
            *counters("agrees", total, good),
            *counters("one-less", total, lambda minute: good(minute) - (minute > 700)),
            *counters("gap", lambda minute: None if 120 < minute <= 180 else total(minute), good),
            *counters("no-start", lambda minute: total(minute) if minute else None, good),
            Series("requests_total", {"customer": "often"}, total, seconds=30),
            Series("requests_good_total", {"customer": "often"}, good),
            *counters("reset", lambda minute: total(minute) - (2000 if minute > 800 else 0), good),
            *counters("reset-at-the-hour", total, lambda minute: good(minute) - (900 if minute > 60 else 0)),
            *counters("halves", lambda minute: total(minute) + 0.5 * (minute == MINUTES), good),
            *counters("nan", lambda minute: float("nan") if minute == MINUTES else total(minute), good),
            *counters("huge", lambda minute: 2.0**53 * minute, good),
            Series("requests_total", {"customer": "two", "instance": "a"}, total),
            Series("requests_total", {"customer": "two", "instance": "b"}, total),
            Series("requests_good_total", {"customer": "two", "instance": "a"}, good),
            Series("seconds_bucket", {"customer": "slow", "le": "0.5"}, running([1] * MINUTES)),
            Series("seconds_bucket", {"customer": "slow", "le": "1.0"}, good),
            Series("seconds_bucket", {"customer": "slow", "le": "+Inf"}, total),
            Series("requests_total", {"customer": ODD}, total),
        ]
    )
    with prometheus.started() as url:
        yield url


@pytest.fixture
async def prometheus(clock: ManualClock) -> AsyncIterator[Prometheus]:
    prometheus = Prometheus(clock, Admission())
    yield prometheus
    await prometheus.close()


def sla(terms: str = "") -> Sla:
    text = f'tenant: t\ncurrency: EUR\nfee: "1"\nslas:\n  - objective: api\n    target: "99.9"\n{terms}'
    return parse_contract(text).slas[0]


def samples(total: list[int] = TOTAL, good: list[int] = GOOD, **buckets: list[int]) -> Samples:
    first = minute_of(START)
    return Samples(
        np.arange(first, first + len(total), dtype=np.int64),
        np.array(total, np.int64),
        np.array(good, np.int64),
        {bound.replace("_", "."): np.array(counts, np.int64) for bound, counts in buckets.items()},
    )


def definition(url: str, customer: str, **more: object) -> SourceDefinition:
    values = {"total": "requests_total", "good": "requests_good_total"} | more
    return SourceDefinition(url=url, labels=(("customer", customer),), **values)


async def checked(
    prometheus: Prometheus,
    source: SourceDefinition,
    *,
    ours: Samples | None = None,
    promise: Sla | None = None,
    span: Span = DAY,
) -> ComparedSla:
    promise = promise or sla()
    question = Question("api", source, 3, RECEIPT, span, source.counters(promise))
    (reading,) = await prometheus.read([question])
    assert read_readings(write_readings([reading])) == (reading,)
    return compare(promise, ours or samples(), span, reading, CrossCheck.OPTIONAL)


async def test_equal_counts_of_a_whole_counter_agree(source: str, prometheus: Prometheus):
    found = await checked(prometheus, definition(source, "agrees"))
    assert found.state is CheckState.AGREED
    assert found.findings == ()
    assert [(each.counter, each.ours, each.theirs) for each in found.figures] == [
        ("total", sum(TOTAL), sum(TOTAL)),
        ("good", sum(GOOD), sum(GOOD)),
    ]


async def test_a_part_of_a_day_is_compared_to_the_minute(source: str, prometheus: Prometheus):
    span = Span(START + timedelta(minutes=37), START + timedelta(minutes=1130))
    found = await checked(prometheus, definition(source, "agrees"), span=span)
    assert found.state is CheckState.AGREED
    assert found.figures[0].theirs == sum(TOTAL[37:1130])


async def test_less_than_an_hour_is_compared_too(source: str, prometheus: Prometheus):
    span = Span(START + timedelta(minutes=60), START + timedelta(minutes=75))
    found = await checked(prometheus, definition(source, "agrees"), span=span)
    assert (found.state, found.figures[1].theirs) == (CheckState.AGREED, sum(GOOD[60:75]))


async def test_one_request_apart_disagrees_and_both_sides_are_named(source: str, prometheus: Prometheus):
    found = await checked(prometheus, definition(source, "one-less"))
    assert found.state is CheckState.DISAGREED
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("CROSS_CHECK_DISAGREES", Severity.DISPUTED)
    assert finding.message == (
        "the second source counts differently from 2026-06-30T00:00:00Z to 2026-07-01T00:00:00Z: "
        f"good: {sum(GOOD)} here, {sum(GOOD) - 1} there"
    )


async def test_within_the_agreed_tolerance_it_agrees(source: str, prometheus: Prometheus):
    found = await checked(prometheus, definition(source, "one-less", tolerance=1))
    assert (found.state, found.figures[1].theirs) == (CheckState.AGREED, sum(GOOD) - 1)


@pytest.mark.parametrize(
    "customer, code, words",
    [
        ("gap", "CROSS_CHECK_SAMPLES_MISSING", "lacks samples in 2 of 24 windows"),
        ("gap", "CROSS_CHECK_SAMPLES_MISSING", "1 of 61 up to 2026-06-30T03:00:00Z; 60 of 61 up to"),
        ("no-start", "CROSS_CHECK_SAMPLES_MISSING", "60 of 61 up to 2026-06-30T01:00:00Z"),
        (
            "reset",
            "CROSS_CHECK_RESET",
            "total began anew 1 time, first within the hour up to 2026-06-30T14:00",
        ),
        ("reset-at-the-hour", "CROSS_CHECK_RESET", "good began anew 1 time, first within the hour up to"),
        ("halves", "CROSS_CHECK_MALFORMED", "is no whole number up to 2^53 (difference)"),
        ("nan", "CROSS_CHECK_MALFORMED", "'NaN' at 2026-07-01T00:00:00Z is no whole number"),
        ("huge", "CROSS_CHECK_MALFORMED", "is no whole number up to 2^53"),
        (
            "two",
            "CROSS_CHECK_AMBIGUOUS",
            '2 series match where one must: {customer="two", instance="a"}; {cus',
        ),
        (
            "nobody",
            "CROSS_CHECK_NO_SERIES",
            'no series matches requests_total{customer="nobody"} in the span',
        ),
    ],
)
async def test_what_cannot_be_compared_is_incomplete_and_says_why(
    source: str, prometheus: Prometheus, customer: str, code: str, words: str
):
    found = await checked(prometheus, definition(source, customer))
    assert found.state is CheckState.NOT_COMPARABLE
    (finding,) = found.findings
    assert (finding.code, finding.severity) == (code, Severity.INCOMPLETE)
    assert words in finding.message


async def test_more_samples_than_the_interval_makes_are_not_explained_away(
    source: str, prometheus: Prometheus
):
    found = await checked(prometheus, definition(source, "often"))
    assert [each.code for each in found.findings] == ["CROSS_CHECK_SAMPLES_EXTRA"]
    assert "total has more samples than its interval makes in 24 of 24 windows" in found.findings[0].message
    often = definition(source, "often", good="requests_total", interval=30)
    assert (await checked(prometheus, often, ours=samples(good=TOTAL))).state is CheckState.AGREED


async def test_latency_is_compared_bucket_by_bucket_in_whatever_spelling_the_bound_is(
    source: str, prometheus: Prometheus
):
    slow = SourceDefinition(url=source, buckets="seconds_bucket", labels=(("customer", "slow"),))
    ours = samples(good=[0] * MINUTES, **{"0_5": [1] * MINUTES, "1": GOOD, "+Inf": TOTAL})
    within = await checked(prometheus, slow, ours=ours, promise=sla("    latency_threshold: 1\n"))
    assert [(each.counter, each.theirs) for each in within.figures] == [
        ("total", sum(TOTAL)),
        ("le_1", sum(GOOD)),
    ]
    weights = "    weights: [{le: 0.5, weight: 1}, {le: 1, weight: 0.5}]\n"
    weighted = await checked(prometheus, slow, ours=ours, promise=sla(weights))
    assert [each.counter for each in weighted.figures] == ["total", "le_0.5", "le_1"]
    assert within.state is weighted.state is CheckState.AGREED


async def test_a_label_is_asked_for_as_it_is_written(source: str, prometheus: Prometheus):
    odd = definition(source, ODD, good="requests_total")
    found = await checked(prometheus, odd, ours=samples(good=TOTAL))
    assert found.state is CheckState.AGREED, found.findings


async def test_where_nothing_listens_it_is_incomplete(prometheus: Prometheus, unused_tcp_port: int):
    found = await checked(prometheus, definition(f"http://127.0.0.1:{unused_tcp_port}", "agrees"))
    (finding,) = found.findings
    assert finding.code == "CROSS_CHECK_UNREACHABLE"
    assert finding.message == "the second source could not be read: no connection could be made"
