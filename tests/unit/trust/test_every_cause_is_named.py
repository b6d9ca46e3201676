"""What keeps a section from being fresh is said whole: who lets it stand knows each cause, and a further one is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from test_controls_are_judged import _evaluation
from test_gathered_sections import ask, owed, signed
from test_posture_findings import checked
from test_what_was_done_and_fetched import COPY, INCIDENT, POSTMORTEM

from trust_portal.errors import Conflict
from trust_portal.kernel.ids import new_id
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.gathering.incident_lines import MajorLine
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.gathering.model import labels_of
from trust_portal.trust.gathering.notes import notes_section
from trust_portal.trust.gathering.sla_section import sla_section
from trust_portal.trust.notes.model import NoteKind, StoredNote
from trust_portal.trust.posture.model import Check, Outcome, Today
from trust_portal.trust.posture.section import posture_section
from trust_portal.trust.report.model import Acknowledgement, blocked_as
from trust_portal.trust.report.service import acknowledge
from trust_portal.trust.sections.freshness import ageless, together
from trust_portal.trust.sections.model import Section, State

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NB = "\u00a0"


def told(section: Section) -> tuple[State, str | None]:
    return section.state, section.why


def levels(overtaken: datetime | None, now: datetime = NOW) -> Section:
    """April is not signed; May is, and June, of which other figures may be known."""
    reports = [
        signed("2026-05", "99.95", "4", met=True),
        signed("2026-06", "99.95", "4", met=True, overtaken=overtaken),
    ]
    promised = [owed(f"2026-0{month}") for month in (4, 5, 6)]
    return sla_section(promised, reports, labels_of("2026-Q2"), now)


def test_a_month_without_a_report_hides_neither_one_that_is_contradicted_nor_how_old_the_others_are():
    assert told(levels(None)) == (State.MISSING, "no report is signed for April 2026")
    found = levels(NOW - DAY, NOW + 120 * DAY)
    assert told(found) == (
        State.MISSING,
        (
            f"no report is signed for April 2026; data received since give other figures for June 2026, known "
            f"2{NB}July 2026, 09:00{NB}UTC; it is 122{NB}d old, and may be 100{NB}d"
        ),
    )
    assert blocked_as(found) == blocked_as(levels(NOW - DAY, NOW + 121 * DAY)), "growing older is no news"


def test_what_is_contradicted_after_somebody_looked_is_not_what_they_let_stand():
    seen = levels(None)
    given = Acknowledgement("sla", "April is still being measured", blocked_as(seen))
    (stands,) = acknowledge([seen], (given,))
    assert (stands.state, stands.why) == told(seen)
    with pytest.raises(Conflict) as refused:
        acknowledge([levels(NOW - DAY)], (given,))
    assert refused.value.code == "SECTION_CHANGED"
    with pytest.raises(Conflict) as blocked:
        acknowledge([levels(NOW - DAY)], (), (given,))
    assert blocked.value.code == "SECTIONS_BLOCK", "nor what was let stand of everybody's"


def test_the_last_day_of_a_note_is_the_customers():
    def ends(day: date) -> StoredNote:
        id_, began = new_id(), NOW.date()
        return StoredNote(id_, id_, NoteKind.NOTE, "Support", 1, "So.", began, day, NOW, "Ada", id_)

    early = datetime(2026, 7, 4, 3, tzinfo=UTC)
    there = ask()
    there = replace(there, now=early, tenant=replace(there.tenant, time_zone="America/Los_Angeles"))
    assert told(notes_section([ends(date(2026, 7, 3))], there)) == (State.FRESH, None)
    over = notes_section([ends(date(2026, 7, 2))], there)
    assert told(over) == (State.STALE, "no longer said to hold: Support")


def test_an_incident_without_a_postmortem_does_not_hide_that_the_register_is_behind():
    bare = replace(INCIDENT, id=new_id(), drawn_id=new_id(), title="The other")
    lines = (
        MajorLine(bare, Cover.MISSING, None, None, ()),
        MajorLine(INCIDENT, Cover.OUTDATED, POSTMORTEM, COPY, ()),
    )
    gaps = (
        f"no signed postmortem of {bare.worst_severity} The other; more happened since it was signed of "
        f"{INCIDENT.worst_severity} {INCIDENT.title}"
    )
    assert told(incidents_section(lines, NOW, NOW)) == (State.MISSING, gaps)
    behind = incidents_section(lines, NOW - 2 * HOUR, NOW)
    assert told(behind) == (State.MISSING, f"it is 2{NB}h old, and may be 1{NB}h; {gaps}")


def test_every_result_that_is_too_old_is_named_with_its_age():
    section = compliance_section(
        _evaluation(datetime(2026, 7, 8, 9, tzinfo=UTC))[0], datetime(2026, 7, 15, 9, tzinfo=UTC), None
    )
    assert told(section) == (
        State.STALE,
        (f"Signing keys are rotated: it is 7{NB}d old, and may be 3{NB}d; Every promise is reported on: it is "
        f"5{NB}d old, and may be 3{NB}d"),
    )  # fmt: skip
    alike, _ = _evaluation()
    assert told(compliance_section(alike, alike.at + 5 * DAY, None)) == (
        State.STALE,
        f"Signing keys are rotated, Every promise is reported on: it is 5{NB}d old, and may be 3{NB}d",
    )


def test_an_old_look_says_too_what_was_changed_since():
    latest = [
        checked(Outcome.PASS, Check.RESIDENCY, NOW - 3 * DAY, {"agreed": "Germany"}),
        checked(Outcome.PASS, Check.CUSTOMER_KEY, NOW, {"ordinal": "3"}),
    ]
    assert told(posture_section(latest, Today(4, "France"), {}, NOW)) == (
        State.STALE,
        (
            f"it is 3{NB}d old, and may be 2{NB}d; what is agreed about where the data stays was changed since the look; "
            "the customer's key was changed since the look"
        ),
    )


def test_a_note_that_has_ended_does_not_hide_one_that_nobody_has_said_again():
    def note(subject: str, written: datetime, until: date | None = None) -> StoredNote:
        return StoredNote(
            new_id(), new_id(), NoteKind.NOTE, subject, 1, "So.", date(2025, 1, 1), until, written, "Ada", new_id()
        )  # fmt: skip

    notes = [note("Hosting", NOW - 401 * DAY), note("Mail", NOW, date(2026, 7, 2))]
    assert told(notes_section(notes, ask())) == (
        State.STALE,
        f"it is 401{NB}d old, and may be 400{NB}d; no longer said to hold: Mail",
    )
    assert told(notes_section((), ask())) == (State.NOT_APPLICABLE, "the vendor has added nothing")


def test_the_worst_of_the_causes_is_the_state_and_a_cause_is_named_once():
    fresh, old, gone = (State.FRESH, None), (State.STALE, "old"), (State.MISSING, "gone")
    assert together(()) == together((fresh,)) == fresh
    assert together((old, fresh, old)) == old
    assert together((old, gone)) == (State.MISSING, "old; gone")
    assert ageless("no it is not; it is 2 h old, and may be 1 h; x") == "no it is not; it may be 1 h; x"
