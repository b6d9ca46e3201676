"""A section with only those links that its reader may follow. Pure: values, words and receipts stay as they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from trust_portal.trust.sections.model import Cell, Section


def without_links(section: Section, closed: Collection[str]) -> Section:
    """``closed`` are pages below the tenant's own, with whatever is asked of them."""

    def opened(cell: Cell) -> Cell:
        page = None if cell.href is None else cell.href.partition("?")[0].partition("#")[0]
        return replace(cell, href=None) if page in closed else cell

    return replace(
        section,
        figures=tuple(replace(each, cell=opened(each.cell)) for each in section.figures),
        tables=tuple(
            replace(
                table,
                rows=tuple(replace(row, cells=tuple(map(opened, row.cells))) for row in table.rows),
            )
            for table in section.tables
        ),
    )
