"""What is different from the document before is shown value by value; what is new and what is gone is named row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trust_portal.trust.gathering.changes import MOST_ROWS, changes_section
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, State, Table, Unit

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
_COLUMNS = (
    Column("incident", "Incident"),
    Column("severity", "Severity"),
    Column("minutes", "Lasted", Unit.MINUTES),
)


def section(
    *incidents: tuple[str, str | None],
    figures: tuple[str, ...] = ("major",),
    columns: tuple[Column, ...] = _COLUMNS,
    state: State = State.FRESH,
) -> Section:
    """Incidents by (id, how many minutes they lasted)."""
    rows = tuple(
        Row(
            id_,
            (
                Cell(f"Trouble {id_}", href=f"/incidents#{id_}", receipt="r"),
                Cell("P1"),
                Cell(minutes, Unit.MINUTES),
            )[: len(columns)],
        )
        for id_, minutes in incidents
    )
    return Section(
        id="incidents", title="Major incidents", state=state, why=None if state is State.FRESH else "a gap",
        source="the register", as_of=NOW, max_age=timedelta(days=1),
        figures=tuple(Figure(each, each.title(), Cell(str(len(rows)), Unit.COUNT, href="/incidents")) for each in figures),
        tables=(Table("major", "Incidents", columns, rows, "None."),),
    )  # fmt: skip


def changed(now: Section, before: Section, *, is_first: bool = False) -> Section:
    return changes_section(
        [now], Before("2026-Q1", 1, "cd" * 32, {before.id: before}), NOW, is_first=is_first
    )


def shown(found: Section, table: str) -> list[list[str | None]]:
    return [[each.value for each in row.cells] for row in found.table(table).rows]


def test_what_changed_is_shown_by_its_address():
    found = changed(section(("a", "95")), section(("a", None), state=State.MISSING))
    assert shown(found, "values") == [["Major incidents", "major/a/minutes", "not known", "95 min"]]
    assert shown(found, "states") == [["Major incidents", "missing", "fresh"]]
    assert changes_section([section()], None, NOW).state is State.NOT_APPLICABLE


def test_what_is_new_and_what_is_gone_is_named_row_by_row_with_what_it_says():
    found = changed(
        section(("a", "95"), ("c", "7")), section(("a", "95"), ("b", None), figures=("major", "gaps"))
    )
    assert shown(found, "new") == [
        ["Major incidents", "Incidents", "Trouble c", "Severity: P1; Lasted: 7 min"],
    ]
    assert shown(found, "gone") == [
        ["Major incidents", "figures", "Gaps", "2"],
        ["Major incidents", "Incidents", "Trouble b", "Severity: P1; Lasted: not known"],
    ]
    assert [row.id for row in found.table("gone").rows] == ["incidents/gaps", "incidents/major/b"]
    assert found.table("new").rows[0].cells[2].href == "/incidents#c"
    assert {cell.receipt for table in found.tables for row in table.rows for cell in row.cells} == {None}
    assert {each.id: each.cell.value for each in found.figures if each.id not in {"period", "sha256"}} == {
        "revision": "1", "changed": "0", "new": "3", "gone": "4",
        "new-rows": "1", "new-named": "1", "gone-rows": "2", "gone-named": "2",
    }  # fmt: skip
    assert len(found.sentences) == 1, "all of them are named"


def test_of_a_row_that_has_a_new_column_that_alone_is_new():
    found = changed(section(("a", "95")), section(("a", "95"), columns=_COLUMNS[:2]))
    assert shown(found, "new") == [["Major incidents", "Incidents", "Trouble a", "Lasted: 95 min"]]
    assert shown(found, "gone") == []


def test_of_a_section_that_is_left_out_now_nothing_is_said():
    before = {"incidents": section(("a", "95"))}
    found = changes_section([replace(section(), id="posture")], Before("2026-Q1", 1, "cd" * 32, before), NOW)
    assert (shown(found, "gone"), found.figure("gone").cell.value) == ([], "0")


def test_where_more_is_new_than_is_named_that_is_said():
    many = [(f"{number:03d}", "1") for number in range(MOST_ROWS + 5)]
    found = changed(section(*many), section())
    assert [row.id for row in found.table("new").rows] == [
        f"incidents/major/{id_}" for id_, _ in many[:MOST_ROWS]
    ]
    assert sentences(found)[1] == (
        "Named are the first 50 of 55 rows that are new, and of 0 that are gone the first 0."
    )


def test_a_document_of_the_first_format_only_counts_what_is_new_or_gone():
    found = changed(section(("c", "7")), section(("b", None)), is_first=True)
    assert [each.id for each in found.tables] == ["states", "values"]
    assert [each.id for each in found.figures] == ["period", "revision", "sha256", "changed", "new", "gone"]
