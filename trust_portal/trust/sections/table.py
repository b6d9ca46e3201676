"""A document of sections as one table: a row for each value, and behind them what was said and what was left out. Pure.

A row carries what a reader of the whole document sees beside the value: how old its section may be, why it is not fresh, and
why it was let stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trust_portal.documents.csv import write_csv
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.sections.document import csv_rows, section_of
from trust_portal.trust.sections.model import Cell, Section

_HEADER: Final = (
    "section",
    "place",
    "unit",
    "currency",
    "value",
    "state",
    "as_of",
    "source",
    "receipt",
    "max_age_s",
    "why",
    "acknowledged",
)
#: Behind a section's id: no value has such a place.
OMISSION: Final = ":omission"
COMMENTARY: Final = ":commentary"

_Row = tuple[str | None, ...]


def document_table(body: Mapping[str, Any]) -> bytes:
    """The CSV of a Trust Report or a QBR, from its JSON alone. Format 1 had the values and nothing beside them."""
    sections = [section_of(each) for each in body["sections"]]
    if body["format"] == "1":
        header, *rows = csv_rows(sections)
        return write_csv([str(each) for each in header], rows)
    acknowledged = {each["section"]: each["reason"] for each in body["acknowledgements"]}
    said = [
        *(_said(each, OMISSION, "omitted") for each in body.get("omissions", ())),
        *(_said(each, COMMENTARY, "") for each in body.get("commentary", ())),
    ]
    return sections_table(sections, acknowledged, said)


def sections_table(
    sections: Sequence[Section], acknowledged: Mapping[str, str] | None = None, said: Sequence[_Row] = ()
) -> bytes:
    """``acknowledged``: why a section was let stand, by its id; ``said``: rows behind those of the values."""
    reasons = acknowledged or {}
    rows = [row for each in sections for row in _values(each, reasons.get(each.id))]
    return write_csv(_HEADER, [*rows, *said], any_separator=True)


def _values(section: Section, acknowledged: str | None) -> Iterator[_Row]:
    as_of = None if section.as_of is None else rfc3339(section.as_of)
    max_age = str(int(section.max_age.total_seconds()))
    for place, cell in list(section.cells()) or [(section.id, Cell(None))]:
        yield (
            section.id, place, cell.unit.value, cell.currency, cell.value, section.state.value, as_of,
            section.source, cell.receipt, max_age, section.why, acknowledged,
        )  # fmt: skip


def _said(entry: Mapping[str, Any], place: str, state: str) -> _Row:
    """By whom is its source, when its moment."""
    section = str(entry["section"])
    return (
        section, f"{section}/{place}", "text", None, entry["text"], state, entry["at"], entry["by"],
        entry["receipt"], None, None, None,
    )  # fmt: skip
