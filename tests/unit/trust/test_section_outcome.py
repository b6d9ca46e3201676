"""How a section went is read from its figures, and is never the mark of how fresh it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trust_portal.documents.html import create_environment
from trust_portal.trust.sections.model import Cell, Figure, Section, State, Unit
from trust_portal.trust.sections.outcome import outcome, verdict
from trust_portal.trust.sections.words import GLOBALS, STATES, lead

NOW = datetime(2026, 11, 29, 6, 50, 30, 1, UTC)
BODY = {
    "as_of": "2026-11-29T06:50:30.000001Z",
    "period": {"end": "2026-12-31T23:00:00Z", "time_zone": "Europe/Berlin"},
}


def section(id_: str, **counts: int) -> Section:
    figures = tuple(
        Figure(name.replace("_", "-"), name, Cell(str(value), Unit.COUNT)) for name, value in counts.items()
    )
    return Section(id_, id_.capitalize(), State.FRESH, "records", NOW, timedelta(days=1), figures=figures)


SLA = section("sla", kept=0, missed=1, promises=1, unreported=0)
INCIDENTS = section("incidents", major=2, gaps=1, overdue=1)
CREDITS = Section(
    "credits",
    "Credits",
    State.FRESH,
    "memos",
    NOW,
    timedelta(days=1),
    figures=(
        Figure("issued", "Issued", Cell("1", Unit.COUNT)),
        Figure("sum-eur", "Issued in EUR", Cell("480.00", Unit.MONEY, "EUR")),
        Figure("open", "Open", Cell("0", Unit.COUNT)),
        Figure("due", "Due", Cell("0", Unit.COUNT)),
    ),
)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (SLA, ("bad", "Missed")),
        (section("sla", kept=1, missed=2, promises=3, unreported=0), ("bad", "2 missed")),
        (section("sla", kept=3, missed=0, promises=3, unreported=1), ("warn", "1 not reported")),
        (section("sla", kept=3, missed=0, promises=3, unreported=0), ("good", "Kept")),
        (section("sla", kept=0, missed=0, promises=0, unreported=0), None),
        (INCIDENTS, ("bad", "1 postmortem owed")),
        (section("incidents", major=2, gaps=0, overdue=1), ("warn", "1 action overdue")),
        (section("incidents", major=0, gaps=0, overdue=0), ("good", "None")),
        (
            section("incidents", major=0, gaps=0, overdue=0, earlier_gaps=1, earlier_overdue=1),
            ("bad", "1 postmortem owed"),
        ),
        (
            section("incidents", major=2, gaps=1, overdue=0, earlier_gaps=1, earlier_overdue=0),
            ("bad", "2 postmortems owed"),
        ),
        (
            section("incidents", major=0, gaps=0, overdue=1, earlier_gaps=0, earlier_overdue=1),
            ("warn", "2 actions overdue"),
        ),
        (section("cost", anomalies=2, open=1), ("warn", "1 open")),
        (section("cost", anomalies=2, open=0), ("mute", "2 closed")),
        (CREDITS, ("good", "Credited")),
        (section("credits", issued=1, open=0, due=1), ("bad", "1 due, and not on its way")),
        (section("credits", issued=0, open=2), ("warn", "2 not decided")),
        (section("compliance", gaps=2, not_satisfied=2, not_evaluated=1), ("bad", "2 gaps")),
        (section("compliance", gaps=0, not_satisfied=0, not_evaluated=1), ("warn", "1 not evaluated")),
        (section("compliance", gaps=0, not_satisfied=0, not_evaluated=0), ("good", "Satisfied")),
        (section("posture", made=3, failed=0, not_checked=1), ("warn", "1 not checked")),
        (section("posture", made=3, failed=1, not_checked=1), ("bad", "1 does not hold")),
        (section("access", staff=18), None),
    ],
)
def test_the_outcome_is_what_the_figures_say(about: Section, expected: tuple[str, str] | None) -> None:
    assert outcome(about) == expected


@pytest.mark.parametrize(
    ("about", "without"),
    [
        (section("sla", kept=1, missed=0, promises=1, unreported=0), "unreported"),
        (section("sla", kept=1, missed=0, promises=1, unreported=0), "missed"),
        (section("incidents", major=1, gaps=0, overdue=0), "gaps"),
        (section("incidents", major=1, gaps=0, overdue=0), "overdue"),
        (section("cost", anomalies=0, open=0), "open"),
        (section("credits", issued=1, open=0, due=0), "due"),
        (section("compliance", gaps=0, not_satisfied=0, not_evaluated=0), "not-satisfied"),
        (section("posture", made=3, failed=0, not_checked=0), "failed"),
    ],
)
def test_nothing_is_good_for_want_of_the_figure_that_would_say_otherwise(
    about: Section, without: str
) -> None:
    assert outcome(about)[0] == "good"
    left = tuple(each for each in about.figures if each.id != without)
    assert len(left) == len(about.figures) - 1
    assert outcome(replace(about, figures=left)) is None


def test_the_lead_is_a_verdict_and_says_that_the_period_still_runs() -> None:
    sections = [SLA, INCIDENTS, CREDITS]
    assert verdict(sections) == "1 of 1 promises missed; EUR\u00a0480.00 credited; 1 postmortem owed"
    assert lead(BODY, sections).replace("\u00a0", " ") == (
        "1 of 1 promises missed; EUR 480.00 credited; 1 postmortem owed. The period still runs, until "
        "1 January 2027, 00:00 CET. As of 29 November 2026, 06:50:30 UTC."
    )
    over = {**BODY, "as_of": "2027-01-02T00:00:00Z"}
    assert "still runs" not in lead(over, sections)
    assert verdict([section("access", staff=1)]) is None


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        (0, "3 promises kept; 2 not in the register"),
        (1, "3 promises kept; 1 postmortem owed; 2 not in the register"),
    ],
)
def test_a_verdict_tells_what_is_not_in_the_register_beside_what_went_well(gaps: int, told: str) -> None:
    kept = section("sla", kept=3, missed=0, promises=3, unreported=0)
    assert verdict([kept, section("incidents", major=0, gaps=gaps, overdue=0, unclear=2)]) == told


def test_being_fresh_is_never_a_green_mark() -> None:
    assert STATES[State.FRESH][0] == "mute"
    parts = create_environment(names=GLOBALS).get_template("components/sections.html").module
    listed = str(parts.contents([SLA]))  # type: ignore[attr-defined]
    assert "status-bad" in listed
    assert "status-good" not in listed
    assert "Fresh" not in listed
