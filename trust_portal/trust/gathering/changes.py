"""What changed since the document before, value by value. Pure: the verifier derives it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.documents import formats
from trust_portal.trust.gathering.ids import ACCESS, CHANGES, VERIFICATION
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.model import (
    Cell,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
    as_cells,
)

TITLE: Final = "What changed"
SOURCE: Final = "the Trust Report before"
MAX_AGE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: ``noun`` and ``page`` are those of the document before, ``first`` what is said where there is
    none, ``passed_over`` the sections that say nothing by being others than before.
    """

    title: str
    source: str
    noun: str
    page: str
    first: str
    passed_over: frozenset[str]


#: So many rows are named as new, and so many as gone; the figures count all.
MOST_ROWS: Final = 50

#: Passed over is what grows with every look.
TRUST_REPORT: Final = Comparison(
    TITLE,
    SOURCE,
    "report",
    "/trust",
    "there is no Trust Report before this one",
    frozenset({ACCESS, VERIFICATION, CHANGES}),
)
_COLUMNS: Final = (
    Column("part", "Part"),
    Column("value", "Value"),
    Column("before", "Before"),
    Column("now", "Now"),
)
_STATE_COLUMNS: Final = (Column("part", "Part"), Column("before", "Before"), Column("now", "Now"))
_ROW_COLUMNS: Final = (
    Column("part", "Part"),
    Column("table", "Where"),
    Column("row", "What"),
    Column("said", "What it says"),
)


def changes_section(
    sections: Sequence[Section],
    before: Before | None,
    now: datetime,
    of: Comparison = TRUST_REPORT,
    *,
    is_first: bool = False,
) -> Section:
    """``sections`` are those of the document, without this one. A value that is in both and differs is shown, by its
    address; what is new or gone is named row by row, in the order in which it is read, up to ``MOST_ROWS``.

    ``is_first``: of a document of format 1, in which values that are new or gone were only counted.
    """
    if before is None:
        return Section(
            CHANGES,
            of.title,
            State.NOT_APPLICABLE,
            of.source,
            None,
            MAX_AGE,
            why=of.first,
        )
    earlier = {name: each for name, each in before.sections.items() if name not in of.passed_over}
    current = {each.id: each for each in sections if each.id not in of.passed_over}
    if not is_first:
        # Of a section that is left out nothing is said here either: that it is stands where that is said.
        earlier = {name: each for name, each in earlier.items() if name in current}

    def count(number: int) -> Cell:
        """The documents that were compared are among all versions."""
        return Cell(str(number), Unit.COUNT, href=of.page)

    was, is_ = as_cells(earlier), as_cells(current)
    differ = [
        name
        for name in is_
        if name in was and (was[name].value, was[name].currency) != (is_[name].value, is_[name].currency)
    ]
    titles = {
        **{each.id: each.title for each in earlier.values()},
        **{each.id: each.title for each in sections},
    }
    new, gone = _rows_only_in(current, was), _rows_only_in(earlier, is_)
    sentences = [
        Sentence(
            f"Since the {of.noun} for {{period}}, revision {{revision}}: {{changed}} values differ, {{new}} are new "
            "and {gone} gone."
        )
    ]
    if not is_first and max(len(new), len(gone)) > MOST_ROWS:
        sentences.append(
            Sentence(
                "Named are the first {new-named} of {new-rows} rows that are new, and of {gone-rows} that are gone the "
                "first {gone-named}."
            )
        )
    rows = (
        Figure("new-rows", "Rows that are new", count(len(new))),
        Figure("new-named", "Of them named here", count(len(new[:MOST_ROWS]))),
        Figure("gone-rows", "Rows that are gone", count(len(gone))),
        Figure("gone-named", "Of them named here", count(len(gone[:MOST_ROWS]))),
    )
    named = (
        Table("new", "What is new", _ROW_COLUMNS, new[:MOST_ROWS], "Nothing is new."),
        Table("gone", "What is gone", _ROW_COLUMNS, gone[:MOST_ROWS], "Nothing is gone."),
    )
    return Section(
        id=CHANGES,
        title=of.title,
        state=State.FRESH,
        source=of.source,
        as_of=now,
        max_age=MAX_AGE,
        sentences=tuple(sentences),
        figures=(
            Figure("period", "Compared with", Cell(formats.period(before.label))),
            Figure("revision", "Revision", count(before.revision)),
            Figure("sha256", f"SHA-256 of that {of.noun}", Cell(before.sha256, Unit.DIGEST)),
            Figure("changed", "Values that differ", count(len(differ))),
            Figure("new", "Values that are new", count(len(is_.keys() - was.keys()))),
            Figure("gone", "Values that are gone", count(len(was.keys() - is_.keys()))),
            *(() if is_first else rows),
        ),
        tables=(
            Table("states", "States that differ", _STATE_COLUMNS, _states(earlier, current), "None differs."),
            Table(
                "values",
                "Values that differ",
                _COLUMNS,
                tuple(_row(name, titles, was[name], is_[name]) for name in differ),
                "None differs.",
            ),
            *(() if is_first else named),
        ),
    )


def _row(address: str, titles: Mapping[str, str], was: Cell, is_: Cell) -> Row:
    part, _, value = address.partition("/")
    return Row(
        address,
        (
            Cell(titles[part]),
            Cell(value),
            Cell(display(was), href=was.href),
            Cell(display(is_), href=is_.href),
        ),
    )


def _rows_only_in(sections: Mapping[str, Section], other: Mapping[str, Cell]) -> tuple[Row, ...]:
    """Figures, and rows of tables, of which ``other`` has no value, or not all: of those, what it has not."""
    found = []
    for section in sections.values():
        for figure in section.figures:
            place = f"{section.id}/{figure.id}"
            if place not in other:
                said = Cell(display(figure.cell), href=figure.cell.href)
                found.append(Row(place, (Cell(section.title), Cell("figures"), Cell(figure.label), said)))
        for table in section.tables:
            for row in table.rows:
                place = f"{section.id}/{table.id}/{row.id}"
                cells = {
                    column: cell
                    for column, cell in zip(table.columns, row.cells, strict=True)
                    if f"{place}/{column.id}" not in other
                }
                if cells:
                    found.append(Row(place, (Cell(section.title), Cell(table.title), *_named(row, cells))))
    return tuple(found)


def _named(row: Row, cells: Mapping[Column, Cell]) -> tuple[Cell, Cell]:
    """The row by its first cell, and what else is new of it: ``Severity: P1; Began: 9 June 2026``.

    Without receipts: with those of what is gone, a document would rest on all that ever came before it.
    """
    first, *_ = row.cells
    rest = "; ".join(
        f"{column.label}: {display(cell)}" for column, cell in cells.items() if cell is not first
    )
    return Cell(display(first), href=first.href), Cell(rest or display(first), href=first.href)


def _states(earlier: Mapping[str, Section], current: Mapping[str, Section]) -> tuple[Row, ...]:
    return tuple(
        Row(name, (Cell(each.title), Cell(_state(earlier.get(name))), Cell(_state(each))))
        for name, each in current.items()
        if _state(earlier.get(name)) != _state(each)
    )


def _state(section: Section | None) -> str:
    return "not there" if section is None else section.state.value.replace("_", " ")
