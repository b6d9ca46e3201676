"""Sections as canonical JSON, and back. Pure. The shape is the same in every trust document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trust_portal.kernel.canonical import Json, canonical, sha256_hex
from trust_portal.kernel.clock import rfc3339
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


def document_bytes(body: Mapping[str, Json]) -> tuple[bytes, str]:
    """RFC 8785 and its hex SHA-256."""
    content = canonical(dict(body))
    return content, sha256_hex(content)


def sections_of(body: Mapping[str, Any]) -> tuple[Section, ...]:
    """In the document's order. Raises ``LookupError``, ``TypeError`` or ``ValueError`` for anything else."""
    return tuple(section_of(each) for each in body["sections"])


def document_named(document: tuple[str, int, str] | None) -> Json:
    """Another document of the kind, as (period, revision, SHA-256)."""
    if document is None:
        return None
    period, revision, sha256 = document
    return {"period": period, "revision": str(revision), "sha256": sha256}


def section_json(section: Section) -> dict[str, Any]:
    """JSON without floats; ``max_age_s`` counts seconds."""
    return {
        "id": section.id,
        "title": section.title,
        "state": section.state.value,
        "why": section.why,
        "source": section.source,
        "as_of": None if section.as_of is None else rfc3339(section.as_of),
        "max_age_s": str(int(section.max_age.total_seconds())),
        "sentences": [each.text for each in section.sentences],
        "figures": [
            {"id": each.id, "label": each.label, **_cell_json(each.cell)} for each in section.figures
        ],
        "tables": [_table_json(each) for each in section.tables],
        "charts": [
            {
                "id": each.id,
                "title": each.title,
                "kind": each.kind.value,
                "table": each.table,
                "category": each.category,
                "series": list(each.series),
                "target": each.target,
            }
            for each in section.charts
        ],
    }


def section_of(body: Mapping[str, Any]) -> Section:
    """What ``section_json`` wrote. Raises ``LookupError``, ``TypeError`` or ``ValueError`` for anything else."""
    return Section(
        id=body["id"],
        title=body["title"],
        state=State(body["state"]),
        why=body["why"],
        source=body["source"],
        as_of=None if body["as_of"] is None else datetime.fromisoformat(body["as_of"]),
        max_age=timedelta(seconds=int(body["max_age_s"])),
        sentences=tuple(map(Sentence, body["sentences"])),
        figures=tuple(Figure(each["id"], each["label"], _cell_of(each)) for each in body["figures"]),
        tables=tuple(map(_table_of, body["tables"])),
        charts=tuple(
            Chart(
                each["id"],
                each["title"],
                ChartKind(each["kind"]),
                each["table"],
                each["category"],
                tuple(each["series"]),
                each["target"],
            )
            for each in body["charts"]
        ),
    )


def csv_rows(sections: Sequence[Section]) -> list[tuple[str | None, ...]]:
    """Header and one row for each value: section, place, unit, currency, value, state, as of, source, receipt."""
    rows: list[tuple[str | None, ...]] = [
        ("section", "place", "unit", "currency", "value", "state", "as_of", "source", "receipt")
    ]
    for section in sections:
        as_of = None if section.as_of is None else rfc3339(section.as_of)
        known = list(section.cells()) or [(section.id, Cell(None))]
        for place, cell in known:
            rows.append(
                (
                    section.id,
                    place,
                    cell.unit.value,
                    cell.currency,
                    cell.value,
                    section.state.value,
                    as_of,
                    section.source,
                    cell.receipt,
                )
            )
    return rows


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "value": cell.value,
        "unit": cell.unit.value,
        "currency": cell.currency,
        "href": cell.href,
        "receipt": cell.receipt,
    }


def _cell_of(body: Mapping[str, Any]) -> Cell:
    return Cell(body["value"], Unit(body["unit"]), body["currency"], body["href"], body["receipt"])


def _table_json(table: Table) -> dict[str, Any]:
    return {
        "id": table.id,
        "title": table.title,
        "empty": table.empty,
        "columns": [{"id": each.id, "label": each.label, "unit": each.unit.value} for each in table.columns],
        "rows": [{"id": row.id, "cells": [_cell_json(each) for each in row.cells]} for row in table.rows],
    }


def _table_of(body: Mapping[str, Any]) -> Table:
    return Table(
        id=body["id"],
        title=body["title"],
        empty=body["empty"],
        columns=tuple(Column(each["id"], each["label"], Unit(each["unit"])) for each in body["columns"]),
        rows=tuple(Row(each["id"], tuple(map(_cell_of, each["cells"]))) for each in body["rows"]),
    )
