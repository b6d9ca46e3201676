"""The CSV of a document says of each value what its reader sees beside it, and what was said and left out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from trust_portal.trust.sections.document import section_json
from trust_portal.trust.sections.model import Cell, Figure, Section, State, Unit
from trust_portal.trust.sections.table import document_table

NOW = datetime(2026, 7, 2, 9, tzinfo=UTC)


def section(
    id_: str, state: State = State.FRESH, why: str | None = None, *, value: str | None = "72.00"
) -> Section:
    figures = (
        () if value is None else (Figure("total", "Total", Cell(value, Unit.MONEY, "EUR", "/cost", "r-1")),)
    )
    return Section(
        id_, id_.title(), state, "closed hours", None if why else NOW, timedelta(days=1), why, (), figures
    )


def body(format_: str = "2", **more: Any) -> dict[str, Any]:
    sections = [section("cost"), section("posture", State.MISSING, "not checked", value=None)]
    return {
        "format": format_,
        "sections": [section_json(each) for each in sections],
        "acknowledgements": [{"section": "posture", "reason": "We look; next week."}],
        **more,
    }


def rows(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


def test_each_value_has_its_sections_age_its_reason_and_why_it_was_let_stand() -> None:
    cost, posture = rows(document_table(body()))
    assert cost == {
        "section": "cost", "place": "cost/total", "unit": "money", "currency": "EUR", "value": "72.00",
        "state": "fresh", "as_of": "2026-07-02T09:00:00Z", "source": "closed hours", "receipt": "r-1",
        "max_age_s": "86400", "why": "", "acknowledged": "",
    }  # fmt: skip
    told = (posture["place"], posture["state"], posture["max_age_s"], posture["why"], posture["acknowledged"])
    assert told == ("posture", "missing", "86400", "not checked", "We look; next week.")


def test_what_was_left_out_and_what_was_said_have_rows_of_their_own() -> None:
    said = {"text": "We *know*.", "by": "Cora", "at": "2026-07-03T09:00:00Z", "receipt": "r-2"}
    found = rows(
        document_table(
            body(
                omissions=[{**said, "section": "access", "title": "Access", "text": "Asked for by mail."}],
                commentary=[{**said, "section": "cost"}],
            )
        )
    )
    wanted = ("section", "place", "value", "state", "as_of", "source", "receipt")
    assert [tuple(each[name] for name in wanted) for each in found[2:]] == [
        (
            "access",
            "access/:omission",
            "Asked for by mail.",
            "omitted",
            "2026-07-03T09:00:00Z",
            "Cora",
            "r-2",
        ),
        ("cost", "cost/:commentary", "We *know*.", "", "2026-07-03T09:00:00Z", "Cora", "r-2"),
    ]


def test_a_formula_behind_a_separator_of_another_country_opens_as_text() -> None:
    for text in ("a;=1+1", "a;  @SUM(A1)", "a\t=1+1", "a\r\n=1+1", "a\n-1+cmd", "a;b;+1", "a;＝1"):
        content = document_table(
            body(commentary=[{"section": "cost", "text": text, "by": "C", "at": "", "receipt": ""}])
        )
        for separator in ",;\t":
            cells = [
                cell
                for row in csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator)
                for cell in row
            ]
            assert [each for each in cells if each.strip().startswith(("=", "+", "-", "@", "＝"))] == [], (
                text,
                separator,
            )
    plain = rows(
        document_table(
            body(commentary=[{"section": "cost", "text": "a; b - c", "by": "C", "at": "", "receipt": ""}])
        )
    )
    assert plain[2]["value"] == "a; b - c", "what is no formula stays as it was written"


def test_the_first_format_had_the_values_alone() -> None:
    header, *_ = document_table(body("1")).decode().split("\r\n")
    assert header == "section,place,unit,currency,value,state,as_of,source,receipt"
