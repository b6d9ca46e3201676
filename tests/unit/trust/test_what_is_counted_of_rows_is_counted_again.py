"""Whoever forges a count of posture, compliance or access, or how long an incident lasted, is named by its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from test_controls_are_judged import _evaluation
from test_gathered_sections import ask
from test_posture_findings import checked
from test_what_was_done_and_fetched import INCIDENT, fetched, tally

from trust_portal.access.access_log.model import Group
from trust_portal.kernel.actor import ActorKind
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.gathering.access import access_section
from trust_portal.trust.gathering.incident_lines import MajorLine
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.posture.model import Check, Outcome, Today
from trust_portal.trust.posture.section import posture_section
from trust_portal.trust.report.derivation import Derivation, sections_differ
from trust_portal.trust.report.model import FORMAT
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Section

EVALUATION = _evaluation()[0]
NOW = EVALUATION.at
HOW = Derivation(FORMAT, "2026-Q2", NOW - timedelta(days=90), NOW, NOW)
POSTURE = posture_section(
    [
        checked(Outcome.PASS, Check.ISOLATION),
        checked(Outcome.FAIL, Check.RESIDENCY),
        checked(Outcome.NOT_CHECKED, Check.CUSTOMER_KEY),
    ],
    Today(None, ""),
    {},
    NOW,
)
COMPLIANCE = compliance_section(EVALUATION, NOW, None)
ACCESS = access_section(
    (
        tally(Group.AUDITOR, "Aki", 3, 1),
        tally(Group.CUSTOMER, "Cleo", 7, 2),
        tally(Group.CUSTOMER, "nightly", 0, 4, ActorKind.TOKEN),
        tally(Group.STAFF, "Sasha O.", 5, 0),
        tally(Group.STAFF, "collector", 2, 1, ActorKind.TOKEN),
    ),
    (fetched("Cleo", Group.CUSTOMER, ActorKind.PERSON, "sla report", "r1"),),
    ask(),
)
#: As they were gathered, by id.
COUNTED = {
    "posture": {"made": "2", "held": "1", "failed": "1", "not-checked": "1", "not-applicable": "0"},
    "compliance": {
        "results": "2",
        "satisfied": "0",
        "not-satisfied": "1",
        "not-evaluated": "1",
        "gaps": "201",
    },
    "access": {"staff": "7", "auditors": "3", "fetched": "8", "programs": "5", "named": "1"},
}


def differing(section: Section) -> list[tuple[str, str, str]]:
    return [
        (each.field, each.reported, each.recomputed)
        for each in sections_differ("trust-report.json", [section], {}, HOW)
    ]


@pytest.mark.parametrize("section", [POSTURE, COMPLIANCE, ACCESS], ids=lambda each: each.id)
def test_each_count_follows_from_the_rows_beside_it(section: Section) -> None:
    said = {each.id: each.cell.value for each in section.figures}
    expected = COUNTED[section.id]
    assert {name: said[name] for name in expected} == expected
    assert differing(section) == []
    for at, figure in enumerate(section.figures):
        if figure.id not in expected:
            continue
        forged = replace(figure, cell=replace(figure.cell, value="100"))
        figures = (*section.figures[:at], forged, *section.figures[at + 1 :])
        place = f"$.sections[0].figures[{at}].value"
        assert differing(replace(section, figures=figures)) == [(place, "100", expected[figure.id])]


def test_what_a_format_did_not_count_is_not_asked_of_it() -> None:
    kept = tuple(each for each in ACCESS.figures if each.id != "programs")
    earlier = replace(ACCESS, figures=kept, sentences=())
    assert differing(earlier) == []


def test_how_long_an_incident_lasted_follows_from_when_it_began_and_was_over() -> None:
    over = replace(INCIDENT, resolved_at=INCIDENT.began_at + timedelta(minutes=93, seconds=59))
    goes_on = replace(INCIDENT, resolved_at=None)
    for incident, lasted in ((over, "93"), (goes_on, None)):
        section = incidents_section([MajorLine(incident, Cover.SIGNED, None, None, ())], NOW, NOW)
        major = section.table("major")
        (row,) = major.rows
        assert row.cells[5].value == lasted
        assert differing(section) == []
        cells = (*row.cells[:5], replace(row.cells[5], value="3"))
        forged = replace(major, rows=(replace(row, cells=cells),))
        tables = tuple(forged if each.id == "major" else each for each in section.tables)
        place = "$.sections[0].tables[0].rows[0].cells[5].value"
        assert differing(replace(section, tables=tables)) == [(place, "3", lasted or "null")]


def test_what_was_not_checked_or_does_not_apply_is_no_check_that_was_made_but_before_format_5():
    section = posture_section(
        [
            checked(Outcome.PASS, Check.ISOLATION),
            checked(Outcome.NOT_CHECKED, Check.RESIDENCY),
            checked(Outcome.NOT_APPLICABLE, Check.CUSTOMER_KEY),
        ],
        Today(None, ""),
        {},
        NOW,
    )
    counts = {each.id: each.cell.value for each in section.figures}
    assert counts == {"made": "1", "held": "1", "failed": "0", "not-checked": "1", "not-applicable": "1"}
    assert sentences(section) == ("1 of 1 checks hold; 1 could not be made.",)
    assert differing(section) == []
    earlier = list(sections_differ("qbr.json", [section], {}, replace(HOW, format="4")))
    assert [(each.field, each.reported, each.recomputed) for each in earlier] == [
        ("$.sections[0].figures[0].value", "1", "3")
    ]
