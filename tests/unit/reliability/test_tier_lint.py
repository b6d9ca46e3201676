"""No defect of a tier table slips through: the lint agrees with counting tiers at every point."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_months import contract_text

from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.lint import lint_sla
from trust_portal.reliability.contracts.model import Rounding, RoundingMode, Sla, Tier
from trust_portal.reliability.findings import Severity, Unusable

TARGET = Fraction(99, 100)
GRID = [Fraction(step, 10) for step in range(11)]
#: Every bound and every open interval between two bounds.
POINTS = sorted({*GRID, *(Fraction(2 * step + 1, 20) for step in range(10)), TARGET, Fraction(199, 200)})

bounds = st.sampled_from([*GRID, TARGET])
tables = st.lists(
    st.builds(Tier, bounds, st.booleans(), bounds, st.booleans(), st.sampled_from([Fraction(1, 10)])),
    min_size=1,
    max_size=4,
)


def covers_exactly_once(table):
    below = [point for point in POINTS if point < TARGET]
    above = [point for point in POINTS if point >= TARGET]
    once = all(sum(point in tier for tier in table) == 1 for point in below)
    no_more = all(sum(point in tier for tier in table) <= 1 for point in above)
    return once and no_more and all(any(point in tier for point in POINTS) for tier in table)


def is_refused(table, rounding=None):
    findings = lint_sla(Sla("api", TARGET, tiers=tuple(table), rounding=rounding), "slas[0]")
    return any(finding.severity is Severity.REFUSED for finding in findings)


@given(tables)
def test_a_table_is_accepted_exactly_if_every_value_below_the_target_has_one_tier(table):
    assert is_refused(table) is not covers_exactly_once(table)


@given(
    st.lists(st.sampled_from(GRID[1:10]), unique=True, min_size=1, max_size=4).map(sorted),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.data(),
)
def test_a_mutated_bound_is_never_silently_accepted(cuts, closed, data):
    edges = [Fraction(0), *cuts, TARGET]
    closed = [True, *closed[: len(cuts)], False]
    table = [
        Tier(lower, closed[i], upper, i + 1 < len(cuts) + 1 and not closed[i + 1], Fraction(1, 10))
        for i, (lower, upper) in enumerate(pairwise(edges))
    ]
    assert not is_refused(table)
    index = data.draw(st.integers(0, len(table) - 1))
    tier = table[index]
    flipped = Tier(tier.lower, not tier.lower_inclusive, tier.upper, tier.upper_inclusive, tier.credit)
    assert is_refused([*table[:index], flipped, *table[index + 1 :]])
    assert is_refused([*table[:index], *table[index + 1 :]])
    assert is_refused([*table, tier])


def table_of(*tiers):
    return contract_text(
        {"tiers": [dict(zip(("from", "to", "credit_percent"), tier, strict=True)) for tier in tiers]}
    )


@pytest.mark.parametrize(
    "tiers, code, interval",
    [
        ([("99", "99.9", "10"), ("95", "98", "25"), ("0", "95", "50")], "TIER_GAP", "[98, 99)"),
        ([("99", "99.9", "10"), ("95", "99", "25")], "TIER_GAP", "[0, 95)"),
        ([("99", "99.5", "10"), ("0", "99", "25")], "TIER_GAP", "[99.5, 99.9)"),
        ([("98", "99.9", "10"), ("0", "99", "25")], "TIER_OVERLAP", "[98, 99)"),
        ([("99", "99.9", "25"), ("0", "99", "10")], "TIER_CREDIT_ORDER", "[0, 99)"),
        ([("99.9", "99", "10"), ("0", "99", "25")], "TIER_UNREACHABLE", "99"),
    ],
)
def test_the_interval_is_named(tiers, code, interval):
    with pytest.raises(Unusable) as refused:
        parse_contract(table_of(*tiers))
    finding = refused.value.findings[0]
    assert (finding.code, finding.where) == (code, "slas[0].tiers")
    assert interval in finding.message


def test_a_gap_that_no_rounded_value_can_fall_into_is_no_gap():
    table = [
        Tier(Fraction(95, 100), True, TARGET, False, Fraction(1, 10)),
        Tier(Fraction(0), True, Fraction(9499, 10000), True, Fraction(1, 4)),
    ]
    assert is_refused(table)
    assert not is_refused(table, Rounding(RoundingMode.HALF_UP, 2))
    assert is_refused(table, Rounding(RoundingMode.HALF_UP, 3))


@given(st.lists(st.sampled_from(GRID[1:10]), unique=True, min_size=1, max_size=4).map(sorted), st.data())
def test_a_tier_left_out_or_worth_less_than_a_better_one_is_refused(cuts, data):
    edges = [Fraction(0), *cuts, TARGET]
    count = len(edges) - 1
    table = [
        Tier(lower, True, upper, False, Fraction(count - index, 10))
        for index, (lower, upper) in enumerate(pairwise(edges))
    ]
    assert not is_refused(table)
    gone = data.draw(st.integers(0, count - 1))
    assert is_refused([tier for index, tier in enumerate(table) if index != gone])
    better = data.draw(st.integers(1, count - 1))
    raised = replace(table[better], credit=table[better - 1].credit + Fraction(1, 100))
    assert is_refused([*table[:better], raised, *table[better + 1 :]])
