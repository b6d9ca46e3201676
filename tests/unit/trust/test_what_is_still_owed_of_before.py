"""A postmortem and a promised action are owed until somebody signs or finishes them, whichever report's period is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from test_every_cause_is_named import told
from test_what_was_done_and_fetched import (
    ASK,
    HOW,
    INCIDENT,
    NOW,
    POSTMORTEM,
    PROMISED,
    action,
    begun,
    figures,
    rows,
    said,
)

from trust_portal.learning.actions.model import StepAct
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.trust.gathering.incident_lines import MajorLine
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.gathering.telling import NO_INCIDENTS
from trust_portal.trust.report.derivation import sections_differ
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.outcome import outcome, verdict

MARCH = INCIDENT.began_at - timedelta(days=80)
BEFORE = replace(
    INCIDENT,
    id=UUID(int=60),
    drawn_id=UUID(int=600),
    title="Login down",
    began_at=MARCH,
    resolved_at=MARCH + timedelta(hours=1),
)


def earlier(*lines: MajorLine, beside: tuple[MajorLine, ...] = ()) -> Section:
    return incidents_section(beside, NOW, NOW, lines)


def test_an_incident_of_before_without_a_postmortem_is_a_gap_until_it_is_signed():
    found = earlier(MajorLine(BEFORE, Cover.MISSING, None, None, ()))
    assert told(found) == (State.MISSING, "from before the period: no signed postmortem of P1 Login down")
    assert (outcome(found), verdict([found])) == (("bad", "1 postmortem owed"), "1 postmortem owed")
    assert rows(found, "major") == []
    assert rows(found, "earlier") == [
        ["Login down", "P1", "21 March 2026, 11:00 UTC", "not begun", *["not known"] * 3]
    ]
    assert figures(found) == {
        "major": "0", "gaps": "0", "promised": "0", "done": "0", "overdue": "0",
        "earlier": "1", "earlier-gaps": "1", "earlier-open": "0", "earlier-overdue": "0",
    }  # fmt: skip
    assert said(found) == [
        NO_INCIDENTS,
        (
            "Incidents before the period of which something is still owed: 1; without a signed postmortem: 1; prevention "
            "actions open: 0, of which overdue: 0."
        ),
    ]
    signed = earlier(MajorLine(BEFORE, Cover.SIGNED, POSTMORTEM, None, ()))
    assert told(signed) == (State.FRESH, None)
    assert (rows(signed, "earlier"), said(signed)) == ([], [NO_INCIDENTS])
    assert "earlier" not in figures(signed)


def test_what_was_promised_after_it_is_owed_until_it_is_done():
    found = earlier(MajorLine(BEFORE, Cover.SIGNED, POSTMORTEM, None, PROMISED))
    assert told(found) == (State.FRESH, None), "an action that is overdue is told, and makes nothing missing"
    assert rows(found, "earlier") == [
        ["Login down", "P1", "21 March 2026, 11:00 UTC", "signed", "3", "1", "2 July 2026"]
    ]
    assert said(found)[1] == (
        "Incidents before the period of which something is still owed: 1; without a signed postmortem: 0; prevention "
        "actions open: 3, of which overdue: 1."
    )
    done = (action(1, begun(NOW.date()), (StepAct.FINISH, None)), action(6, (StepAct.WITHDRAW, None)))
    assert rows(earlier(MajorLine(BEFORE, Cover.SIGNED, POSTMORTEM, None, done)), "earlier") == []


def test_actions_of_one_postmortem_are_owed_once_whatever_incidents_it_covers():
    merged = replace(BEFORE, id=UUID(int=61), title="Mail late")
    lines = [
        MajorLine(BEFORE, Cover.SIGNED, POSTMORTEM, None, PROMISED),
        MajorLine(merged, Cover.MERGED, POSTMORTEM, None, PROMISED),
    ]
    assert [row[0] for row in rows(earlier(*lines), "earlier")] == ["Login down"]
    beside = MajorLine(INCIDENT, Cover.SIGNED, POSTMORTEM, None, PROMISED)
    found = earlier(*lines, beside=(beside,))
    assert rows(found, "earlier") == [], "the period's own table tells of them"
    outdated = earlier(MajorLine(BEFORE, Cover.OUTDATED, POSTMORTEM, None, PROMISED), beside=(beside,))
    assert outdated.why == "from before the period: more happened since it was signed of P1 Login down"
    assert [row[3:] for row in rows(outdated, "earlier")] == [
        ["signed, and more happened since", "0", "0", "none"]
    ]


def test_a_report_that_hides_what_is_still_owed_does_not_follow_from_its_own_rows():
    stated = earlier(MajorLine(BEFORE, Cover.MISSING, None, None, ()))
    assert list(sections_differ("trust-report.json", [stated], {}, HOW)) == []
    told_less = replace(
        stated, state=State.FRESH, why=None, figures=stated.figures[:5], sentences=stated.sentences[:1]
    )
    found = {
        (each.field, each.reported, each.recomputed)
        for each in sections_differ("trust-report.json", [told_less], {}, HOW)
    }
    assert ("$.sections[0].state", "fresh", "missing") in found
    assert len(found) > 1
    second = replace(HOW, format="2")
    bare = replace(told_less, tables=tuple(each for each in stated.tables if each.id != "earlier"))
    assert list(sections_differ("trust-report.json", [bare], {}, second)) == [], "format 2 did not say"
    assert ASK.period.start > MARCH
