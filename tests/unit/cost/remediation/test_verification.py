"""Whether cost came down: exact at the bound, never rounded up, and not fooled by cost that moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.remediation.model import BlastRadius, Part, Plan, Saving
from trust_portal.cost.remediation.playbooks import Health, load_playbooks
from trust_portal.cost.remediation.verification import (
    Events,
    Usual,
    calm_hours,
    hours_to_verify,
    reduction,
    suffering,
    weeks_before,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAYBOOK = load_playbooks().by_id["throttle-exports"]


def plan(
    part: tuple[str, str] = ("30", "330"), whole: tuple[str, str] = ("60", "360"), hours: int = 3
) -> Plan:
    return Plan(
        tenant="acme", tenant_name="Acme", anomaly=UUID(int=1), anomaly_revision=1, subsystem="egress",
        currency="EUR", started_at=NOON - hours * HOUR, ended_at=NOON, expected=Decimal(whole[0]),
        actual=Decimal(whole[1]), playbook_id="throttle-exports", playbook=PLAYBOOK, playbooks_digest="0" * 64,
        target={"operation": "export"}, parameters={},
        part=Part(where={"operation": "export"}, expected=Decimal(part[0]), actual=Decimal(part[1])),
        reasons=(), saving=Saving(per_hour=Decimal(100), hours=24, total=Decimal(2400)),
        blast_radius=BlastRadius(hours=hours, things=(), count=0, cost=Decimal(0), of_tenant=Decimal(0),
                                 beside=Decimal(0), per_day=0),
        evidence=(),
    )  # fmt: skip


def reduced(part: str, series: str = "150", usual: Usual = Usual()):  # noqa: B008 - frozen
    return reduction(plan(), NOON, NOON + 2 * HOUR, Decimal(part), Decimal(series), usual)


def test_half_of_the_excess_is_enough_and_a_cent_less_is_not():
    """110 an hour before, 10 expected: 60 an hour is half of the excess gone."""
    assert reduced("120.00").verified
    assert reduced("120.00").reduction == Decimal("0.500")
    assert not reduced("120.01").verified
    assert reduced("120.01").reduction == Decimal("0.499"), (
        "rounded down, so that it looks no better than it is"
    )


def test_cost_that_grew_is_a_reduction_below_zero():
    found = reduced("400", "460")
    assert (found.verified, found.reduction) == (False, Decimal("-0.900"))


def test_a_series_that_costs_more_than_before_is_not_verified_however_small_its_part():
    assert reduced("2", "240").verified
    found = reduced("2", "240.01")
    assert not found.verified
    assert "as a whole costs more than before" in found.finding


def test_the_hour_of_the_act_belongs_to_neither_side():
    assert hours_to_verify(NOON + timedelta(minutes=1), 2) == (NOON + HOUR, NOON + 3 * HOUR)
    assert hours_to_verify(NOON, 2) == (NOON, NOON + 2 * HOUR)


def test_only_as_many_closed_hours_as_verification_waits_for_say_that_it_is_over():
    assert calm_hours(NOON, NOON + HOUR, 2) == ()
    assert calm_hours(NOON, NOON + 2 * HOUR, 2) == (NOON, NOON + HOUR)
    assert calm_hours(NOON, NOON + 5 * HOUR, 2) == (NOON + 3 * HOUR, NOON + 4 * HOUR)


def weeks(then: str, since: str, part: str) -> Usual:
    """Four weeks alike: what the anomaly's three hours cost, the two after the act, and of those the part."""
    return Usual((Decimal(then),) * 4, (Decimal(since),) * 4, (Decimal(part),) * 4)


def test_a_night_that_is_cheaper_by_itself_is_no_saving():
    """20 an hour were expected and 10 of the part; at night it is half of that. Nothing was done:
    the part costs half of its 110, and so does the series of its 120."""
    night = weeks("60", "20", "10")
    found = reduced("110", "120", night)
    assert (found.season, found.expected_after, found.series_expected_after) == (
        Decimal("0.500"),
        Decimal("5.000000"),
        Decimal("10.000000"),
    )
    assert (found.verified, found.reduction) == (False, Decimal("0.000"))
    assert reduced("110", "120").verified, "compared with the anomaly's own hours it would look like half"


def test_a_morning_that_is_dearer_by_itself_is_no_failure():
    """The part's 10 become 70, the series' 20 become 140: of the excess of 100 an hour 20 are left."""
    morning = weeks("60", "280", "140")
    found = reduced("180", "400", morning)
    assert (found.season, found.expected_after) == (Decimal("7.000"), Decimal("70.000000"))
    assert (found.verified, found.reduction) == (True, Decimal("0.800"))
    assert not reduced("180", "400").verified


