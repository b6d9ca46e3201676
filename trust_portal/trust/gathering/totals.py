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
_PLAYBOOKS: Final = f"{_COST}/playbooks"


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


def cost_totals(anomalies: Table, playbooks: Table, savings: Table) -> tuple[Figure, ...]:
    """Amounts by currency; what cost less than expected is no excess."""
    open_ = sum((_cell(anomalies, row, "state").value or "").startswith("open") for row in anomalies.rows)
    verified = sum(_cell(playbooks, row, "rate").value is not None for row in playbooks.rows)
    hours = sum(int(_cell(savings, row, "hours").value or 0) for row in savings.rows)
    return (
        _count("anomalies", "Anomalies", len(anomalies.rows), _COST),
        _count("open", "Open", open_, _COST),
        *_sums(
            "excess",
            "Beyond what was expected",
            anomalies,
            _COST,
            lambda row: _cell(anomalies, row, "kind").value != DROP,
        ),
        _count("playbooks", "Playbooks", len(playbooks.rows), _PLAYBOOKS),
        _count("verified", "Verified in the data", verified, _PLAYBOOKS),
        *_sums("rate", "Saved an hour, verified", playbooks, _PLAYBOOKS),
        _count("hours", "Hours counted as saved", hours, _PLAYBOOKS),
        *savings_totals(savings),
    )


def savings_totals(savings: Table) -> tuple[Figure, ...]:
    """Amounts by currency, over the hours that count."""
    return tuple(_sums("saved", "Saved in the first day", savings, _PLAYBOOKS))


def _sums(
    column: str, label: str, table: Table, href: str, counts: Callable[[Row], bool] = lambda _: True
) -> Iterator[Figure]:
    found: dict[str, Decimal] = {}
    for row in table.rows:
        cell = _cell(table, row, column)
        if cell.value is not None and cell.currency is not None and counts(row):
            found[cell.currency] = found.get(cell.currency, Decimal(0)) + Decimal(cell.value)
    for currency in sorted(found):
        cell = Cell(f"{found[currency]:f}", Unit.MONEY, currency, href)
        yield Figure(f"{column}-{currency.lower()}", f"{label} ({currency})", cell)


def _count(id_: str, label: str, number: int, href: str) -> Figure:
    return Figure(id_, label, Cell(str(number), Unit.COUNT, href=href))


def _cell(table: Table, row: Row, column: str) -> Cell:
    return row.cells[[each.id for each in table.columns].index(column)]
