"""No word of a PDF lies beyond the margin of its page, however long a finding, a name or a digest is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from fontTools.ttLib import TTFont
from weasyprint.formatting_structure.boxes import TextBox

from trust_portal.documents.formats import money
from trust_portal.documents.lettering import width_of
from trust_portal.documents.typesetting import laid_out
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.reports.presentation import sla_report_html
from trust_portal.reliability.reports.words import Imprint as ReportImprint
from trust_portal.runtime.shipped import shipped
from trust_portal.trust.posture.model import Check, Finding, Outcome, PostureCheck, Today
from trust_portal.trust.posture.section import posture_section
from trust_portal.trust.report.document import Edition, trust_report
from trust_portal.trust.report.presentation import trust_report_html
from trust_portal.trust.sections.imprint import Imprint
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, State, Table, Unit

NOW = datetime(2026, 11, 29, 2, 55, 37, tzinfo=UTC)
ID = UUID("01a22611-ce27-7261-8d39-bb7f44c5a09d")
RECEIPT = str(ID)
FOUND = (
    "Every table of customers forces row-level security, and a transaction of this customer neither read nor "
    "wrote what is another's."
)
#: 20 mm in CSS pixels: the margin of ``paper.css``.
MARGIN = 20 / 25.4 * 96


def beyond_the_margin(html: str) -> Iterator[str]:
    """The words of a document that begin or end outside its pages' margins."""
    for page in laid_out(html).pages:
        for box in page._page_box.descendants():
            if isinstance(box, TextBox) and box.text.strip():
                left, right = box.position_x, box.position_x + box.width
                if left < MARGIN - 1 or right > page.width - MARGIN + 1:
                    yield box.text


def posture() -> Section:
    found = [
        Finding(Check.ISOLATION, Outcome.PASS, FOUND, {}),
        Finding(Check.RESIDENCY, Outcome.NOT_CHECKED, "Agreed is Germany; it is not stated where.", {}),
    ]
    looked = [PostureCheck(ID, ID, ID, each, NOW, "the clockwork", ID) for each in found]
    return posture_section(looked, Today(None, ""), {}, NOW)


def controls() -> Section:
    """A table as wide as that of the controls: seven columns, a receipt behind most of them."""
    columns = (
        Column("control", "Control"),
        Column("whose", "Judged for"),
        Column("state", "Result"),
        Column("looked-at", "Looked at", Unit.COUNT),
        Column("at", "As of", Unit.INSTANT),
        Column("references", "Alike in"),
        Column("gaps", "Gaps", Unit.COUNT),
    )
    row = (
        Cell("Two persons stand behind what takes two", href="/compliance#two"),
        Cell("your tenant"),
        Cell("not evaluated: no period has ended yet for which a report is due", receipt=RECEIPT),
        Cell("12345", Unit.COUNT, receipt=RECEIPT),
        Cell("2026-11-29T02:55:37Z", Unit.INSTANT, receipt=RECEIPT),
        Cell("ISO/IEC 27001:2022 A.5.3, A.8.32; SOC 2 CC5.1, CC8.1"),
        Cell("12", Unit.COUNT, receipt=RECEIPT),
    )
    digests = Table(
        "digests",
        "Digests",
        (
            Column("name", "Name"),
            *(Column(f"d{each}", "Digest of what was handed over", Unit.DIGEST) for each in range(5)),
        ),
        (Row("one", (Cell("x" * 60), *(Cell("ab" * 32, Unit.DIGEST, receipt=RECEIPT) for _ in range(5)))),),
        "None.",
    )
    return Section(
        id="compliance",
        title="Continuous compliance",
        state=State.FRESH,
        source="controls",
        as_of=NOW,
        max_age=timedelta(days=3),
        figures=(
            Figure("evaluated-at", "Evaluated at", Cell("2026-11-29T02:55:37Z", Unit.INSTANT)),
            Figure("document", "Digest of the evaluation", Cell("ab" * 32, Unit.DIGEST, receipt=RECEIPT)),
        ),
        tables=(Table("controls", "Controls", columns, (Row("one", row),), "None."), digests),
    )


def test_a_trust_report_keeps_long_findings_wide_tables_and_digests_within_its_margins() -> None:
    edition = Edition(
        "Meridian Cloud",
        "brightwater",
        "Brightwater Logistics and Warehousing of the Northern Provinces",
        parse_period("2026-Q4", "UTC"),
        1,
        NOW,
        None,
        None,
        None,
    )
    body = trust_report(edition, [controls(), posture()], ())
    imprint = Imprint(
        "ab" * 32, "brightwater-trust-report-2026-Q4-r1.zip", "2026-11-29T02:55:37Z", "Ada Vogel"
    )
    html = trust_report_html(body, imprint)
    assert FOUND in unescape(html)
    assert list(beyond_the_margin(html)) == []


