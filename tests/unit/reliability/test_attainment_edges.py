"""Behaviour at the edges: exclusions, gaps, repeats, impossible counts, bounds, caps."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sla_months import (
    JUNE,
    attained,
    changed,
    codes,
    credit,
    month,
    ratio,
    rules,
    run,
    sla,
    tiers,
    window,
    without,
)

from trust_portal.reliability.attainment.calculation import mean_terms
from trust_portal.reliability.attainment.model import ABSENT, Exclusion, Samples
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.findings import State, Unusable
from trust_portal.reliability.reports.assessment import assess, widened


def down_minutes(result):
    figures = result.slas[0].attainment
    return figures.raw.down_minutes, figures.adjusted.down_minutes


def outcomes(result):
    return [(each.exclusion.window, each.code, each.minutes) for each in result.slas[0].attainment.exclusions]


def test_overlapping_exclusions_are_a_union():
    result = run(month(down=60), [window(0, 40), window(20, 40, name="MW-2")], denominator="minus_exclusions")
    assert down_minutes(result) == (60, 0)
    assert attained(result) == 1
    assert result.slas[0].attainment.adjusted.attained.denominator == 43200 - 60


def test_an_incident_partly_inside_maintenance_counts_only_outside_it():
    result = run(month(down=30, start=100), [window(110, 600)])
    assert down_minutes(result) == (30, 10)
    incident = result.slas[0].attainment.runs[0]
    assert (incident.minutes, incident.excluded_minutes) == (30, 20)


def test_an_exclusion_is_clipped_to_the_period():
    early = Exclusion("MW-0", JUNE - timedelta(days=2), JUNE + timedelta(minutes=5), JUNE - timedelta(days=9))
    result = run(month(down=10), [early], denominator="minus_exclusions")
    assert outcomes(result) == [("MW-0", "COUNTED", 5)]
    assert result.slas[0].attainment.adjusted.attained.denominator == 43195


def test_an_exclusion_of_another_month_changes_nothing():
    result = run(month(down=10), [window(50_000, 60)])
    assert outcomes(result) == [("MW-1", "OUTSIDE_PERIOD", 0)]
    assert down_minutes(result) == (10, 10)


@pytest.mark.parametrize("hours, code", [(72, "COUNTED"), (71.99, "SHORT_NOTICE")])
def test_without_the_agreed_notice_an_exclusion_does_not_count(hours, code):
    ahead = timedelta(hours=hours)
    result = run(
        month(down=10), [window(0, 60, announced=ahead)], contract={"exclusions": {"notice_hours": 72}}
    )
    assert outcomes(result)[0][1] == code
    assert down_minutes(result) == (10, 0 if code == "COUNTED" else 10)


@pytest.mark.parametrize(
    "approvals, code",
    [((), "AFTER_THE_FACT"), (("ann", "ann"), "AFTER_THE_FACT"), (("ann", "bo"), "COUNTED")],
)
def test_recorded_after_the_fact_an_exclusion_needs_two_persons_and_the_raw_value_stays(approvals, code):
    late = window(0, 60, announced=-timedelta(minutes=1), approvals=approvals)
    result = run(month(down=10), [late])
    assert outcomes(result)[0][1] == code
    assert down_minutes(result) == (10, 0 if code == "COUNTED" else 10)


RECORD = JUNE - timedelta(days=30)


@pytest.mark.parametrize(
    "recorded, code, why",
    [
        (-timedelta(days=7), "COUNTED", "announced in time"),
        (
            -timedelta(hours=2),
            "SHORT_NOTICE",
            "recorded 2026-05-31T22:00:00Z, less than 72 hours before its start",
        ),
        (
            timedelta(days=20),
            "AFTER_THE_FACT",
            "recorded 2026-06-21T00:00:00Z, after its start, without two approvals",
        ),
    ],
)
def test_what_the_sender_claims_is_judged_by_when_it_was_received(recorded, code, why):
    claimed = window(0, 60, recorded_at=JUNE + recorded, record_began_at=RECORD)
    result = run(month(down=10), [claimed], contract={"exclusions": {"notice_hours": 72}})
    (outcome,) = result.slas[0].attainment.exclusions
    assert (outcome.code, outcome.why) == (code, why)
    assert down_minutes(result) == (10, 0 if code == "COUNTED" else 10)


def test_a_claim_later_than_its_receipt_is_judged_by_the_claim():
    early = window(
        0, 60, announced=timedelta(hours=1), recorded_at=JUNE - timedelta(days=9), record_began_at=RECORD
    )
    result = run(month(down=10), [early], contract={"exclusions": {"notice_hours": 72}})
    assert outcomes(result)[0][1] == "SHORT_NOTICE"


@pytest.mark.parametrize("began, code", [(timedelta(minutes=1), "COUNTED"), (timedelta(0), "AFTER_THE_FACT")])
def test_only_of_a_window_before_the_record_began_the_claim_alone_counts_and_it_is_said(began, code):
    history = window(0, 60, recorded_at=JUNE + timedelta(days=30), record_began_at=JUNE + began)
    result = run(month(down=10), [history])
    (outcome,) = result.slas[0].attainment.exclusions
    assert outcome.code == code
    assert ("announcement as the vendor states it" in outcome.why) is (code == "COUNTED")


def test_excluded_time_ends_at_the_agreed_cap_with_the_earliest_first():
    terms = {"exclusions": {"cap_hours": 1}}
    result = run(month(down=200), [window(90, 60, name="MW-2"), window(0, 40)], contract=terms)
    assert outcomes(result) == [("MW-1", "COUNTED", 40), ("MW-2", "CAPPED", 20)]
    assert down_minutes(result) == (200, 140)


def test_an_exclusion_for_other_objectives_is_not_even_listed():
    result = run(month(down=10), [window(0, 60, objectives=("web",))])
    assert (outcomes(result), down_minutes(result)) == ([], (10, 10))


def test_only_whole_minutes_are_excluded():
    half = Exclusion(
        "MW-1", JUNE + timedelta(seconds=30), JUNE + timedelta(seconds=150), JUNE - timedelta(days=9)
    )
    assert down_minutes(run(month(down=10), [half])) == (10, 9)
    first = replace(half, end=JUNE + timedelta(seconds=90))
    second = replace(half, start=JUNE + timedelta(seconds=90), window="MW-2")
    assert down_minutes(run(month(down=10), [first, second])) == (10, 9)


def test_a_duplicate_with_the_same_value_collapses_with_a_note():
    samples = month(down=43)
    doubled = Samples(*(np.concatenate((c, c[:5])) for c in (samples.minutes, samples.total, samples.good)))
    result = run(doubled)
    assert (result.state, codes(result)) == (State.OK, {"SAMPLE_DUPLICATE"})
    assert attained(result) == attained(run(samples))


def test_a_duplicate_with_another_value_stops_the_report():
    samples = month()
    doubled = Samples(*(np.concatenate((c, c[:1])) for c in (samples.minutes, samples.total, samples.good)))
    doubled.good[-1] = 99
    result = run(doubled)
    assert (result.state, codes(result), result.credit) == (State.DISPUTED, {"SAMPLE_CONFLICT"}, None)
    assert "2026-06-01T00:00:00Z" in result.findings[0].message


@pytest.mark.parametrize("policy, minutes", [("up", 0), ("down", 3)])
def test_missing_data_follows_the_contract(policy, minutes):
    result = run(without(month(), [5, 6, 700]), missing_data=policy)
    assert (result.state, down_minutes(result)) == (State.OK, (minutes, minutes))


def test_missing_data_fails_closed_by_default_and_names_the_minutes():
    result = run(without(month(), [5, 6, 700]))
    assert (result.state, codes(result), result.credit) == (State.INCOMPLETE, {"MISSING_DATA"}, None)
    assert "3 minutes" in result.findings[0].message
    assert "2026-06-01T00:05:00Z to 2026-06-01T00:07:00Z" in result.findings[0].message


def test_missing_data_inside_counted_maintenance_is_only_noted():
    result = run(without(month(), [5, 6]), [window(0, 60)])
    assert (result.state, codes(result)) == (State.OK, {"MISSING_DATA_EXCLUDED"})


def test_missing_requests_cannot_be_added_to_a_sum():
    result = run(without(month(), [5]), missing_data="down", aggregate="ratio_of_sums")
    assert (result.state, codes(result)) == (State.INCOMPLETE, {"MISSING_DATA_UNCOUNTABLE"})


def test_a_missing_slice_counts_as_failed_in_a_mean_where_the_contract_says_down():
    result = run(without(month(), [5, 6]), missing_data="down", aggregate="mean_of_ratios")
    assert attained(result) == ratio(43198, 43200)


def test_slices_without_requests_can_leave_the_denominator():
    samples = month(down=10)
    total, good = samples.total.copy(), samples.good.copy()
    total[100:200] = good[100:200] = 0
    idle = changed(samples, total=total, good=good)
    assert attained(run(idle)) == ratio(43190, 43200)
    assert attained(run(idle, zero_traffic="exclude")) == ratio(43090, 43100)
    assert attained(run(idle, zero_traffic="exclude", aggregate="mean_of_ratios")) == ratio(43090, 43100)


@pytest.mark.parametrize(
    "good, total, causes",
    [
        (101, 100, ["have more good than total"]),
        (-1, 100, ["have a negative good"]),
        (ABSENT, 100, ["do not count good requests (good is empty)"]),
        (0, -1, ["have a negative total", "have more good than total"]),
        (0, 2**53 + 1, ["have a total beyond 2^53"]),
    ],
)
def test_counts_no_counter_can_have_are_disputed_by_their_cause(good, total, causes):
    samples = month()
    samples.good[9], samples.total[9] = good, total
    result = run(samples)
    assert (result.state, codes(result)) == (State.DISPUTED, {"COUNTS_IMPOSSIBLE"})
    assert [each.message for each in result.findings] == [
        f"1 samples {cause}: 2026-06-01T00:09:00Z" for cause in causes
    ]


def test_a_latency_objective_takes_good_from_its_bucket():
    samples = month()
    samples = changed(samples, buckets={"0.5": samples.total - 1, "+Inf": samples.total})
    result = run(samples, latency_threshold="0.50", aggregate="ratio_of_sums", target="99.5")
    assert attained(result) == ratio(99, 100)


def test_a_latency_threshold_that_is_no_bucket_bound_is_refused_never_interpolated():
    samples = month()
    samples = changed(samples, buckets={"0.25": samples.good, "1": samples.good})
    with pytest.raises(Unusable) as refused:
        run(samples, latency_threshold="0.5")
    assert refused.value.code == "THRESHOLD_NOT_A_BOUND"
    assert "0.25, 1" in refused.value.message


def test_buckets_that_shrink_are_disputed():
    samples = month()
    samples = changed(samples, buckets={"0.25": samples.total, "0.5": samples.total - 1})
    result = run(samples, latency_threshold="0.25")
    assert codes(result) == {"COUNTS_IMPOSSIBLE"}
    assert "have less in le_0.5 than in the narrower le_0.25" in result.findings[0].message


def test_samples_outside_the_period_are_ignored_with_a_note():
    samples = month()
    later = Samples(
        np.append(samples.minutes, samples.minutes[-1] + 1),
        np.append(samples.total, 9),
        np.append(samples.good, 0),
    )
    result = run(later)
    assert (result.state, codes(result), attained(result)) == (State.OK, {"SAMPLE_OUTSIDE_PERIOD"}, 1)


def test_measurements_nobody_promised_are_ignored_with_a_note():
    result = assess(parse_contract(_text()), {"api": month(), "web": month(down=9)}, (), "2026-06")
    assert (codes(result), credit(result)) == ({"OBJECTIVE_NOT_PROMISED"}, 0)


def _text(**fields):
    import json

    base = {"tenant": "a", "currency": "EUR", "fee": "10.00", "slas": [sla()]}
    return json.dumps(base | fields)


def test_short_runs_do_not_count_and_the_slice_after_them_does():
    samples = month(down=2)
    samples.good[10:13] = 0
    assert down_minutes(run(samples, min_run=3)) == (3, 3)
    assert "min_run" in rules(run(samples, min_run=3))


def test_five_minute_slices_are_judged_on_their_sums():
    samples = month()
    samples.good[0] = 74  # 26 of 500 requests of its slice
    samples.good[5] = 75  # 25 of 500: exactly 5 %
    assert down_minutes(run(samples, slice="5m", slice_rule="error_ratio > 0.05")) == (5, 5)
    assert down_minutes(run(samples, slice="5m", slice_rule="error_ratio >= 0.05")) == (10, 10)


def test_a_source_that_measures_once_per_slice_owes_no_more():
    result = run(month(every=5, down=2), slice="5m")
    assert (result.state, down_minutes(result)) == (State.OK, (10, 10))
    assert "interval" in rules(result)
    assert run(without(month(every=5), [3]), slice="5m").state is State.INCOMPLETE


def test_a_quarter_is_assessed_as_one_period():
    result = run(month("2026-Q2", down=132), label="2026-Q2", period="quarter")
    assert attained(result) == ratio(91 * 1440 - 132, 91 * 1440)
    assert not result.slas[0].verdict.met


def test_a_month_asked_of_a_quarterly_contract_is_answered_for_its_quarter_with_a_note():
    contract = parse_contract(_text(slas=[sla(period="quarter")]))
    label, notes = widened(contract, "2026-06")
    assert (label, notes[0].code) == ("2026-Q2", "PERIOD_WIDENED")
    assert widened(parse_contract(_text()), "2026-06") == ("2026-06", ())


@pytest.mark.parametrize("denominator", ["calendar", "subscribed"])
def test_time_after_the_end_of_a_subscription_is_never_passed_over_in_silence(denominator):
    # Ten days down from 20 June, the subscription ended on the 15th: nothing of it is judged, and said so.
    outage = month(down=14_400, start=19 * 1440)
    result = run(outage, denominator=denominator, contract={"effective_to": "2026-06-15"})
    note = next(each for each in result.findings if each.code == "SAMPLE_OUTSIDE_SUBSCRIPTION")
    assert note.message == (
        "23040 samples of the period lie outside the subscription (until 2026-06-15T00:00:00Z) and are not "
        "judged; 14400 of them have requests that failed"
    )
    rule = next(each for each in result.slas[0].attainment.rules if each.id == "subscription")
    assert rule.text.startswith("subscribed for 20160 of 43200 minutes; the rest is ")
    whole = {"calendar": 43_200, "subscribed": 20_160}[denominator]
    assert result.slas[0].attainment.adjusted.attained.denominator == whole
    assert ("SUBSCRIBED_PART_OF_PERIOD" in codes(result)) is (denominator == "calendar")
    assert "SAMPLE_OUTSIDE_PERIOD" not in codes(result)


def test_a_contract_that_is_not_in_force_is_refused():
    with pytest.raises(Unusable) as refused:
        run(month(), contract={"effective_from": "2026-07-01"})
    assert refused.value.code == "CONTRACT_NOT_IN_FORCE"


def test_excluded_failures_count_as_good_unless_their_requests_are_taken_away():
    samples = month(down=10)
    kept = run(samples, [window(0, 5)], aggregate="ratio_of_sums", denominator="add_back")
    gone = run(samples, [window(0, 5)], aggregate="ratio_of_sums", denominator="minus_exclusions")
    assert attained(kept) == ratio(43195, 43200)
    assert attained(gone) == ratio(43190, 43195)


def test_a_mean_over_many_different_totals_is_exact():
    samples = month()
    total = np.arange(1, 43201, dtype=np.int64) % 97 + 1
    result = run(changed(samples, total=total, good=total - 1), aggregate="mean_of_ratios")
    expected = 1 - sum((ratio(1, int(value)) for value in total.tolist()), ratio(0, 1)) / 43200
    assert attained(result) == expected


def test_terms_of_a_mean_are_added_by_their_denominator():
    assert mean_terms(np.array([1, 2, 1]), np.array([3, 5, 3])) == ratio(2, 3) + ratio(2, 5)
    assert mean_terms(np.array([], np.int64), np.array([], np.int64)) == 0


@pytest.mark.parametrize(
    "mode, digits, met", [("half_up", 2, True), ("down", 2, False), ("half_up", 4, False), ("up", 1, True)]
)
def test_rounding_is_applied_before_the_target(mode, digits, met):
    # 45 of 43,200 minutes down: 99.8958333… %
    result = run(month(down=45), rounding={"mode": mode, "digits": digits})
    assert result.slas[0].verdict.met is met
    assert result.slas[0].attainment.adjusted.attained.value == ratio(43155, 43200)


def test_a_tier_table_with_an_open_top_bound_covers_one_hundred():
    table = [*tiers(("10", "0")), {"from": "99.9", "credit_percent": "0"}]
    assert credit(run(month(), tiers=table)) == 0
