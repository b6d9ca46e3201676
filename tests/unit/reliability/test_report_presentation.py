"""The SLA report on paper and screen says what its canonical JSON says, and nothing else."""

import copy
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

from trust_portal.documents import formats
from trust_portal.kernel.canonical import digest
from trust_portal.reliability.reports.presentation import sla_report_html, sla_report_pdf
from trust_portal.reliability.reports.words import Imprint, headline, promise_of, title_of, verdict_of
from trust_portal.web.templating import portal_templates

EXAMPLE = json.loads((Path(__file__).parents[2] / "fixtures" / "sla_report_example.json").read_text())
IMPRINT = Imprint(
    "5d41402abc4b2a76" * 4, datetime(2026, 7, 1, 4, 0, 12, tzinfo=UTC), "northwind-2026-06-sla.zip"
)


@pytest.fixture
def report():
    return copy.deepcopy(EXAMPLE)


@pytest.fixture
def incomplete(report):
    report.update(state="incomplete", credit=None, revision=None)
    report["objectives"][0].update(
        raw=None, adjusted=None, met=None, tier=None, credit_percent=None, incidents=[], days=[], rules=[]
    )
    report["findings"] = [
        {
            "code": "MISSING",
            "message": "52 minutes have no sample",
            "where": "api-availability",
            "severity": "incomplete",
        },
        {
            "code": "DUPLICATE",
            "message": "3 samples came twice",
            "where": "search-latency",
            "severity": "note",
        },
    ]
    return report


def text_of(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).replace("\u00a0", " ")


def test_every_figure_is_printed_with_all_its_digits_raw_beside_adjusted(report):
    text = text_of(sla_report_html(report, IMPRINT))
    for sla in report["objectives"]:
        for figure in (sla["raw"], sla["adjusted"]):
            assert formats.percent(figure["percent"]).replace("\u00a0", " ") in text
            assert formats.number(figure["numerator"]) in text
        for window in sla["exclusions"]:
            assert formats.with_instants(window["why"]).replace("\u00a0", " ") in text
            assert all(receipt in text for receipt in window["receipts"])
        for sentence in sla["method"]:
            assert formats.with_instants(sentence).replace("\u00a0", " ") in text


def test_the_first_page_answers_in_words(report):
    assert title_of(report) == "SLA report for June 2026"
    assert headline(report).startswith(
        "One of two promises was kept in June 2026; api-availability was missed."
    )
    assert [verdict_of(report, sla).word for sla in report["objectives"]] == ["Missed", "Met"]
    assert promise_of(report["objectives"][1]) == "Promised: at least 99\u00a0% answered within 0.5 seconds."


def test_it_says_its_digest_and_how_to_check_it(report):
    text = text_of(sla_report_html(report, IMPRINT))
    assert digest(report) in text
    assert "trust-portal verify northwind-2026-06-sla.zip --policy northwind.policy --recompute" in text
    assert formats.grouped(IMPRINT.fingerprint) in text


def test_a_refusal_prints_why_and_what_next_but_no_verdict_and_no_credit(incomplete):
    text = text_of(sla_report_html(incomplete, IMPRINT))
    assert "Why no figure is signed" in text
    assert "52 minutes have no sample" in text
    assert "What happens next" in text
    assert "calculated, not signed" in text
    assert [verdict_of(incomplete, sla).word for sla in incomplete["objectives"]] == [
        "Incomplete",
        "Withheld",
    ]
    assert not re.search(r"\b(Met|Missed|Credit)\b", text)
    assert title_of(incomplete) == "SLA report for June 2026, not signed"


def test_a_disputed_report_calls_nothing_met(incomplete):
    incomplete["state"] = "disputed"
    text = text_of(sla_report_html(incomplete, IMPRINT))
    assert "Two accounts of this period disagree" in text
    assert {verdict_of(incomplete, sla).word for sla in incomplete["objectives"]} == {"Disputed"}


def test_a_restatement_shows_what_it_changed_and_why(report):
    report["revision"] = 2
    report["restatement"] = {
        "supersedes": {"revision": 1, "sha256": "ab" * 32},
        "reason": "A probe counted its own retries",
        "delta": [{"field": "api-availability.adjusted.percent", "before": "99.1", "after": "99.839832"}],
    }
    text = text_of(sla_report_html(report, IMPRINT))
    assert title_of(report) == "SLA report for June 2026, revision 2"
    assert "It replaces revision 1" in text
    assert "A probe counted its own retries" in text
    assert "api-availability.adjusted.percent 99.1 99.839832" in text


def test_the_portal_shows_the_same_body_and_links_its_receipts(report):
    body = portal_templates().get_template("documents/_sla_report_body.html")
    page = body.render(report=report, imprint=IMPRINT, href=lambda reference: f"/receipts/{reference}")
    paper = sla_report_html(report, IMPRINT)
    assert text_of(page) in text_of(paper)
    assert 'href="/receipts/receipt:6f1c0a52"' in page
    assert "/receipts/" not in paper
    assert 'class="seal"' not in page
    proved = body.render(
        report=report,
        imprint=replace(IMPRINT, receipt="0197"),
        href=lambda reference: f"/receipts/{reference}",
    )
    assert proved.count('<a class="seal" href="/receipts/0197"') == 3 * len(report["objectives"])
    assert "style=" not in page


@pytest.mark.parametrize("name", ["report", "incomplete"])
def test_the_contents_of_a_page_name_each_part_with_what_came_of_it_and_lead_to_it(name, request):
    report = request.getfixturevalue(name)
    templates = portal_templates()
    body = templates.get_template("documents/_sla_report_body.html")
    page = body.render(report=report, imprint=IMPRINT, href=lambda reference: "")
    contents = templates.get_template("report_contents.html").render(
        report=report, stored=SimpleNamespace(revision=1 if name == "report" else None), export=None
    )
    lines = [
        (text_of(line).strip(), *re.findall(r'href="#([^"]+)"', line))
        for line in re.findall(r"<li>(.*?)</li>", contents, re.DOTALL)
    ]
    promises = [
        (f"{verdict_of(report, sla).word} {sla['objective']}", f"promise-{number}")
        for number, sla in enumerate(report["objectives"], 1)
    ]
    assert len(promises) >= 1
    first = [] if name == "report" else [("Incomplete Why no figure is signed", "refusal")]
    assert lines[: len(first) + len(promises)] == first + promises
    bundled = "Not bundled yet How it came about, and its bundle"
    assert lines.pop() == (bundled if name == "report" else "Signed How it came about", "evidence")
    assert lines[-1] == (f"{len(report['inputs'])} inputs Method, and what it rests on", "method")
    assert [place for _, place in lines if page.count(f'id="{place}"') != 1] == []
    money = [said for said, place in lines if place == "credit"]
    assert len(money) == (report.get("credit") is not None)


def test_the_same_report_prints_to_the_same_bytes_and_another_does_not(report):
    first = sla_report_pdf(report, IMPRINT)
    assert sla_report_pdf(copy.deepcopy(report), IMPRINT) == first
    report["objectives"][0]["adjusted"]["percent"] = "99.839833"
    assert sla_report_pdf(report, IMPRINT) != first


def test_names_from_outside_cannot_become_markup(report):
    report["tenant"]["name"] = "<script>alert(1)</script>"
    report["objectives"][0]["objective"] = '"><img src=x>'
    html = sla_report_html(report, IMPRINT)
    assert "<script" not in html
    assert "<img" not in html
