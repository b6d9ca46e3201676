"""How likely a promise is to be broken by the end of its period: exact values, and what must always hold."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, nextafter, ulp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.forecast.calculation import breach_probability, lost, outlook

MINUTE = Fraction(1)
DAYS = st.lists(st.integers(0, 12).map(Fraction), min_size=1, max_size=6)
SPARE = st.integers(0, 40).map(Fraction)


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
    days = [each * MINUTE for each in behind]
    assert breach_probability(days, days_left, spare * MINUTE) == pytest.approx(expected, abs=1e-12)


@given(DAYS, st.integers(0, 4), SPARE)
def test_it_is_the_share_of_all_ways_the_days_to_come_can_go(behind, days_left, spare):
    ways = list(product(behind, repeat=days_left))
    counted = Fraction(sum(sum(way) > spare for way in ways), len(ways))
    assert breach_probability(behind, days_left, spare) == pytest.approx(float(counted), abs=1e-9)


@given(DAYS, st.integers(0, 8), SPARE, st.integers(0, 45))
def test_more_downtime_so_far_is_never_less_likely_to_break_it(behind, days_left, spare, more):
    earlier = breach_probability(behind, days_left, spare)
    assert breach_probability(behind, days_left, spare - more) >= earlier - 1e-12


@given(DAYS, st.integers(0, 8), SPARE)
def test_another_day_to_come_is_never_less_likely_to_break_it(behind, days_left, spare):
    assert (
        breach_probability(behind, days_left + 1, spare)
        >= breach_probability(behind, days_left, spare) - 1e-12
    )


def test_a_day_is_the_share_of_it_that_was_bad():
    days = (Ratio(1440, 1440), Ratio(1430, 1440), Ratio(999, 1000), Ratio(0, 0))
    assert [lost(each) for each in days] == [0, 10, Fraction(36, 25), 0]


def minutes(*days: int) -> list[Fraction]:
    return [each * MINUTE for each in days]


def test_the_budget_is_what_the_target_leaves_of_all_days():
    found = outlook(Fraction(999, 1000), minutes(*[0] * 9, 10), 20, minutes(*[0] * 13, 10))
    assert (found.budget, found.used, found.left) == (43, 10, 33)
    assert (found.days_left, found.days_behind) == (20, 14)
    # More than three more days of ten minutes: 1 - P(at most three of twenty at one in fourteen).
    at_most_three = sum(
        ways * (1 / 14) ** bad * (13 / 14) ** (20 - bad) for bad, ways in enumerate((1, 20, 190, 1140))
    )
    assert found.likelihood == pytest.approx(1 - at_most_three, abs=1e-12)


def test_one_failed_request_a_day_does_not_break_a_promise_of_999_and_a_half_per_mille():
    target, day = Fraction(9995, 10000), lost(Ratio(99_999, 100_000))
    found = outlook(target, [day] * 22, 8, [day] * 22)
    assert (found.budget, found.used, found.left) == (21, 0, 21)
    assert found.likelihood is not None
    assert 0 < found.likelihood < 1e-9


@pytest.mark.parametrize(
    ("so_far", "days_left", "behind", "expected"),
    [
        # All days behind are good, and yet one to come may not be; all are bad, and yet one may be better.
        ([0] * 20, 10, [0] * 20, ulp(0.0)),
        ([4] * 10, 20, [4] * 14, nextafter(1.0, 0.0)),
        # 0.1 % of 30 days are 43.2 minutes.
        ([Fraction(432, 10)], 0, [0] * 14, 0.0),
        ([Fraction(432, 10) + Fraction(1, 10**9)], 29, [0] * 14, 1.0),
    ],
)
def test_certain_is_said_only_when_no_day_to_come_can_change_it(so_far, days_left, behind, expected):
    found = outlook(
        Fraction(999, 1000),
        [each * MINUTE for each in so_far] + minutes(*[0] * (30 - len(so_far) - days_left)),
        days_left,
        minutes(*behind),
    )
    assert found.likelihood == expected
    assert (found.left < 0) == (expected == 1.0)


def test_days_without_a_common_measure_are_counted_finely_enough():
    # A good day loses next to nothing, a bad one a seventh of what may be lost: eight of thirty are too many.
    behind = [Fraction(1, each) for each in (10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079, 10091)]
    behind += [Fraction(100_003, 10**5 + each) for each in (1, 2, 4)]
    at_most_seven = sum(comb(30, bad) * (1 / 4) ** bad * (3 / 4) ** (30 - bad) for bad in range(8))
    assert breach_probability(behind, 30, Fraction(15, 2)) == pytest.approx(1 - at_most_seven, abs=1e-12)


def test_with_too_few_days_behind_nothing_is_said_unless_it_is_decided():
    assert outlook(Fraction(999, 1000), minutes(0), 29, minutes(*[0] * 13)).likelihood is None
    assert outlook(Fraction(999, 1000), minutes(44), 29, minutes(44)).likelihood == 1.0
    assert outlook(Fraction(999, 1000), minutes(43), 0, minutes(43)).likelihood == 1.0
    assert outlook(Fraction(99, 100), minutes(14), 0, minutes(14)).likelihood == 0.0
