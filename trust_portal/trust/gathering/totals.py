"""Figures that sum up a section's own tables. Pure: gathering and verifying count with the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.gathering.ids import METERED_SINCE, UNCLEAR
from trust_portal.trust.sections.model import Cell, Figure, Row, Table, Unit

#: States of a postmortem that are gaps.
NOT_SIGNED: Final = "not signed"
NOT_BEGUN: Final = "not begun"
#: In place of a signed version, where there is none.
NOT_YET: Final = "none yet"
OUTDATED: Final = "signed, and more happened since"
#: What an anomaly is called of which less was spent than expected: nothing was lost by it.
DROP: Final = "drop"

INCIDENTS_PAGE: Final = "/incidents"
COST_PAGE: Final = "/cost"
PLAYBOOKS_PAGE: Final = f"{COST_PAGE}/playbooks"


def incident_totals(major: Table, postmortems: Table, prevention: Table) -> tuple[Figure, ...]:
    """Two incidents that one postmortem covers have its actions once. One that was signed before more happened is a gap."""
    once: dict[str, Row] = {}
    for about, row in zip(postmortems.rows, prevention.rows, strict=True):
        if prevention.cell(row, "planned").value is not None:
            signed = postmortems.cell(about, "sha256").value
            once.setdefault(about.id if signed in {None, NOT_YET} else str(signed), row)

    def actions(column: str) -> int:
        return sum(int(prevention.cell(row, column).value or 0) for row in once.values())

    states = [postmortems.cell(row, "state").value for row in postmortems.rows]
    outdated = states.count(OUTDATED)
    gaps = outdated + sum(each in {NOT_SIGNED, NOT_BEGUN} for each in states)
    return (
        count("major", "Major incidents", len(major.rows), INCIDENTS_PAGE),
        count("gaps", "Without a signed postmortem", gaps, INCIDENTS_PAGE),
        *(
            [count("outdated", "Of these signed before more happened", outdated, INCIDENTS_PAGE)]
            if outdated
            else []
        ),
        count("promised", "Prevention actions promised", actions("planned"), INCIDENTS_PAGE),
        count("done", "Prevention actions done", actions("done"), INCIDENTS_PAGE),
        count("overdue", "Prevention actions overdue", actions("overdue"), INCIDENTS_PAGE),
    )


def earlier_totals(earlier: Table) -> tuple[Figure, ...]:
    """Of what is still owed of before; none where nothing is."""
    if not earlier.rows:
        return ()

    def added(column: str) -> int:
        return sum(int(earlier.cell(row, column).value or 0) for row in earlier.rows)

    states = [earlier.cell(row, "state").value for row in earlier.rows]
    gaps = sum(each in {NOT_SIGNED, NOT_BEGUN, OUTDATED} for each in states)
    return (
        count(
            "earlier", "Incidents before the period of which something is owed", len(states), INCIDENTS_PAGE
        ),
        count("earlier-gaps", "Of these without a signed postmortem", gaps, INCIDENTS_PAGE),
        count("earlier-open", "Prevention actions of before that are open", added("open"), INCIDENTS_PAGE),
        count("earlier-overdue", "Of these overdue", added("overdue"), INCIDENTS_PAGE),
    )


def unclear_total(number: int) -> tuple[Figure, ...]:
    """Of what was told of and is not in the register; none where there is nothing."""
    label = "Told of and not in the register, each of which may have been major"
    return (count(UNCLEAR, label, number, INCIDENTS_PAGE),) if number else ()


def cost_totals(
    anomalies: Table, playbooks: Table, refused: Table, savings: Table, start: datetime
) -> tuple[Figure, ...]:
    """Amounts by currency; what cost less than expected is no excess.

    ``start`` is the period's. Of what an anomaly cost beyond what was expected each hour counts in the period in which
    it began.
    """
    earlier = sum(_began(anomalies, row) < start for row in anomalies.rows)
    parted = sum(
        _value(anomalies, row, "whole") != _value(anomalies, row, "excess") for row in anomalies.rows
    )
    open_ = sum((anomalies.cell(row, "state").value or "").startswith("open") for row in anomalies.rows)
    verified = sum(playbooks.cell(row, "rate").value is not None for row in playbooks.rows)
    hours = sum(int(savings.cell(row, "hours").value or 0) for row in savings.rows)
    return (
        count("anomalies", "Anomalies", len(anomalies.rows), COST_PAGE),
        count("open", "Open", open_, COST_PAGE),
        count("earlier", "Begun before the period", earlier, COST_PAGE),
        *sums(
            "excess",
            "Beyond what was expected, in the period",
            anomalies,
            COST_PAGE,
            lambda row: _value(anomalies, row, "kind") != DROP,
        ),
        *([count("parted", "Partly in another period", parted, COST_PAGE)] if parted else []),
        count("playbooks", "Playbooks carried out", len(playbooks.rows), PLAYBOOKS_PAGE),
        count("refused", "Planned, and not carried out", len(refused.rows), PLAYBOOKS_PAGE),
        count("verified", "Verified in the data", verified, PLAYBOOKS_PAGE),
        *sums("rate", "Saved an hour, verified", playbooks, PLAYBOOKS_PAGE),
        count("hours", "Hours counted of first days", hours, PLAYBOOKS_PAGE),
        *savings_totals(savings),
    )


def metered_since(at: datetime | None) -> tuple[Figure, ...]:
    """Where metering began within the period: of what was before nobody knows anything. None where it was there from the start."""
    if at is None:
        return ()
    return (Figure(METERED_SINCE, "Metered since", Cell(rfc3339(at), Unit.INSTANT, href=COST_PAGE)),)


def savings_totals(savings: Table) -> tuple[Figure, ...]:
    """Amounts by currency, over the hours that count.

    The label says of what they are an estimate, as it stands alone in a period in one look: they may well be more than
    was lost, for what was stopped after an hour cost an hour.
    """
    return tuple(sums("saved", "Avoided in the first day, had it gone on", savings, PLAYBOOKS_PAGE))


def _value(table: Table, row: Row, column: str) -> str | None:
    return table.cell(row, column).value


def _began(table: Table, row: Row) -> datetime:
    return datetime.fromisoformat(str(table.cell(row, "began").value))


def sums(
    column: str, label: str, table: Table, href: str, counts: Callable[[Row], bool] = lambda _: True
) -> Iterator[Figure]:
    """A column of a table added up, an amount a currency."""
    found: dict[str, Decimal] = {}
    for row in table.rows:
        cell = table.cell(row, column)
        if cell.value is not None and cell.currency is not None and counts(row):
            found[cell.currency] = found.get(cell.currency, Decimal(0)) + Decimal(cell.value)
    for currency in sorted(found):
        cell = Cell(f"{found[currency]:f}", Unit.MONEY, currency, href)
        yield Figure(f"{column}-{currency.lower()}", f"{label} ({currency})", cell)


def count(id_: str, label: str, number: int, href: str) -> Figure:
    return Figure(id_, label, Cell(str(number), Unit.COUNT, href=href))
