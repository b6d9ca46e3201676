"""That there was no major incident is said where nothing was told of that nobody took in; else that is said. Pure."""

from __future__ import annotations

from dataclasses import replace

from test_every_cause_is_named import told
from test_what_was_done_and_fetched import HOW, NOW, figures, said

from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.report.derivation import sections_differ
from trust_portal.trust.sections.model import State
from trust_portal.trust.sections.outcome import outcome

UNCLEAR = incidents_section((), NOW, NOW, unclear=2)


def test_what_may_have_been_major_makes_the_section_stale_and_is_counted_in_words_without_names():
    assert told(UNCLEAR) == (
        State.STALE,
        "told of and not in the register, each of which may have been major: 2",
    )
    assert said(UNCLEAR) == [
        "No major incident of the period is in the register.",
        "Told of by then and not in the register, each of which may have been major: 2.",
    ]
    assert UNCLEAR.table("major").empty == "No major incident of the period is in the register."
    assert figures(UNCLEAR)["unclear"] == "2"
    assert outcome(UNCLEAR) == ("warn", "2 not in the register")
    assert "unclear" not in figures(incidents_section((), NOW, NOW))
    one_look = outcome_section([UNCLEAR], NOW)
    assert [(each.id, each.cell.value) for each in one_look.figures] == [
        ("incidents-major", "0"),
        ("incidents-unclear", "2"),
    ]
    assert one_look.state is State.STALE


def test_a_report_that_counts_them_and_calls_itself_fresh_or_free_of_major_incidents_does_not_follow():
    assert list(sections_differ("trust-report.json", [UNCLEAR], {}, HOW)) == []
    calm = replace(UNCLEAR, state=State.FRESH, why=None)
    (found,) = sections_differ("trust-report.json", [calm], {}, HOW)
    assert (found.field, found.reported, found.recomputed) == ("$.sections[0].state", "fresh", "stale")
    free = replace(UNCLEAR, sentences=incidents_section((), NOW, NOW).sentences)
    fields = [each.field for each in sections_differ("trust-report.json", [free], {}, HOW)]
    assert fields
    assert all(each.startswith("$.sections[0].sentences") for each in fields)


def test_in_formats_before_no_figure_said_it():
    for format_ in ("3", "4"):
        earlier = replace(HOW, format=format_)
        assert (
            list(sections_differ("trust-report.json", [incidents_section((), NOW, NOW)], {}, earlier)) == []
        )
        fields = [each.field for each in sections_differ("trust-report.json", [UNCLEAR], {}, earlier)]
        assert any(each.startswith("$.sections[0].figures") for each in fields)
