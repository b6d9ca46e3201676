"""What changed since the Trust Report before, value by value. Pure: the verifier derives it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

#: What grows with every look, and so says nothing by growing.
_ALWAYS_MOVING: Final = frozenset({ACCESS, VERIFICATION, CHANGES})
_COLUMNS: Final = (
    Column("part", "Part"),
    Column("value", "Value"),
    Column("before", "Before"),
    Column("now", "Now"),
)
_STATE_COLUMNS: Final = (Column("part", "Part"), Column("before", "Before"), Column("now", "Now"))


def changes_section(sections: Sequence[Section], before: Before | None, now: datetime) -> Section:
    """``sections`` are those of the document, without this one. A value that is new or gone is counted; one that
    is in both and differs is shown, by its address.
    """
    if before is None:
        return Section(
            CHANGES,
            TITLE,
            State.NOT_APPLICABLE,
            SOURCE,
            None,
            MAX_AGE,
            why="this is the first Trust Report",
        )
    earlier = {name: each for name, each in before.sections.items() if name not in _ALWAYS_MOVING}
    current = {each.id: each for each in sections if each.id not in _ALWAYS_MOVING}
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
    return Section(
        id=CHANGES,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=now,
        max_age=MAX_AGE,
        sentences=(
            Sentence(
                "Since the report for {period}, revision {revision}: {changed} values differ, {new} are new and {gone} gone."
            ),
        ),
        figures=(
            Figure("period", "Compared with", Cell(formats.period(before.label))),
            Figure("revision", "Revision", _count(before.revision)),
            Figure("sha256", "SHA-256 of that report", Cell(before.sha256, Unit.DIGEST)),
            Figure("changed", "Values that differ", _count(len(differ))),
            Figure("new", "Values that are new", _count(len(is_.keys() - was.keys()))),
            Figure("gone", "Values that are gone", _count(len(was.keys() - is_.keys()))),
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
        ),
    )


def _count(number: int) -> Cell:
    """The reports that were compared are among all versions."""
    return Cell(str(number), Unit.COUNT, href="/trust")


def _row(address: str, titles: Mapping[str, str], was: Cell, is_: Cell) -> Row:
    part, _, value = address.partition("/")
    return Row(address, (Cell(titles[part]), Cell(value), Cell(display(was)), Cell(display(is_))))


def _states(earlier: Mapping[str, Section], current: Mapping[str, Section]) -> tuple[Row, ...]:
    return tuple(
        Row(name, (Cell(each.title), Cell(_state(earlier.get(name))), Cell(_state(each))))
        for name, each in current.items()
        if _state(earlier.get(name)) != _state(each)
    )


def _state(section: Section | None) -> str:
    return "not there" if section is None else section.state.value.replace("_", " ")
