"""What fits an episode of cost, how well, and why."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trust_portal.cost.explanation.evidence import (
    AdapterBehaviour,
    Deploy,
    Episode,
    EventReference,
    FlagStep,
    FoundCause,
    HeavyOperation,
    LinkKind,
    Strength,
)
from trust_portal.cost.explanation.links import find_links

ONSET = datetime(2026, 6, 10, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENT = EventReference("ci", "e-1")
EXPORTS = FoundCause({"label:flag": "bulk-export", "operation": "export"}, 0.8)


def episode(**changes):
    excess = {ONSET + hour * HOUR: Decimal(10 if 0 <= hour < 6 else 0) for hour in range(-6, 8)}
    return Episode(
        **{
            "tenant": "acme",
            "subsystem": "egress",
            "onset": ONSET,
            "peak": ONSET + 3 * HOUR,
            "end": ONSET + 6 * HOUR,
            "excess": excess,
            **changes,
        }
    )


def flag(**changes):
    given = {
        "flag": "bulk-export", "variant": "on", "percentage": 50.0, "previous_percentage": 0.0,
        "at": ONSET + timedelta(minutes=5), "tenants": frozenset({"acme"}), "reference": EVENT,
    }  # fmt: skip
    return FlagStep(**{**given, **changes})


def deploy(**changes):
    given = {
        "service": "exporter", "version": "2.4", "previous": "2.3", "at": ONSET - 2 * HOUR, "tenants": None,
        "reference": EVENT,
    }  # fmt: skip
    return Deploy(**{**given, **changes})


def operation(**changes):
    given = {
        "operation": "export", "resource": "warehouse", "subsystem": "egress", "at": ONSET + 5 * HOUR,
        "duration": 5 * HOUR, "quantity": Decimal(900), "unit": "GB", "usual": Decimal(100),
        "initiated_by": "j.doe", "reference": EventReference("jobs", "op-7", "receipt-7"),
    }  # fmt: skip
    return HeavyOperation(**{**given, **changes})


def adapter(**changes):
    given = {
        "adapter": "s3", "at": ONSET, "calls": 1000, "errors": 300, "retries": 500, "volume": 100,
        "calls_before": 1000, "errors_before": 10, "retries_before": 20, "volume_before": 100,
        "reference": EVENT,
    }  # fmt: skip
    return AdapterBehaviour(**{**given, **changes})


def test_a_flag_for_this_tenant_that_names_the_cause_is_a_strong_link_with_all_its_reasons():
    (link,) = find_links(episode(), [EXPORTS], [flag()])
    assert (link.kind, link.key, link.strength, link.score) == (
        LinkKind.FLAG,
        "bulk-export",
        Strength.STRONG,
        0.93,
    )
    assert link.reasons == (
        "in the hour in which cost began to rise",
        "made for this tenant alone",
        "80% of the difference lies where label:flag is bulk-export",
        "the excess followed the percentage in 1 of 1 steps",
    )
    assert link.reference == EVENT


def test_a_change_for_other_tenants_is_no_link():
    assert find_links(episode(), [EXPORTS], [flag(tenants=frozenset({"globex"}))]) == []


def test_a_change_after_the_peak_is_no_link():
    assert find_links(episode(), [EXPORTS], [flag(at=ONSET + 4 * HOUR)]) == []


def test_a_change_after_the_onset_may_only_have_made_it_worse():
    (link,) = find_links(episode(), [EXPORTS], [flag(at=ONSET + 2 * HOUR)])
    assert link.strength is Strength.WEAK
    assert link.reasons[0] == "2 h after the rise began, before its peak"


@pytest.mark.parametrize(("hours", "strength"), [(1, Strength.WEAK), (2, Strength.WEAK)])
def test_a_deploy_to_everybody_that_names_no_cause_is_a_weak_link(hours, strength):
    (link,) = find_links(episode(), [EXPORTS], [deploy(at=ONSET - hours * HOUR)])
    assert link.strength is strength
    assert link.reasons == (
        f"{hours * 60 if hours < 2 else 2} {'min' if hours < 2 else 'h'} before cost began to rise",
        "reached all tenants",
    )


def test_the_longer_ago_the_weaker_until_it_is_none():
    scores = [
        link.score
        for hours in (1, 4, 8)
        for link in find_links(
            episode(), [FoundCause({"version": "2.4"}, 0.9)], [deploy(at=ONSET - hours * HOUR)]
        )
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    assert find_links(episode(), [], [deploy(at=ONSET - 24 * HOUR)]) == []


def test_a_ramp_is_judged_by_whether_the_excess_followed_its_steps():
    ramp = [
        flag(percentage=10.0, previous_percentage=0.0, at=ONSET),
        flag(percentage=50.0, previous_percentage=10.0, at=ONSET + 2 * HOUR),
    ]
    followed = {
        ONSET + hour * HOUR: Decimal(0 if hour < 0 else 5 if hour < 2 else 25) for hour in range(-4, 6)
    }
    against = {ONSET + hour * HOUR: Decimal(9 if hour < 0 else 5 if hour < 2 else 1) for hour in range(-4, 6)}
    with_it = find_links(episode(excess=followed), [], ramp)[0]
    without = find_links(episode(excess=against), [], ramp)[0]
    assert "the excess followed the percentage in 2 of 2 steps" in with_it.reasons
    assert "the excess followed the percentage in 0 of 2 steps" in without.reasons
    assert with_it.score - without.score == pytest.approx(0.25)


def test_a_heavy_operation_is_linked_by_its_time_its_place_and_its_quantity_with_its_receipt():
    (link,) = find_links(episode(), [EXPORTS], [operation()])
    assert (link.key, link.strength) == ("export on warehouse", Strength.STRONG)
    assert link.reference.receipt == "receipt-7"
    assert link.reasons == (
        "ran for 5 h, while cost was high",
        "it ran in egress",
        "80% of the difference lies where operation is export",
        "900 GB, 9.0 times the usual",
    )


def test_an_operation_elsewhere_and_no_larger_than_usual_is_at_most_weak():
    (link,) = find_links(episode(), [], [operation(subsystem="compute", quantity=Decimal(90))])
    assert (link.strength, link.score) == (Strength.WEAK, 0.2)
    assert link.reasons[1:] == ("it ran in compute, the cost arose in egress", "90 GB, not more than usual")


def test_an_operation_that_ended_long_before_is_no_link():
    assert find_links(episode(), [], [operation(at=ONSET - 30 * HOUR)]) == []


def test_an_adapter_is_linked_by_what_changed_in_its_behaviour():
    (link,) = find_links(episode(), [FoundCause({"adapter": "s3"}, 1.0)], [adapter()])
    assert (link.kind, link.strength) == (LinkKind.ADAPTER, Strength.STRONG)
    assert link.reasons[-1] == (
        "retries a call rose from 0.020 to 0.500; errors a call rose from 0.010 to 0.300"
    )


def test_an_adapter_that_behaved_as_always_is_no_link():
    assert find_links(episode(), [FoundCause({"adapter": "s3"}, 1.0)], [adapter(errors=10, retries=20)]) == []


def test_the_best_link_comes_first_and_the_order_given_does_not_matter():
    candidates = [deploy(), flag(), operation(), adapter()]
    links = find_links(episode(), [EXPORTS], candidates)
    assert [link.score for link in links] == sorted((link.score for link in links), reverse=True)
    assert find_links(episode(), [EXPORTS], candidates[::-1]) == links


def test_a_fall_is_told_as_one_and_less_of_something_may_be_why():
    falling = episode(falls=True, excess={ONSET: Decimal(-10)})
    paused = flag(percentage=0.0, previous_percentage=50.0, at=ONSET - timedelta(minutes=20))
    (link,) = find_links(falling, [EXPORTS], [paused])
    assert link.reasons[0] == "20 min before cost began to fall"
    assert link.reasons[-1] == "the flag went down to 0 %"
    idle = adapter(errors=2, retries=4, calls=200, calls_before=1000, volume=20, volume_before=100)
    (link,) = find_links(falling, [], [idle, operation()])
    assert link.kind is LinkKind.ADAPTER
    assert "20% of the calls before; 20% of the bytes before" in link.reasons
