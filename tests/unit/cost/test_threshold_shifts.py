"""Which changes of thresholds make detection blinder, by what holds in the end."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from trust_portal.cost.anomalies.tables import thresholds
from trust_portal.cost.anomalies.thresholds_model import ALL, ThresholdRevision
from trust_portal.cost.anomalies.thresholds_shift import Shift, is_looser, shifts
from trust_portal.cost.detection.thresholds import INSTALLED
from trust_portal.kernel.ids import VENDOR_ID

ACME = UUID(int=7)
NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
EVERY = ("adapters", "compute", "egress", "storage")


def revision(tenant_id: UUID, subsystem: str, number: int, /, **figures: float) -> ThresholdRevision:
    at = NOW - timedelta(days=10 - number)
    return ThresholdRevision(tenant_id, subsystem, number, figures, "why", at, "Olive", VENDOR_ID)


def looser(known: list[ThresholdRevision], proposed: ThresholdRevision) -> set[tuple[str, str]]:
    return {(each.subsystem, each.figure) for each in shifts(known, proposed, NOW) if each.looser}


@pytest.mark.parametrize(
    ("figures", "blinder"),
    [
        ({"min_impact": 11.0}, True),
        ({"min_impact": 9.0}, False),
        ({"min_day_share": 0.5}, True),
        ({"min_day_share": 0.3}, False),
        ({"sensitivity": 0.9}, True),
        ({"sensitivity": 1.1}, False),
        ({"burn_rate": 3.5}, True),
        ({"burn_rate": 2.5}, False),
        ({"min_impact": 10.0, "sensitivity": 1.0}, False),
        ({"sensitivity": 5.0, "min_impact": 10.5}, True),
    ],
)
def test_each_figure_has_its_side_on_which_less_is_found(figures, blinder):
    assert bool(looser([], revision(ACME, "compute", 1, **figures))) is blinder


def test_a_shift_says_what_holds_and_what_would():
    assert shifts([], revision(ACME, "compute", 1, min_impact=25.0), NOW) == (
        Shift("compute", "min_impact", 10.0, 25.0),
    )
    assert {each.subsystem for each in shifts([], revision(VENDOR_ID, ALL, 1, burn_rate=4.0), NOW)} == set(
        EVERY
    )


def test_going_back_to_what_lies_above_is_looser_where_that_finds_less():
    tight = revision(ACME, "compute", 1, sensitivity=2.0)
    assert looser([tight], revision(ACME, "compute", 2)) == {("compute", "sensitivity")}
    loose = revision(ACME, "compute", 1, sensitivity=0.5)
    assert looser([loose], revision(ACME, "compute", 2)) == set()


def test_what_something_nearer_covers_shifts_nothing_until_that_is_taken_away():
    own = [revision(ACME, each, 1, min_impact=5.0) for each in EVERY]
    covered = revision(ACME, ALL, 2, min_impact=1000.0)
    assert shifts(own, covered, NOW) == ()
    assert looser([*own, covered], revision(ACME, "egress", 3)) == {("egress", "min_impact")}


@pytest.mark.parametrize(
    ("followed", "figures", "loose"),
    [
        (None, {}, False),
        (None, {"min_impact": 10.0, "drop_impact": 1.0, "sensitivity": 1.0}, False),
        (None, {"min_impact": 10.01}, True),
        (None, {"sensitivity": 0.9}, True),
        ({"min_impact": 100.0}, {"min_impact": 100.0}, False),
        ({"min_impact": 100.0}, {"min_impact": 50.0}, False),
        ({"min_impact": 100.0}, {}, False),
        ({"min_impact": 5.0}, {}, True),
        ({"min_impact": 5.0}, {"min_impact": 6.0}, True),
        ({"burn_rate": 2.0}, {"burn_rate": 2.0, "drop_impact": 2.0}, True),
    ],
)
def test_a_revision_is_held_against_the_one_it_follows_and_what_is_installed(followed, figures, loose):
    assert is_looser(replace(revision(ACME, "compute", 2, **figures), followed=followed)) is loose


def test_the_table_knows_what_is_installed():
    """Where another value is installed, the rule of the table needs a migration."""
    rule = str(thresholds.c.unapproved.computed.sqltext)
    told = re.findall(r"figures ->> '(\w+)'::text\)\)::numeric, \(?([0-9.]+)\)?", rule)
    assert {name: float(installed) for name, installed in told} == asdict(INSTALLED)
