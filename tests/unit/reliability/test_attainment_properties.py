"""Properties that hold for every month: monotone, independent of order, blind to how windows are cut."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sla_months import attained, changed, contract_text, credit, month, run, window

from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext, Restatement

AGGREGATES = st.sampled_from(["slices", "mean_of_ratios", "ratio_of_sums"])
SLICES = st.sampled_from(["1m", "5m"])
DENOMINATORS = st.sampled_from(["calendar", "subscribed", "minus_exclusions", "add_back"])
OUTAGES = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 90), st.integers(0, 100)), max_size=5)
WINDOWS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 300)), max_size=4)
FEW = settings(max_examples=40)


def month_with(outages):
    samples = month()
    for start, minutes, good in outages:
        samples.good[start : start + minutes] = np.minimum(samples.good[start : start + minutes], good)
    return samples


def windows_of(spans):
    return [window(start, minutes, name=f"MW-{index}") for index, (start, minutes) in enumerate(spans)]


@FEW
@given(
    OUTAGES,
    st.integers(0, 5_000),
    st.integers(1, 60),
    AGGREGATES,
    SLICES,
    DENOMINATORS,
    WINDOWS,
    st.integers(1, 4),
)
def test_more_downtime_never_raises_attainment_nor_lowers_the_credit(
    outages, start, minutes, aggregate, slice_, denominator, spans, min_run
):
    terms = {
        "min_run": min_run,
        "aggregate": aggregate,
        "slice": slice_,
        "denominator": denominator,
        "slice_rule": "error_ratio > 0.05",
    }
    before = run(month_with(outages), windows_of(spans), **terms)
    after = run(month_with([*outages, (start, minutes, 0)]), windows_of(spans), **terms)
    assert attained(after) <= attained(before)
    assert credit(after) >= credit(before)


@FEW
@given(OUTAGES, AGGREGATES, SLICES, st.integers(0, 2**32 - 1))
def test_the_order_of_samples_changes_nothing(outages, aggregate, slice_, seed):
    samples = month_with(outages)
    order = np.random.default_rng(seed).permutation(samples.minutes.size)
    shuffled = Samples(samples.minutes[order], samples.total[order], samples.good[order])
    contract = parse_contract(contract_text({"aggregate": aggregate, "slice": slice_}))
    context = ReportContext(tenant_name="A", vendor_name="V")
    one = build_report(contract, {"api": samples}, (), "2026-06", context)
    other = build_report(contract, {"api": shuffled}, (), "2026-06", context)
    assert one.canonical == other.canonical
    assert one.inputs == other.inputs


@FEW
@given(OUTAGES, WINDOWS, st.integers(1, 299), AGGREGATES, DENOMINATORS, st.sampled_from([None, "2", "0.5"]))
def test_splitting_a_window_changes_no_figure(outages, spans, cut, aggregate, denominator, cap):
    whole = windows_of(spans)
    parts: list[Exclusion] = []
    for item in whole:
        middle = min(item.start + timedelta(seconds=cut * 37), item.end - timedelta(seconds=1))
        parts.append(Exclusion(item.window, item.start, middle, item.announced_at))
        parts.append(Exclusion(f"{item.window}b", middle, item.end, item.announced_at))
    terms = {"aggregate": aggregate, "denominator": denominator}
    contract = {"exclusions": {"cap_hours": cap}} if cap else {}
    one = run(month_with(outages), whole, contract=contract, **terms).slas[0].attainment
    other = run(month_with(outages), list(reversed(parts)), contract=contract, **terms).slas[0].attainment
    assert (one.raw, one.adjusted, one.excluded_minutes) == (
        other.raw,
        other.adjusted,
        other.excluded_minutes,
    )


@FEW
@given(OUTAGES, WINDOWS, DENOMINATORS)
def test_raw_and_adjusted_differ_by_excluded_minutes_only(outages, spans, denominator):
    result = run(month_with(outages), windows_of(spans), denominator=denominator).slas[0].attainment
    assert 0 <= result.raw.down_minutes - result.adjusted.down_minutes <= result.excluded_minutes
    assert sum(run.minutes for run in result.runs) == result.raw.down_minutes
    assert sum(day.down_minutes_raw for day in result.days) == result.raw.down_minutes
    assert sum(day.figure.down_minutes for day in result.days) == result.adjusted.down_minutes


@FEW
@given(st.integers(0, 43_199), st.integers(1, 10**15))
def test_large_counts_do_not_overflow(at, total):
    samples = month(total=total)
    samples.good[at] = 0
    assert attained(run(samples, aggregate="ratio_of_sums")) * 43200 == 43199
    assert attained(run(samples, slice_rule="error_ratio > 0.0501")) * 43200 == 43199
    assert attained(run(changed(samples), aggregate="mean_of_ratios")) * 43200 == 43199


def test_sums_beyond_64_bits_are_exact():
    samples = month(total=10**15)
    samples.good[1:] = 1
    for aggregate in ("ratio_of_sums", "mean_of_ratios"):
        result = run(samples, aggregate=aggregate)
        assert attained(result) * 43200 * 10**15 == 10**15 + 43199


@FEW
@given(OUTAGES, WINDOWS, st.randoms(use_true_random=False), DENOMINATORS)
def test_the_order_of_exclusions_changes_nothing(outages, spans, random, denominator):
    windows = windows_of(spans)
    shuffled = random.sample(windows, len(windows))
    contract = parse_contract(contract_text({"denominator": denominator}))
    samples, context = {"api": month_with(outages)}, ReportContext("A", "V")
    one = build_report(contract, samples, windows, "2026-06", context)
    other = build_report(contract, samples, shuffled, "2026-06", context)
    assert (one.canonical, one.inputs) == (other.canonical, other.inputs)


@FEW
@given(OUTAGES, OUTAGES, WINDOWS)
def test_a_revision_is_its_inputs_and_the_way_back_undoes_the_way_there(before, after, spans):
    contract, windows = parse_contract(contract_text()), windows_of(spans)

    def revision(number, outages, previous=None):
        restatement = previous and Restatement(previous, "late data")
        context = ReportContext("A", "V", revision=number, restatement=restatement)
        return build_report(contract, {"api": month_with(outages)}, windows, "2026-06", context)

    first = revision(1, before)
    second = revision(2, after, first)
    third = revision(3, before, second)
    again = revision(4, before, third)
    own = {"revision", "restatement"}
    figures = [{k: v for k, v in each.body.items() if k not in own} for each in (first, third, again)]
    assert figures[0] == figures[1] == figures[2]
    assert again.body["restatement"]["delta"] == []
    there = {each["field"]: (each["before"], each["after"]) for each in second.body["restatement"]["delta"]}
    back = {each["field"]: (each["after"], each["before"]) for each in third.body["restatement"]["delta"]}
    assert there == back
