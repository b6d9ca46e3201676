"""How likely a promise is to be broken by the end of its period: exact values, and what must always hold."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.forecast.calculation import breach_probability, lost, outlook

DAYS = st.lists(st.integers(0, 12), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("behind", "days_left", "spare", "expected"),
    [
        ([0, 0, 0, 0], 10, 0, 0.0),
        ([10], 2, 20, 0.0),
        ([10], 2, 19, 1.0),
        ([0, 10], 1, 9, 0.5),
        ([0, 10], 1, 10, 0.0),
        ([0, 0, 0, 10], 2, 9, 1 - (3 / 4) ** 2),
        ([0, 0, 0, 10], 2, 19, 1 / 16),
        ([0, 1, 2], 2, 2, 3 / 9),
        ([0, 1440], 3, -1, 1.0),
        ([1440], 0, 0, 0.0),
    ],
)
def test_the_chance_is_counted(behind: list[int], days_left: int, spare: int, expected: float):
    assert breach_probability(behind, days_left, spare) == pytest.approx(expected, abs=1e-12)


@given(DAYS, st.integers(0, 4), st.integers(0, 30))
def test_it_is_the_share_of_all_ways_the_days_to_come_can_go(behind, days_left, spare):
    ways = list(product(behind, repeat=days_left))
    counted = Fraction(sum(sum(way) > spare for way in ways), len(ways))
    assert breach_probability(behind, days_left, spare) == pytest.approx(float(counted), abs=1e-9)


@given(DAYS, st.integers(0, 8), st.integers(-5, 40), st.integers(0, 10))
def test_more_downtime_so_far_is_never_less_likely_to_break_it(behind, days_left, spare, more):
    earlier = breach_probability(behind, days_left, spare)
    assert breach_probability(behind, days_left, spare - more) >= earlier - 1e-12


@given(DAYS, st.integers(0, 8), st.integers(0, 40))
def test_another_day_to_come_is_never_less_likely_to_break_it(behind, days_left, spare):
    assert (
        breach_probability(behind, days_left + 1, spare)
        >= breach_probability(behind, days_left, spare) - 1e-12
    )


def test_a_day_is_the_share_of_it_that_was_bad_rounded_up():
    assert [lost(each) for each in (Ratio(1440, 1440), Ratio(1430, 1440), Ratio(999, 1000), Ratio(0, 0))] == [
        0, 10, 2, 0,
    ]  # fmt: skip


def test_the_budget_is_what_the_target_leaves_of_all_days():
    found = outlook(Fraction(999, 1000), [0] * 9 + [10], 20, [0] * 13 + [10])
    assert (found.budget, found.used, found.left) == (43, 10, 33)
    assert (found.days_left, found.days_behind) == (20, 14)
    # More than three more days of ten minutes: 1 - P(at most three of twenty at one in fourteen).
    at_most_three = sum(
        ways * (1 / 14) ** bad * (13 / 14) ** (20 - bad) for bad, ways in enumerate((1, 20, 190, 1140))
    )
    assert found.likelihood == pytest.approx(1 - at_most_three, abs=1e-12)


def test_with_too_few_days_behind_nothing_is_said_unless_it_is_decided():
    assert outlook(Fraction(999, 1000), [0], 29, [0] * 13).likelihood is None
    assert outlook(Fraction(999, 1000), [44], 29, [44]).likelihood == 1.0
    assert outlook(Fraction(999, 1000), [43], 0, [43]).likelihood == 1.0
    assert outlook(Fraction(99, 100), [14], 0, [14]).likelihood == 0.0
