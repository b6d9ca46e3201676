"""Every row of the worked cases, by number, through the real engine."""

import numpy as np
import pytest
from sla_months import (
    T10_25_100,
    changed,
    codes,
    contract_text,
    credit,
    month,
    percent,
    rules,
    run,
    tiers,
    window,
)

from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.findings import State, Unusable

AUTH0 = (("5", "99.9"), ("10", "99.0"), ("20", "95.0"), ("50", "0"))


@pytest.mark.parametrize(
    "row, label, target, steps, down, shown, credit_percent",
    [
        (1, "2026-06", "99.9", T10_25_100, 43, "99.900462", 0),
        (2, "2026-06", "99.9", T10_25_100, 432, "99.000000", 10),
        (3, "2026-06", "99.9", T10_25_100, 433, "98.997685", 25),
        (4, "2026-06", "99.9", T10_25_100, 2161, "94.997685", 100),
        (4, "2026-06", "99.9", (("10", "99.0"), ("25", "95.0"), ("50", "0")), 2161, "94.997685", 50),
        (5, "2026-02", "99.9", T10_25_100, 41, "99.898313", 10),
        (5, "2024-02", "99.9", T10_25_100, 41, "99.901819", 0),
        (5, "2026-06", "99.9", T10_25_100, 41, "99.905092", 0),
        (5, "2026-07", "99.9", T10_25_100, 41, "99.908154", 0),
        (10, "2026-06", "99.99", T10_25_100, 4, "99.990740", 0),
        (10, "2026-06", "99.99", T10_25_100, 5, "99.988425", 10),
        (11, "2026-06", "99.90", T10_25_100, 60, "99.861111", 10),
        (12, "2026-07", "99.995", T10_25_100, 2, "99.995519", 0),
        (12, "2026-07", "99.995", T10_25_100, 3, "99.993279", 10),
        (17, "2026-06", "99.99", AUTH0, 5, "99.988425", 5),
        (17, "2026-06", "99.99", AUTH0, 44, "99.898148", 10),
        (17, "2026-06", "99.99", AUTH0, 433, "98.997685", 20),
        (17, "2026-06", "99.99", AUTH0, 2161, "94.997685", 50),
    ],
)
def test_down_minutes_give_the_credit_of_their_tier(row, label, target, steps, down, shown, credit_percent):
    result = run(month(label, down=down), label=label, target=target, tiers=tiers(*steps, target=target))
    assert result.state is State.OK, row
    assert percent(result) == shown  # cut, where the table of cases rounds
    assert credit(result) == credit_percent
    assert result.slas[0].attainment.adjusted.down_minutes == down


