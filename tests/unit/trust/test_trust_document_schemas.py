"""The published schemas say what a Trust Report's and a QBR's document is, and nothing else fits them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from support.document_schemas import faults

from trust_portal.kernel.period import parse_period
from trust_portal.trust.qbr import document as qbr
from trust_portal.trust.qbr.model import Audience, Entry, EntryKind, Qbr
from trust_portal.trust.report import document as report
from trust_portal.trust.report.model import Acknowledged
from trust_portal.trust.sections.document import document_bytes
from trust_portal.trust.sections.model import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

NOW = datetime(2026, 7, 2, 9, tzinfo=UTC)
ID = UUID("00000000-0000-7000-8000-000000000001")
BEFORE = ("2026-Q1", 1, "ab" * 32)
LATE = Acknowledged("posture", "Posture", State.MISSING, "not checked", "We look next week.")


def section(id_: str, state: State = State.FRESH, why: str | None = None) -> Section:
    return Section(
        id=id_,
        title=id_.title(),
        state=state,
        source="closed hours",
        as_of=None if why else NOW,
        max_age=timedelta(days=1),
        why=why,
        sentences=(Sentence("It cost {total}."),),
        figures=(Figure("total", "Total", Cell("72.00", Unit.MONEY, "EUR", "/cost", str(ID))),),
        tables=(
            Table(
                "trend",
                "Month by month",
                (Column("month", "Month"), Column("down", "Down", Unit.MINUTES)),
                (
                    Row("2026-06", (Cell("2026-06"), Cell("3", Unit.MINUTES))),
                    Row("x", (Cell("x"), Cell(None))),
                ),
                "No month was reported yet.",
            ),
        ),
        charts=(Chart("trend", "Down", ChartKind.LINE, "trend", "month", ("down",), "5"),),
    )


def a_trust_report() -> dict[str, Any]:
    edition = report.Edition(
        "Vendor Ltd", "aurora", "Aurora", parse_period("2026-Q2", "UTC"), 2, NOW, BEFORE, None, "late data"
    )
    sections = (section("cost"), section("posture", State.MISSING, "not checked"))
    return _as_read(document_bytes(report.trust_report(edition, sections, (LATE,)))[0])


def a_qbr() -> dict[str, Any]:
    edition = qbr.Edition(
        "Vendor Ltd", "aurora", "Aurora", parse_period("2026-06", "UTC"), 1, None, BEFORE, BEFORE, None, NOW
    )
    row = Qbr(ID, ID, 1, "2026-06", NOW, "cd" * 32, "Cora", ID, 1, None)
    entries = tuple(
        Entry(
            ordinal=number,
            kind=kind,
            subject=subject,
            text="We *know*.",
            audience=Audience.CUSTOMER,
            at=NOW,
            by_name="Cora",
            receipt_id=ID,
        )
        for number, (kind, subject) in enumerate(((EntryKind.COMMENT, "usage"), (EntryKind.OMISSION, "cost")))
    )
    sections = (section("usage"), section("cost"), section("posture", State.MISSING, "not checked"))
    return _as_read(
        document_bytes(
            qbr.qbr_document(edition, row, sections, (sections[0], sections[2]), entries, (LATE,))
        )[0]
    )


def _as_read(content: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(content)
    return body


def test_documents_fit_their_schemas() -> None:
    assert faults("trust-report", a_trust_report()) == []
    assert faults("qbr", a_qbr()) == []
    assert [each["section"] for each in a_qbr()["omissions"]] == ["cost"]


ANY: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda body: body.pop("reason"), ""),
    (lambda body: body.update(comment="more"), ""),
    (lambda body: body.update(revision=1), "revision"),
    (lambda body: body.update(as_of="2026-07-02"), "as_of"),
    (lambda body: body["period"].update(label="2026-Q5"), "period/label"),
    (lambda body: body["previous"] and body["previous"].update(sha256="short"), "previous"),
    (lambda body: body["acknowledgements"][0].update(state="fresh"), "acknowledgements/0/state"),
    (lambda body: body["sections"][0].update(why="it is late"), "sections/0/why"),
    (lambda body: body["sections"][1].update(why=None), "sections/1/why"),
    (lambda body: body["sections"][0].update(sentences=["It cost 72."]), "sections/0/sentences/0"),
    (lambda body: body["sections"][0]["figures"][0].update(value=72.0), "sections/0/figures/0/value"),
    (lambda body: body["sections"][0]["figures"][0].update(currency=None), "sections/0/figures/0/currency"),
    (
        lambda body: body["sections"][0]["tables"][0]["rows"][0]["cells"][1].update(value="3.5"),
        "sections/0/tables/0/rows/0/cells/1/value",
    ),
]


@pytest.mark.parametrize("kind", ["trust-report", "qbr"])
@pytest.mark.parametrize(("change", "place"), ANY)
def test_what_is_missing_more_or_otherwise_does_not_fit(
    kind: str, change: Callable[[dict[str, Any]], object], place: str
) -> None:
    body = copy.deepcopy(a_qbr() if kind == "qbr" else a_trust_report() | {"previous": _named()})
    change(body)
    assert any(each == place or each.startswith(f"{place}/") for each in faults(kind, body)), faults(
        kind, body
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda body: body["commentary"][0].pop("receipt"), "commentary/0"),
        (lambda body: body["omissions"][0].update(at="soon"), "omissions/0/at"),
        (lambda body: body["prepared"].update(sha256="short"), "prepared/sha256"),
    ],
)
def test_what_only_a_qbr_has_is_held_too(change: Callable[[dict[str, Any]], object], place: str) -> None:
    body = a_qbr()
    change(body)
    assert faults("qbr", body) == [place]


def _named() -> dict[str, str]:
    period, revision, sha256 = BEFORE
    return {"period": period, "revision": str(revision), "sha256": sha256}
