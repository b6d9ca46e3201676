"""No word of a PDF lies beyond the margin of its page, however long a finding, a name or a digest is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from uuid import UUID

from weasyprint.formatting_structure.boxes import TextBox

from trust_portal.documents.typesetting import laid_out
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.reports.presentation import sla_report_html
from trust_portal.reliability.reports.words import Imprint as ReportImprint
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
