"""A percentage of nothing is never signed as if it had been measured."""

import numpy as np
import pytest
from sla_months import attained, changed, codes, month, rules, run, window, without

from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.findings import State

MINUTES = 43_200
AGGREGATES = ("slices", "ratio_of_sums", "mean_of_ratios")
WHOLE_MONTH = window(0, MINUTES)


def message(assessment, code):
    return next(each.message for each in assessment.findings if each.code == code)


def nothing_signed(assessment):
    figures = assessment.slas[0].attainment
    return (assessment.state, figures.raw, figures.adjusted, assessment.credit) == (
        State.INCOMPLETE,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_a_month_without_a_request_is_up_and_says_so(aggregate):
    quiet = run(month(total=0), aggregate=aggregate)
    assert (quiet.state, attained(quiet), codes(quiet)) == (State.OK, 1, {"NO_TRAFFIC"})
    assert "no request in the whole period" in message(quiet, "NO_TRAFFIC")
    assert "no_traffic" in rules(quiet)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_where_idle_time_is_left_out_and_nothing_else_is_there_nothing_is_signed(aggregate):
    quiet = run(month(total=0), aggregate=aggregate, zero_traffic="exclude")
    assert nothing_signed(quiet)
    assert codes(quiet) == {"NOTHING_MEASURED"}


@pytest.mark.parametrize("zero_traffic", ["up", "exclude"])
def test_idle_minutes_are_counted_and_told_with_their_share(zero_traffic):
    samples = month()
    total = samples.total.copy()
    total[:432] = 0
    at = run(changed(samples, total=total, good=total), zero_traffic=zero_traffic)
    assert (at.state, codes(at)) == (State.OK, {"IDLE_MINUTES"})
    assert message(at, "IDLE_MINUTES").startswith("432 of 43200 minutes (1")
    assert codes(run(month())) == set()


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_exclusions_of_the_whole_period_leave_nothing_to_take_a_percentage_of(aggregate):
    at = run(month(down=MINUTES), [WHOLE_MONTH], aggregate=aggregate, denominator="minus_exclusions")
    assert nothing_signed(at)
    assert codes(at) == {"EVERYTHING_EXCLUDED"}


@pytest.mark.parametrize("denominator", ["calendar", "add_back", "subscribed"])
def test_where_excluded_time_counts_as_up_a_whole_excluded_period_warns(denominator):
    at = run(month(down=MINUTES), [WHOLE_MONTH], denominator=denominator)
    assert (at.state, attained(at), codes(at)) == (State.OK, 1, {"ALL_EXCLUDED"})
    assert at.slas[0].attainment.raw.attained.numerator == 0, "what was measured stands beside"


def test_one_minute_outside_the_exclusions_is_a_figure_again():
    at = run(month(down=MINUTES), [window(0, MINUTES - 1)], denominator="minus_exclusions")
    assert (at.state, attained(at), codes(at)) == (State.OK, 0, set())


def test_unsubscribed_time_is_no_witness_of_a_subscription_that_was_all_excluded():
    at = run(
        without(month(down=MINUTES), slice(0, 14_400)),
        [window(14_400, MINUTES - 14_400)],
        denominator="minus_exclusions",
        contract={"effective_from": "2026-06-11"},
    )
    assert nothing_signed(at)
    assert "EVERYTHING_EXCLUDED" in codes(at)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_a_contract_that_counts_gaps_as_up_still_needs_one_sample(aggregate):
    none = np.zeros(0, np.int64)
    at = run(Samples(none, none, none), aggregate=aggregate, missing_data="up")
    assert nothing_signed(at)
    assert codes(at) == {"MISSING_DATA_UP", "NOTHING_MEASURED"}


def test_samples_that_stand_for_five_minutes_are_named():
    at = run(month(every=5), slice="5m")
    assert (at.state, codes(at)) == (State.OK, {"FIVE_MINUTE_SAMPLES"})
    assert "other 4 minutes of a slice have no sample of their own" in message(at, "FIVE_MINUTE_SAMPLES")
    assert codes(run(month(), slice="5m")) == set()
