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
from trust_portal.cost.remediation.verification import Events, hours_to_verify, reduction, suffering

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


def reduced(part: str, series: str = "150"):
    return reduction(plan(), NOON, NOON + 2 * HOUR, Decimal(part), Decimal(series))


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
    found = reduction(made, NOON, NOON + hours * HOUR, after, after)
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
