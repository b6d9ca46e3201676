"""What leads a review is worth what it is told from: no fact is stale in its section and fresh at the top. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.closing import as_they_stand
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.sections.model import Cell, Figure, Section, State, Unit

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = Figure("kept", "Promises kept", Cell("1", Unit.COUNT, href="/reports"))
TOTAL = Figure("total-eur", "Cost in the period (EUR)", Cell("1.00", Unit.MONEY, "EUR", "/cost"))
SLA = Section("sla", "Service levels", State.FRESH, "reports", NOW - 8 * DAY, 100 * DAY, figures=(KEPT,))
USAGE = Section("usage", "Usage and cost", State.FRESH, "hours", NOW - 9 * DAY, DAY, figures=(TOTAL,))
INCIDENTS = Section("incidents", "Incidents", State.FRESH, "log", NOW, DAY / 24)
POSTURE = Section("posture", "Posture", State.MISSING, "checks", NOW, DAY, "not checked")


def test_it_is_stale_or_missing_as_a_section_is_that_it_is_told_from_and_says_which_and_why() -> None:
    fresh = outcome_section([SLA, USAGE, INCIDENTS, POSTURE], NOW)
    assert (fresh.state, fresh.why) == (State.FRESH, None), "nothing in it is told from posture"
    assert (fresh.as_of, fresh.max_age) == (USAGE.as_of, DAY), "as of the oldest"
    stale = replace(USAGE, state=State.STALE, why="it is 2 d old, and may be 1 d")
    found = outcome_section([SLA, stale, INCIDENTS], NOW)
    assert (found.state, found.why) == (
        State.STALE, "Usage and cost: it is 2 d old, and may be 1 d",
    )  # fmt: skip
    missing = replace(SLA, state=State.MISSING, why="no report is signed for June 2026", as_of=None)
    found = outcome_section([missing, stale, INCIDENTS], NOW)
    assert (found.state, found.why) == (
        State.MISSING,
        "Service levels: no report is signed for June 2026; Usage and cost: it is 2 d old, and may be 1 d",
    )


def test_what_does_not_apply_or_is_left_out_makes_it_no_older_and_no_worse() -> None:
    none = replace(USAGE, state=State.NOT_APPLICABLE, why="no usage of this customer is metered")
    assert outcome_section([SLA, none], NOW).as_of == SLA.as_of
    alone = outcome_section([none], NOW)
    assert (alone.state, alone.as_of, alone.max_age) == (State.FRESH, NOW, DAY)


def test_before_format_4_it_was_fresh_as_of_its_gathering_whatever_it_was_told_from() -> None:
    stale = replace(USAGE, state=State.STALE, why="late")
    found = outcome_section([stale], NOW, is_before_fourth=True)
    assert (found.state, found.why, found.as_of, found.max_age) == (State.FRESH, None, NOW, DAY)


def test_of_a_draft_that_waited_it_stands_as_the_sections_do_that_grew_old() -> None:
    locked = (outcome_section([SLA, INCIDENTS], NOW), SLA, INCIDENTS)
    outcome, _, incidents = as_they_stand(locked, Wait(NOW, NOW + 2 * DAY, NOW - 9 * DAY))
    assert incidents.state is State.STALE
    assert (outcome.state, outcome.why) == (State.STALE, f"Incidents: {incidents.why}")
    earlier, *_ = as_they_stand(locked, Wait(NOW, NOW + DAY / 2, NOW - 9 * DAY, "3"))
    assert earlier == locked[0], "in a draft of format 3 it grows old for itself"