@pytest.mark.parametrize("partial, shown, credit_percent", [(64, "99.900000", 0), (65, "99.899884", 10)])
@pytest.mark.parametrize("every", [1, 5])
def test_rows_6_and_7_the_mean_of_interval_error_rates(every, partial, shown, credit_percent):
    samples = month(down=8 * 5 // every, every=every)
    good = samples.good.copy()
    good[40 // every : 45 // every] = 100 - partial
    result = run(changed(samples, good=good), slice="5m", aggregate="mean_of_ratios")
    assert percent(result) == shown
    assert credit(result) == credit_percent


@pytest.mark.parametrize("aggregate", ["slices", "mean_of_ratios", "ratio_of_sums"])
def test_row_8_a_month_without_requests_is_attained_but_one_without_samples_is_not(aggregate):
    result = run(month(total=0), aggregate=aggregate)
    assert (percent(result), credit(result), result.state) == ("100.000000", 0, State.OK)
    empty = np.zeros(0, np.int64)
    missing = run(Samples(empty, empty, empty), aggregate=aggregate)
    assert missing.state is State.INCOMPLETE
    assert missing.credit is None
    assert missing.slas[0].attainment.adjusted is None


def test_row_9_ten_failures_of_fifty_seconds_inside_separate_minutes_are_no_downtime():
    samples = month(total=60)
    good = samples.good.copy()
    good[::4320] = 10
    assert percent(run(changed(samples, good=good))) == "100.000000"
    # The same by minutes that are wholly down, where the contract asks for two in a row.
    good[::4320] = 0
    result = run(changed(samples, good=good), min_run=2)
    assert (percent(result), credit(result)) == ("100.000000", 0)


def test_row_11_a_slice_is_down_when_more_than_five_percent_fail():
    samples = month()
    good = samples.good.copy()
    good[:60] = 94
    good[60:120] = 95  # exactly five percent is not more than five percent
    result = run(changed(samples, good=good), slice_rule="error_ratio > 0.05", target="99.90")
    assert percent(result, 3) == "99.861"
    assert credit(result) == 10


@pytest.mark.parametrize(
    "denominator, shown, credit_percent", [("calendar", "99.930555", 0), ("subscribed", "99.791666", 10)]
)
def test_row_13_a_customer_of_ten_days(denominator, shown, credit_percent):
    late = month(down=30, start=20 * 1440)
    late = Samples(late.minutes[20 * 1440 :], late.total[20 * 1440 :], late.good[20 * 1440 :])
    result = run(late, denominator=denominator, contract={"effective_from": "2026-06-21"})
    assert (result.state, percent(result), credit(result)) == (State.OK, shown, credit_percent)
    assert "subscription" in rules(result)


@pytest.mark.parametrize(
    "denominator, shown, credit_percent",
    [("add_back", "99.950716", 0), ("minus_exclusions", "99.949074", 10)],
)
def test_row_14_excluded_time_added_back_or_taken_away(denominator, shown, credit_percent):
    samples = month("2026-07", down=22 + 1440, start=29 * 1440 - 22)
    maintenance = window((30 + 29) * 1440, 1440)  # 30 July; windows count from 1 June
    result = run(samples, [maintenance], label="2026-07", target="99.95", denominator=denominator)
    assert percent(result) == shown
    assert credit(result) == credit_percent
    assert result.slas[0].attainment.raw.down_minutes == 1462
    assert result.slas[0].attainment.adjusted.down_minutes == 22


def test_row_15_a_table_that_leaves_out_one_point_is_refused_by_name():
    table = [
        {"from": "99.0", "from_inclusive": False, "to": "99.9", "credit_percent": 10},
        {"to": "99.0", "credit_percent": 25},
    ]
    with pytest.raises(Unusable) as refused:
        parse_contract(contract_text({"tiers": table}))
    assert [finding.code for finding in refused.value.findings] == ["TIER_GAP"]
    assert "exactly 99" in refused.value.findings[0].message


def test_row_16_a_credit_where_the_target_is_met_is_flagged_and_disputed():
    table = [{"to": "99.9", "to_inclusive": True, "credit_percent": 10}]
    samples = month(total=0)
    total, good = samples.total.copy(), samples.good.copy()
    total[0], good[0] = 1_000_000, 999_000
    at = run(changed(samples, total=total, good=good), aggregate="ratio_of_sums", tiers=table)
    assert at.state is State.DISPUTED
    assert at.credit is None
    assert any("contradictory at exactly 99.9" in finding.message for finding in at.findings)
    good[0] = 998_999
    below = run(changed(samples, total=total, good=good), aggregate="ratio_of_sums", tiers=table)
    assert (below.state, credit(below)) == (State.OK, 10)
    assert codes(below) == {"TARGET_CONTRADICTED", "IDLE_MINUTES"}


@pytest.mark.parametrize("fee, amount, rule", [("10.00", "0.00", "minimum"), ("10.01", "1.00", "money")])
def test_row_18_compare_with_the_minimum_then_round(fee, amount, rule):
    result = run(month(down=432), minimum_credit="1.00", contract={"fee": fee})
    assert credit(result) == 10
    assert result.credit.amount.decimal == amount
    assert [each.id for each in result.credit.rules] == [rule]


def test_row_19_weighted_requests():
    samples = month(total=0)
    at = {"total": 1_000_000, "1": 974_900, "10": 994_900, "+Inf": 995_000}
    columns = {}
    for name, count in at.items():
        columns[name] = np.zeros(43200, np.int64)
        columns[name][0] = count
    total = columns.pop("total")
    result = run(
        changed(samples, total=total, good=columns["+Inf"], buckets=columns),
        target="99.5",
        aggregate="ratio_of_sums",
        weights=[{"le": "1", "weight": "1"}, {"le": "10", "weight": "0.5"}],
        tiers=tiers(("5", "0"), target="99.5"),
    )
    assert percent(result) == "98.490000"
    assert (result.slas[0].verdict.met, credit(result)) == (False, 5)


@pytest.mark.parametrize("events, failed, down", [(99, 99, 0), (100, 11, 1), (100, 10, 0)])
def test_row_20_minimum_of_events_and_strict_inequality(events, failed, down):
    samples = month(total=100)
    total, good = samples.total.copy(), samples.good.copy()
    total[7], good[7] = events, events - failed
    result = run(
        changed(samples, total=total, good=good), slice_rule="error_ratio > 0.10", min_events_per_slice=100
    )
    assert result.slas[0].attainment.adjusted.down_minutes == down


@pytest.mark.parametrize("label, minutes", [("2026-03", 44_580), ("2026-11", 43_260), ("2026-10", 44_640)])
def test_row_21_months_of_denver_have_the_minutes_they_really_had(label, minutes):
    result = run(month(label, "America/Denver"), label=label, time_zone="America/Denver")
    assert result.state is State.OK
    assert result.slas[0].attainment.adjusted.attained.denominator == minutes
    assert sum(day.figure.attained.denominator for day in result.slas[0].attainment.days) == minutes


def test_row_21_october_in_denver_starts_at_six_in_utc():
    assert parse_period("2026-10", "America/Denver").start.isoformat() == "2026-10-01T06:00:00+00:00"
