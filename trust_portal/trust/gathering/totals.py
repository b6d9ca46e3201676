"""Figures that sum up a section's own tables. Pure: gathering and verifying count with the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from trust_portal.trust.sections.model import Cell, Figure, Row, Table, Unit

#: States of a postmortem that are gaps.
NOT_SIGNED: Final = "not signed"
NOT_BEGUN: Final = "not begun"
#: What an anomaly is called of which less was spent than expected: nothing was lost by it.
DROP: Final = "drop"

_INCIDENTS: Final = "/incidents"
_COST: Final = "/cost"


def incident_totals(major: Table, postmortems: Table, prevention: Table) -> tuple[Figure, ...]:
    """Two incidents that one postmortem covers have its actions once."""
    once: dict[str, Row] = {}
    for about, row in zip(postmortems.rows, prevention.rows, strict=True):
        if _cell(prevention, row, "planned").value is not None:
            covered_by = _cell(postmortems, about, "sha256").value or about.id
            once.setdefault(covered_by, row)

    def actions(column: str) -> int:
        return sum(int(_cell(prevention, row, column).value or 0) for row in once.values())

    gaps = sum(_cell(postmortems, row, "state").value in {NOT_SIGNED, NOT_BEGUN} for row in postmortems.rows)
    return (
        _count("major", "Major incidents", len(major.rows), _INCIDENTS),
        _count("gaps", "Without a signed postmortem", gaps, _INCIDENTS),
        _count("promised", "Prevention actions promised", actions("planned"), _INCIDENTS),
        _count("done", "Prevention actions done", actions("done"), _INCIDENTS),
        _count("overdue", "Prevention actions overdue", actions("overdue"), _INCIDENTS),
    )


def cost_totals(anomalies: Table, playbooks: Table) -> tuple[Figure, ...]:
    """Amounts by currency; what cost less than expected is no excess."""
    open_ = sum((_cell(anomalies, row, "state").value or "").startswith("open") for row in anomalies.rows)
    verified = sum(_cell(playbooks, row, "saved").value is not None for row in playbooks.rows)
    return (
        _count("anomalies", "Anomalies", len(anomalies.rows), _COST),
        _count("open", "Open", open_, _COST),
        *_sums(
            "excess",
            "Beyond what was expected",
            anomalies,
            lambda row: _cell(anomalies, row, "kind").value != DROP,
        ),
        _count("playbooks", "Playbooks", len(playbooks.rows), f"{_COST}/playbooks"),
        _count("verified", "Verified in the data", verified, f"{_COST}/playbooks"),
        *_sums("saved", "Saved an hour, verified", playbooks, lambda _: True),
    )


def _sums(column: str, label: str, table: Table, counts: Callable[[Row], bool]) -> Iterator[Figure]:
    found: dict[str, Decimal] = {}
    for row in table.rows:
        cell = _cell(table, row, column)
        if cell.value is not None and cell.currency is not None and counts(row):
            found[cell.currency] = found.get(cell.currency, Decimal(0)) + Decimal(cell.value)
    for currency in sorted(found):
        cell = Cell(f"{found[currency]:f}", Unit.MONEY, currency, _COST)
        yield Figure(f"{column}-{currency.lower()}", f"{label} ({currency})", cell)


def _count(id_: str, label: str, number: int, href: str) -> Figure:
    return Figure(id_, label, Cell(str(number), Unit.COUNT, href=href))


def _cell(table: Table, row: Row, column: str) -> Cell:
    return row.cells[[each.id for each in table.columns].index(column)]
