"""What there is not is said in one word a row, and a column that nobody can fill is named beside its table."""

from __future__ import annotations

from trust_portal.trust.gathering.ids import POSTMORTEMS, PREVENTION
from trust_portal.trust.gathering.incidents import NO_COPY
from trust_portal.trust.gathering.totals import NOT_YET
from trust_portal.trust.sections.absent import left_out, table_shown
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.model import Cell, Column, Row, Table, Unit


def _table(id_: str, columns: str, *rows: tuple[str | None, ...]) -> Table:
    return Table(
        id_,
        "Title",
        tuple(Column(each, each.capitalize()) for each in columns.split()),
        tuple(Row(f"r{at}", tuple(map(Cell, row))) for at, row in enumerate(rows)),
        "None.",
    )


def _read(table: Table) -> list[list[str]]:
    shown = table_shown(table)
    return [
        [each.label for each in shown.columns],
        *([display(each) for each in row.cells] for row in shown.rows),
    ]


def test_a_postmortem_that_is_not_signed_has_none_of_anything_yet_and_one_without_a_copy_says_that() -> None:
    columns = "incident version sha256 copy copy_sha256 bundle"
    table = _table(
        POSTMORTEMS,
        columns,
        ("Orders", NOT_YET, NOT_YET, None, None, NO_COPY),
        ("Exports", "1", "abc", None, None, NO_COPY),
        ("Logins", "2", "def", "c1", "c2", "b1"),
    )
    assert _read(table)[1:] == [
        ["Orders", "none yet", "none yet", "none yet", "none yet", "none yet"],
        ["Exports", "1", "abc", "no copy was given", "no copy was given", "no copy was given"],
        ["Logins", "2", "def", "c1", "c2", "b1"],
    ]
    assert left_out(table) is None


def test_what_nobody_planned_is_none_yet_and_where_all_is_done_nothing_is_due() -> None:
    table = _table(
        PREVENTION, "incident planned done due", ("Orders", None, None, None), ("Exports", "2", "2", None)
    )
    assert _read(table)[1:] == [["Orders", "none yet", "none yet", "none yet"], ["Exports", "2", "2", "none"]]


def test_a_column_that_nobody_can_fill_is_named_once_and_what_is_known_in_any_row_stays() -> None:
    table = _table("quantities", "part period before change", ("a", "1", None, None), ("b", "2", None, "5"))
    assert _read(table) == [["Part", "Period", "Change"], ["a", "1", "not known"], ["b", "2", "5"]]
    assert left_out(table) == "not known of any: Before"


def test_of_a_single_row_it_stands_in_its_place_and_so_does_what_names_the_rows() -> None:
    assert _read(_table("quantities", "part before", ("a", None))) == [["Part", "Before"], ["a", "not known"]]
    named = _table("quantities", "part period", (None, "1"), (None, "2"))
    assert _read(named) == [["Part", "Period"], ["not known", "1"], ["not known", "2"]]
    assert left_out(named) is None


def test_what_was_signed_is_left_as_it_is() -> None:
    table = _table(PREVENTION, "incident planned", ("Orders", None), ("Exports", None))
    before = Cell(None, Unit.TEXT)
    table_shown(table)
    assert [row.cells[1] for row in table.rows] == [before, before]
