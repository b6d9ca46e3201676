"""A table as people are shown it: one word for what there is not, and no column that nobody can fill. Pure.

JSON and CSV keep every cell as it was signed; page, paper and slides say it in these words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from trust_portal.trust.gathering.ids import POSTMORTEMS, PREVENTION
from trust_portal.trust.gathering.totals import NOT_YET
from trust_portal.trust.sections.model import Cell, Row, Table

#: Of a single row, "not known" in its place reads better than a note.
_FEWEST: Final = 2
_NO_COPY: Final = "no copy was given"
_NOTHING_DUE: Final = "none"


def table_shown(table: Table) -> Table:
    """What is known not to be there says so; a column that is not known in any of several rows is left out."""
    table = replace(table, rows=tuple(_row(table, each) for each in table.rows))
    kept = [at for at in range(len(table.columns)) if at not in _unknown(table)]
    return replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        rows=tuple(replace(row, cells=tuple(row.cells[at] for at in kept)) for row in table.rows),
    )


def left_out(table: Table) -> str | None:
    """The columns that ``table_shown`` leaves out, as a note beside the table's name. None where it has all."""
    table = replace(table, rows=tuple(_row(table, each) for each in table.rows))
    labels = [table.columns[at].label for at in _unknown(table)]
    return f"not known of any: {', '.join(labels)}" if labels else None


def _unknown(table: Table) -> list[int]:
    if len(table.rows) < _FEWEST:
        return []
    return [
        at for at in range(1, len(table.columns)) if all(row.cells[at].value is None for row in table.rows)
    ]


def _row(table: Table, row: Row) -> Row:
    cells = table.cells_of(row)
    if table.id == POSTMORTEMS:
        words = NOT_YET if cells["version"].value in {None, NOT_YET} else _NO_COPY
    elif table.id == PREVENTION:
        words = NOT_YET if cells["planned"].value is None else _NOTHING_DUE
    else:
        return row
    absent = {None, _NO_COPY} if words == NOT_YET else {None}
    return table.with_cells(
        row, {name: Cell(words, href=cell.href) for name, cell in cells.items() if cell.value in absent}
    )
