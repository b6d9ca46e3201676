"""Figures of posture, compliance and access, counted again from the rows beside them; and how long incidents lasted,
from when they began and were over. Pure.

The rows are the vendor's signed word. What is counted of them is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from trust_portal.trust.gathering.ids import ACCESS, COMPLIANCE, MAJOR, POSTURE
from trust_portal.trust.sections.model import Row, Section, Table

#: How what a program did by a token is told apart (``gathering.access``).
_PROGRAMS_END: Final = "by token"


def counted_again(stated: Section, *, is_before_fifth: bool) -> Section | None:
    """None for a section of which nothing is counted here. A figure that a format does not have is not made up.

    Before format 5 (``is_before_fifth``) what posture could not check, and what does not apply, were checks made too.
    """
    count = _COUNTS.get(stated.id)
    if count is None or not stated.figures:
        return None
    counts = count(stated)
    if is_before_fifth and stated.id == POSTURE:
        counts = {**counts, "made": len(stated.table("checks").rows)}
    figures = tuple(
        replace(each, cell=replace(each.cell, value=str(counts[each.id]))) if each.id in counts else each
        for each in stated.figures
    )
    return replace(stated, figures=figures)


def lasting(major: Table) -> Table:
    """The table of major incidents with the whole minutes that each lasted; none of what goes on."""

    def lasted(row: Row) -> Row:
        cells = major.cells_of(row)
        began, over = cells["began"].value, cells["resolved"].value
        minutes = None
        if began is not None and over is not None:
            span = datetime.fromisoformat(over) - datetime.fromisoformat(began)
            minutes = str(int(span.total_seconds() // 60))
        return major.with_cells(row, {"minutes": replace(cells["minutes"], value=minutes)})

    return replace(major, rows=tuple(map(lasted, major.rows)))


def with_lasting(stated: Section) -> Section:
    return replace(
        stated, tables=tuple(lasting(each) if each.id == MAJOR else each for each in stated.tables)
    )


def _posture(stated: Section) -> Mapping[str, int]:
    checks = stated.table("checks")
    outcomes = Counter(_word(checks, row, "outcome") for row in checks.rows)
    return {
        "made": outcomes["holds"] + outcomes["does not hold"],
        "held": outcomes["holds"],
        "failed": outcomes["does not hold"],
        "not-checked": outcomes["not checked"],
        "not-applicable": outcomes["not applicable"],
    }


def _compliance(stated: Section) -> Mapping[str, int]:
    controls = stated.table("controls")
    states = Counter(_word(controls, row, "state") for row in controls.rows)
    return {
        "results": len(controls.rows),
        "satisfied": states["satisfied"],
        "not-satisfied": states["not satisfied"],
        "not-evaluated": states["not evaluated"],
        "gaps": sum(_number(controls, row, "gaps") for row in controls.rows),
    }


def _access(stated: Section) -> Mapping[str, int]:
    """Whose eyes they were is said by the beginning of a row's id."""
    who = stated.table("who")

    def looked(group: str) -> int:
        return sum(_number(who, row, "read") for row in who.rows if row.id.startswith(f"{group}-"))

    programs = [row for row in who.rows if str(who.cell(row, "group").value).endswith(_PROGRAMS_END)]
    return {
        "staff": looked("staff"),
        "auditors": looked("auditor"),
        "fetched": sum(_number(who, row, "downloaded") for row in who.rows),
        "programs": sum(_number(who, row, "downloaded") for row in programs),
        "named": len(stated.table("downloads").rows),
    }


def _word(table: Table, row: Row, column: str) -> str:
    """What stands before a reason."""
    return str(table.cell(row, column).value).partition(":")[0]


def _number(table: Table, row: Row, column: str) -> int:
    return int(table.cell(row, column).value or 0)


_COUNTS: Final[Mapping[str, Callable[[Section], Mapping[str, int]]]] = {
    ACCESS: _access,
    COMPLIANCE: _compliance,
    POSTURE: _posture,
}
