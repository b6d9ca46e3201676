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


#: Passed over is what grows with every look.
TRUST_REPORT: Final = Comparison(
    TITLE,
    SOURCE,
    "report",
    "/trust",
    "this is the first Trust Report",
    frozenset({ACCESS, VERIFICATION, CHANGES}),
)
_COLUMNS: Final = (
    Column("part", "Part"),
    Column("value", "Value"),
    Column("before", "Before"),
    Column("now", "Now"),
)
_STATE_COLUMNS: Final = (Column("part", "Part"), Column("before", "Before"), Column("now", "Now"))


def changes_section(
    sections: Sequence[Section], before: Before | None, now: datetime, of: Comparison = TRUST_REPORT
) -> Section:
    """``sections`` are those of the document, without this one. A value that is new or gone is counted; one that
    is in both and differs is shown, by its address.
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
    return Section(
        id=CHANGES,
        title=of.title,
        state=State.FRESH,
        source=of.source,
        as_of=now,
        max_age=MAX_AGE,
        sentences=(
            Sentence(
                f"Since the {of.noun} for {{period}}, revision {{revision}}: {{changed}} values differ, {{new}} are new "
                "and {gone} gone."
            ),
        ),
        figures=(
            Figure("period", "Compared with", Cell(formats.period(before.label))),
            Figure("revision", "Revision", count(before.revision)),
            Figure("sha256", f"SHA-256 of that {of.noun}", Cell(before.sha256, Unit.DIGEST)),
            Figure("changed", "Values that differ", count(len(differ))),
            Figure("new", "Values that are new", count(len(is_.keys() - was.keys()))),
            Figure("gone", "Values that are gone", count(len(was.keys() - is_.keys()))),
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


def _states(earlier: Mapping[str, Section], current: Mapping[str, Section]) -> tuple[Row, ...]:
    return tuple(
        Row(name, (Cell(each.title), Cell(_state(earlier.get(name))), Cell(_state(each))))
        for name, each in current.items()
        if _state(earlier.get(name)) != _state(each)
    )


def _state(section: Section | None) -> str:
    return "not there" if section is None else section.state.value.replace("_", " ")
