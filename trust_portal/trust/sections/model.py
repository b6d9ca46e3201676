"""A section of a trust document: figures, tables and sentences, with their source and their age. Pure.

Every form of a document (page, PDF, slides, CSV) is drawn from its sections alone, and every number in
them is a ``Cell``: so no two forms can say different things. ``None`` as a value means that nobody knows,
and is shown as such; it is never left blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]*")
#: ``{name}`` in a sentence: the figure of that id.
_SLOT: Final = re.compile(r"\{([a-z0-9][a-z0-9_.:-]*)\}")
_NUMBER: Final = re.compile(r"\d")


class State(StrEnum):
    """``stale`` and ``missing`` block a document until somebody acknowledges them with a reason."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"

    @property
    def blocks(self) -> bool:
        return self in {State.STALE, State.MISSING}


class Unit(StrEnum):
    """How a value is written and read. ``money`` needs a currency; ``minutes`` and ``count`` are whole."""

    COUNT = "count"
    DAY = "day"
    DIGEST = "digest"
    INSTANT = "instant"
    MINUTES = "minutes"
    MONEY = "money"
    NUMBER = "number"
    PERCENT = "percent"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. ``value`` is exact: a decimal, RFC 3339 or plain text; ``None`` where it is not known.

    ``href`` is a path below the tenant's own (``/reports/2026-06``), where it comes from; ``receipt`` the
    id of the receipt that states it. Money has its ISO 4217 ``currency``.
    """

    value: str | None
    unit: Unit = Unit.TEXT
    currency: str | None = None
    href: str | None = None
    receipt: str | None = None

    def __post_init__(self) -> None:
        if (self.unit is Unit.MONEY) != (self.currency is not None):
            raise ValueError("money has a currency, and nothing else has")


@dataclass(frozen=True, slots=True)
class Figure:
    """A named value; ``id`` is unique in its section and stable from one document to the next."""

    id: str
    label: str
    cell: Cell

    def __post_init__(self) -> None:
        _require_id(self.id)


@dataclass(frozen=True, slots=True)
class Column:
    id: str
    label: str
    unit: Unit = Unit.TEXT

    def __post_init__(self) -> None:
        _require_id(self.id)


@dataclass(frozen=True, slots=True)
class Row:
    """``id`` is stable from one document to the next, so that two can be compared."""

    id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``empty`` is the sentence that stands where there are no rows: it says why, or that it is good so."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str

    def __post_init__(self) -> None:
        _require_id(self.id)
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"row {row.id} of {self.id} has {len(row.cells)} cells")

    def column(self, name: str) -> Column:
        """``LookupError`` where there is none."""
        for each in self.columns:
            if each.id == name:
                return each
        raise LookupError(f"table {self.id} has no column {name}")

    def cells_of(self, row: Row) -> dict[str, Cell]:
        """One row's cells by column."""
        return {column.id: cell for column, cell in zip(self.columns, row.cells, strict=True)}

    def cell(self, row: Row, column: str) -> Cell:
        """``LookupError`` where there is no such column."""
        return self.cells_of(row)[column]

    def by_column(self) -> Iterator[tuple[str, dict[str, Cell]]]:
        """Each row's id, and its cells by column."""
        for row in self.rows:
            yield row.id, self.cells_of(row)

    def with_cells(self, row: Row, cells: Mapping[str, Cell]) -> Row:
        """``row`` with these cells in place of its own, by column. ``LookupError`` where there is no such column."""
        own = self.cells_of(row)
        for name in cells:
            self.column(name)
        return replace(row, cells=tuple((own | dict(cells)).values()))


class ChartKind(StrEnum):
    LINE = "line"
    BAR = "bar"


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns of a table of the same section, drawn: ``category`` along, ``series`` upwards. ``target`` is a
    value to draw a line at.
    """

    id: str
    title: str
    kind: ChartKind
    table: str
    category: str
    series: tuple[str, ...]
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words in which every number is a figure: ``{figure}`` stands for the figure of that id.

    A digit outside a slot is refused, so that no number can be said that is not a fact of the section.
    """

    text: str

    def __post_init__(self) -> None:
        if _NUMBER.search(_SLOT.sub("", self.text)):
            raise ValueError(f"a number that is no figure: {self.text!r}")

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(_SLOT.findall(self.text))


@dataclass(frozen=True, slots=True)
class Section:
    """``as_of`` is when its facts were last true, None where there are none; ``why`` says in words why it is
    stale, missing or not applicable. ``source`` names what it was read from.
    """

    id: str
    title: str
    state: State
    source: str
    as_of: datetime | None
    max_age: timedelta
    why: str | None = None
    sentences: tuple[Sentence, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()

    def __post_init__(self) -> None:
        _require_id(self.id)
        if (self.state is State.FRESH) != (self.why is None):
            raise ValueError(f"section {self.id}: what is not fresh says why, and only that")
        names = [each.id for each in self.figures]
        if len(set(names)) != len(names):
            raise ValueError(f"section {self.id}: a figure's id is there twice")
        for sentence in self.sentences:
            for name in sentence.figures:
                self.figure(name)
        for chart in self.charts:
            known = {each.id for each in self.table(chart.table).columns}
            if not {chart.category, *chart.series} <= known:
                raise ValueError(f"section {self.id}: chart {chart.id} draws a column that is not there")

    def figure(self, name: str) -> Figure:
        """``LookupError`` where there is none."""
        for each in self.figures:
            if each.id == name:
                return each
        raise LookupError(f"section {self.id} has no figure {name}")

    def table(self, name: str) -> Table:
        """``LookupError`` where there is none."""
        for each in self.tables:
            if each.id == name:
                return each
        raise LookupError(f"section {self.id} has no table {name}")

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """Every value with its address: ``sla/attained``, ``sla/trend/2026-06/attained``."""
        for figure in self.figures:
            yield f"{self.id}/{figure.id}", figure.cell
        for table in self.tables:
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    yield f"{self.id}/{table.id}/{row.id}/{column.id}", cell


def split(sentence: str) -> Iterator[tuple[bool, str]]:
    """A sentence's text in pieces: (True, id of a figure) or (False, words)."""
    at = 0
    for slot in _SLOT.finditer(sentence):
        if slot.start() > at:
            yield False, sentence[at : slot.start()]
        yield True, slot.group(1)
        at = slot.end()
    if at < len(sentence):
        yield False, sentence[at:]


def as_cells(sections: Mapping[str, Section]) -> dict[str, Cell]:
    """Every value of a document by its address."""
    return dict(pair for section in sections.values() for pair in section.cells())


def _require_id(value: str) -> None:
    if not _ID.fullmatch(value):
        raise ValueError(f"{value!r} is no id")
