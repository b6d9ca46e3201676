"""What documents of formats 1 and 2 said of service levels otherwise than those that are made now. Pure.

They are signed and in the hands of customers: ``verify --recompute`` still derives each of them by the rules it was made by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trust_portal.trust.gathering.ids import REPORTS
from trust_portal.trust.gathering.sla_section import ANY_DOWN, SignedReport
from trust_portal.trust.sections.model import Cell, Figure, Section, Sentence, Table, Unit

_PROMISES: Final = "Promises in the period: {promises}; kept: {kept}; missed: {missed}; down: {down}."


def service_levels(now: Section, of_period: Sequence[SignedReport]) -> Section:
    """``now`` is what is said of the same reports today.

    Periods stood by their names, a quarter behind every month of its year, and what the last of them promised was the
    line. Minutes down were added up over the promises.
    """
    tables = {each.id: each if each.id == REPORTS else _by_name(each) for each in now.tables}
    return replace(
        now,
        sentences=tuple(Sentence(_PROMISES) if ANY_DOWN in each.figures else each for each in now.sentences),
        figures=tuple(_added_up(each, of_period) if each.id == ANY_DOWN else each for each in now.figures),
        tables=tuple(tables.values()),
        charts=tuple(replace(each, target=_last_target(tables[each.table])) for each in now.charts),
    )


def _last_target(table: Table) -> str | None:
    return table.cell(table.rows[-1], "target").value


def _by_name(table: Table) -> Table:
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: row.id)))


def _added_up(figure: Figure, of_period: Sequence[SignedReport]) -> Figure:
    down = sum(
        int(entry["adjusted"]["down_minutes"])
        for each in of_period
        for entry in each.body["objectives"]
        if entry["adjusted"] is not None
    )
    return Figure("down", "Down in the period", Cell(str(down), Unit.MINUTES, href=figure.cell.href))
