"""What was signed in format 1 is in the hands of customers: it is derived by the rules it was made by."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cost_rows import HOUR, NOW, TENANT, anomaly, run
from support.document_schemas import faults

from trust_portal.cost.metering.model import Progress
from trust_portal.documents.csv import write_csv
from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering import before_format_2
from trust_portal.trust.gathering.changes import changes_section
from trust_portal.trust.gathering.cost import cost_section
from trust_portal.trust.gathering.credits_section import credits_section
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.gathering.model import Ask, Before
from trust_portal.trust.report.document import Edition, trust_report
from trust_portal.trust.report.recompute import recompute_trust_report
from trust_portal.trust.sections.document import csv_rows, document_bytes, sections_of
from trust_portal.trust.sections.model import Section

ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
BEFORE = ("2026-Q1", 1, "ab" * 32)


def _cost() -> Section:
    """As it was gathered then: an anomaly from before the period counts whole, and a refused plan is a playbook."""
    old = replace(anomaly(), started_at=ASK.period.start - HOUR, last_at=ASK.period.start + HOUR)
    section = cost_section(None, (), (), ASK)
    told = cost_section(_progress(), [old], [run(1), run(2)], ASK)
    tables = tuple(told.table(name) for name in ("anomalies", "playbooks", "savings"))
    figures = before_format_2.cost_totals(*tables)
    return replace(
        section, state=told.state, why=told.why, as_of=told.as_of, tables=tables, figures=figures,
        sentences=before_format_2.cost_sentences(figures),
    )  # fmt: skip


def _progress() -> Progress:

    return Progress(TENANT.id, 1, ASK.period.start, NOW - HOUR, None)


def _bundle(format_: str = "1") -> dict[str, bytes]:
    none = incidents_section((), NOW, NOW)
    none = replace(none, tables=tuple(each for each in none.tables if each.id != "earlier"))
    others = [none, _cost(), credits_section((), (), None, NOW)]
    earlier = [replace(others[0], figures=()), *others[1:]]
    before = Before(*BEFORE, {each.id: each for each in earlier})
    sections = [*others, changes_section(others, before, NOW, is_first=True)]
    edition = Edition("Vendor Ltd", "acme", "Acme", ASK.period, 1, NOW, None, BEFORE, None)
    body = {**trust_report(edition, sections, ()), "format": format_}
    previous = {**trust_report(edition, earlier, ()), "format": "1"}
    header, *rows = csv_rows(sections)
    return {
        "trust-report.json": document_bytes(body)[0],
        "trust-report.csv": write_csv([str(each) for each in header], rows),
        "inputs/previous.json": document_bytes(previous)[0],
    }


def _changed(files: dict[str, bytes], section: int, figure: int, value: str) -> dict[str, bytes]:
    body = json.loads(files["trust-report.json"])
    body["sections"][section]["figures"][figure]["value"] = value
    header, *rows = csv_rows(sections_of(body))
    table = write_csv([str(each) for each in header], rows)
    return {**files, "trust-report.json": canonical(body), "trust-report.csv": table}


def test_a_report_of_the_first_format_follows_from_its_own_rows_as_it_did_then():
    files = _bundle()
    assert faults("trust-report", json.loads(files["trust-report.json"])) == []
    assert recompute_trust_report(files) == []
    assert b'"Saved in the first day (EUR)"' in files["trust-report.json"], "in the words of then"
    places = {
        (2, 0, "1"): ("$.sections[2].figures[0].value", "1", "0"),
        (1, 2, "1.00"): ("$.sections[1].figures[2].value", "1.00", "300.01"),
        (3, 4, "9"): ("$.sections[3].figures[4].value", "9", "5"),
    }
    for (section, figure, value), expected in places.items():
        found = recompute_trust_report(_changed(files, section, figure, value))
        assert expected in [(each.field, each.reported, each.recomputed) for each in found]


def test_whoever_calls_it_by_another_format_has_to_say_what_that_one_says():
    with pytest.raises(NotRecomputable):
        recompute_trust_report(_bundle("2"))
    with pytest.raises(NotRecomputable) as refused:
        recompute_trust_report(_bundle("4"))
    assert (refused.value.file, refused.value.field) == ("trust-report.json", "format")
