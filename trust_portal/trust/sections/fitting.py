"""How large a table is set so that it stands on a sheet of paper, however many columns it has. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from trust_portal.documents.lettering import width_of
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.model import Cell, Column, Table, Unit

#: What lies between the margins of ``paper.css`` (170 mm), in CSS pixels.
SHEET: Final = Decimal(642)
#: By class of ``paper.css``: how large its letters are, and what stands apart between two columns, in pixels.
SIZES: Final = {
    "table-fit": (Decimal("12.1"), Decimal("16.5")),
    "table-fit table-close": (Decimal("10.8"), Decimal("10.2")),
    "table-fit table-closer": (Decimal("9.6"), Decimal("7.6")),
    "table-fit table-closest": (Decimal("8.3"), Decimal("5.8")),
    "table-fit table-least": (Decimal("7.2"), Decimal("4.5")),
}
#: What may be broken anywhere: a longer word is.
_WORD: Final = 18
#: A letter of the monospaced face as it is set in tables; the mark of a receipt beside a value.
_MONO, _MARK = Decimal("0.54"), Decimal("1.5")


def setting(table: Table) -> str:
    """The classes of the largest letters in which no word and no amount of the table has to leave the sheet."""
    needs = [_need(column, at, table) for at, column in enumerate(table.columns)]
    for name, (size, apart) in SIZES.items():
        if sum(needs, Decimal(0)) * size + apart * len(needs) <= SHEET:
            return name
    return name


def breaks(cell: Cell) -> bool:
    """Whether a word of it is so long that it may be broken anywhere."""
    return cell.unit is Unit.TEXT and any(len(each) > _WORD for each in (cell.value or "").split())


def _need(column: Column, at: int, table: Table) -> Decimal:
    """In the size of its letters (em): its longest word, in bold where it is the head of its row."""
    return max([*(width_of(each[:_WORD], 1) for each in column.label.split()), *_cells(column, at, table)])


def _cells(column: Column, at: int, table: Table) -> Iterator[Decimal]:
    for row in table.rows:
        cell = row.cells[at]
        mark = _MARK if cell.receipt and cell.value is not None else Decimal(0)
        shown = display(cell)
        if column.unit is Unit.DIGEST:
            yield max((len(each) for each in shown.split(" ")), default=0) * _MONO + mark
            continue
        # A space that does not break belongs to its word; ``split()`` without a separator would break it.
        yield from (
            width_of(each[:_WORD] if cell.unit is Unit.TEXT else each, 1) + mark for each in shown.split(" ")
        )