@given(st.decimals("0", "1000", places=2), st.decimals("0.01", "1000", places=2), st.integers(1, 4))
def test_where_every_hour_is_like_every_other_the_season_changes_nothing(
    after: Decimal, an_hour: Decimal, count: int
):
    """20 an hour in all and half of it in the part, whatever that came to in money."""
    flat = Usual((an_hour * 3,) * count, (an_hour * 2,) * count, (an_hour,) * count)
    series = after + 20
    with_season = reduction(plan(), NOON, NOON + 2 * HOUR, after, series, flat)
    assert with_season == reduction(plan(), NOON, NOON + 2 * HOUR, after, series, Usual())


def test_one_odd_week_counts_for_nothing():
    odd = Usual(
        (Decimal(60), Decimal(60), Decimal(60), Decimal(6000)),
        (Decimal(40), Decimal(40), Decimal(40), Decimal(0)),
        (Decimal(20), Decimal(20), Decimal(20), Decimal(0)),
    )
    assert reduced("120.00", usual=odd) == reduced("120.00")


def test_a_share_that_one_odd_week_had_is_not_what_is_usual():
    """Nothing of it was the part's in three weeks: its 110 cut to 60 are less than half of the excess of 100."""
    odd = Usual(
        (Decimal(60),) * 4,
        (Decimal(40), Decimal(40), Decimal(40), Decimal(400)),
        (Decimal(0), Decimal(0), Decimal(0), Decimal(360)),
    )
    found = reduced("120.00", usual=odd)
    assert (found.expected_after, found.series_expected_after) == (Decimal(0), Decimal(20))
    assert (found.verified, found.reduction) == (False, Decimal("0.400"))


def test_a_week_of_credits_says_nothing_of_the_share_and_breaks_nothing():
    """The weeks add up to nothing; in those that cost something half of it was the part's."""
    credited = Usual(
        (Decimal(60),) * 4,
        (Decimal(40), Decimal(40), Decimal(40), Decimal(-120)),
        (Decimal(20), Decimal(20), Decimal(20), Decimal(-120)),
    )
    assert reduced("120.00", usual=credited) == reduced("120.00")


def test_a_dead_night_does_not_ask_for_more_than_a_quarter_of_the_excess_to_be_gone_by_itself():
    dead = weeks("60", "0.40", "0.20")
    assert reduced("25.20", "25.40", dead).verified, "12.50 an hour above: half of a quarter of 100"
    assert not reduced("25.21", "25.41", dead).verified


def test_what_is_usual_is_told_by_weeks_that_were_over_before_the_anomaly():
    began, week = NOON - 10 * 24 * HOUR, timedelta(days=7)
    found = weeks_before(NOON, NOON + 2 * HOUR, before=began, since=NOON - 4 * week)
    assert found == (NOON - 2 * week, NOON - 3 * week, NOON - 4 * week)
    assert weeks_before(NOON, NOON + HOUR, before=NOON, since=NOON - HOUR) == ()


@given(
    st.decimals("0", "1000", places=6),
    st.decimals("0.000001", "1000", places=6),
    st.decimals("0", "2000", places=6),
    st.integers(1, 50),
    st.integers(1, 24),
)
def test_verified_is_exactly_what_the_fractions_say(
    expected: Decimal, excess: Decimal, after: Decimal, past: int, hours: int
):
    made = plan((str(expected), str(expected + excess)), (str(expected), str(expected + excess)), past)
    found = reduction(made, NOON, NOON + hours * HOUR, after, after, Usual())
    gone = Fraction(expected + excess) / past - Fraction(after) / hours
    share = gone / (Fraction(excess) / past)
    assert found.verified == (share >= Fraction(1, 2))
    assert Fraction(found.reduction) <= share < Fraction(found.reduction) + Fraction(1, 1000)


def test_a_plan_is_read_back_as_it_was_stored():
    made = plan()
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(made)), Plan) == made


def test_a_tenant_suffers_beyond_the_bound_and_not_at_it():
    health = Health(rise=Decimal("0.01"), events=100)
    before = {"api": Events(1000, 990)}
    assert suffering(health, before, {"api": Events(1000, 980)}) == ()
    (found,) = suffering(health, before, {"api": Events(1000, 979)})
    assert (found.objective, found.bad, found.total, found.bad_before, found.total_before) == (
        "api", 21, 1000, 10, 1000,
    )  # fmt: skip


def test_too_few_events_say_nothing_and_none_before_means_it_was_well():
    health = Health(rise=Decimal("0.01"), events=100)
    assert suffering(health, {}, {"api": Events(99, 0)}) == ()
    assert len(suffering(health, {}, {"api": Events(100, 98)})) == 1