def wide(amount: str) -> Section:
    """As many columns as a table has, with amounts that are not broken, and digests with long headings."""
    money = tuple(Column(f"m{each}", "Of that in the period", Unit.MONEY) for each in range(5))
    found = Table(
        "found",
        "What was found",
        (
            *(Column(f"t{each}", "Subsystem") for each in range(3)),
            Column("at", "Began", Unit.INSTANT),
            *money,
        ),
        (
            Row(
                "one",
                (
                    Cell("orchestration"),
                    Cell("deviation"),
                    Cell("medium"),
                    Cell("2026-11-12T19:00:00Z", Unit.INSTANT),
                    *(Cell(amount, Unit.MONEY, "EUR", receipt=RECEIPT) for _ in range(5)),
                ),
            ),
        ),
        "None.",
    )
    copies = Table(
        "copies",
        "Postmortems",
        (
            Column("incident", "Incident"),
            Column("cover", "Postmortem"),
            Column("version", "Version", Unit.COUNT),
            Column("signed", "Signed", Unit.INSTANT),
            *(Column(f"d{each}", "SHA-256 of its bundle", Unit.DIGEST) for each in range(5)),
        ),
        (
            Row(
                "one",
                (
                    Cell("Exports of large archives begin anew"),
                    Cell("signed"),
                    Cell("1", Unit.COUNT),
                    Cell("2026-11-13T04:12:12Z", Unit.INSTANT),
                    *(Cell(RECEIPT if each % 2 else "ab" * 32, Unit.DIGEST) for each in range(5)),
                ),
            ),
        ),
        "None.",
    )
    return replace(controls(), id="cost", title="Cost", figures=(), tables=(found, copies))


def runs(html: str) -> list[str]:
    """Every run of text that stands in one line."""
    return [
        box.text
        for page in laid_out(html).pages
        for box in page._page_box.descendants()
        if isinstance(box, TextBox)
    ]


@pytest.mark.parametrize("amount", ["2077.74", "-145410.17", "123456789012.34"])
def test_a_table_of_many_columns_is_set_smaller_until_no_amount_leaves_the_paper_and_no_word_is_broken(
    amount: str,
) -> None:
    edition = Edition(
        "Meridian Cloud",
        "brightwater",
        "Brightwater",
        parse_period("2026-Q4", "UTC"),
        1,
        NOW,
        None,
        None,
        None,
    )
    body = trust_report(edition, [wide(amount)], ())
    html = trust_report_html(body, Imprint("ab" * 32, "b.zip", "2026-11-29T02:55:37Z", "Ada Vogel"))
    assert list(beyond_the_margin(html)) == []
    found = runs(html)
    assert found.count(money(amount, "EUR")) == 5
    assert (found.count("ab" * 6 + "…"), found.count(RECEIPT[:12] + "…")) == (3, 2)
    words = {word for run in found for word in run.split()}
    assert {"Subsystem", "orchestration", "deviation", "Postmortem", "bundle", "Exports"} <= words


def test_no_letter_is_wider_than_it_is_said_to_be() -> None:
    for weight in (400, 600):
        face = TTFont(Path(shipped("static")) / f"fonts/source-sans-3-latin-{weight}-normal.woff2")
        wide = {chr(code): face["hmtx"][name][0] for code, name in face.getBestCmap().items()}
        texts = {chr(code) for code in range(32, 127)} | set("\u00a0\u2212…–’“”")
        assert {each for each in texts if width_of(each, 1000) < wide[each]} == set()
        assert {each for each in texts if width_of(each, 1000) > wide[each] + 110} == set()


def test_an_sla_report_keeps_its_tables_and_digests_within_its_margins() -> None:
    example = Path(__file__).parents[2] / "fixtures" / "sla_report_example.json"
    html = sla_report_html(
        json.loads(example.read_text()), ReportImprint("ab" * 32, NOW, "northwind-2026-06-sla.zip")
    )
    assert list(beyond_the_margin(html)) == []


def test_what_does_leave_the_paper_is_found() -> None:
    html = (
        "<!doctype html><html lang=en><title>t</title><body><p style='white-space: nowrap'>" + FOUND + FOUND
    )
    assert list(beyond_the_margin(html)) != []
