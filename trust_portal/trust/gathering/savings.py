"""What verified playbooks saved, in the first day of each: for the Trust Report and the QBR. Pure.

Nobody can know how long it would have gone on; a rate times the rest of a quarter would be no saving that
anybody could check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from uuid import UUID

from trust_portal.cost.remediation.model import Run, StepKind
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import exponent
from trust_portal.trust.gathering.ids import SAVINGS
from trust_portal.trust.sections.model import Cell, Column, Row, Table, Unit

#: Hours of a playbook that count.
MOST_HOURS: Final = 24

_PAGE: Final = "/cost/playbooks"
_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("since", "Since", Unit.INSTANT),
    Column("hours", "Hours counted", Unit.COUNT),
    Column("rate", "Saved an hour, verified", Unit.MONEY),
    Column("saved", "Saved in these", Unit.MONEY),
)


def savings_table(runs: Sequence[Run], until: datetime) -> Table:
    """The verified rate of each that stands verified, times the whole hours since the act that lie before
    ``until``, at most ``MOST_HOURS``; the amount is rounded once.
    """
    rows = tuple(_row(each, each.saved_per_hour, until) for each in runs if each.saved_per_hour is not None)
    return Table(SAVINGS, "What it saved", _COLUMNS, rows, "No saving is claimed.")


def verification_of(run: Run) -> Mapping[str, Any]:
    """What the hours after the act say, where somebody looked."""
    step = run.step(StepKind.VERIFIED)
    found: Mapping[str, Any] = {} if step is None else step.detail.get("verification", {})
    return found


def money(value: Decimal, currency: str, href: str, receipt: UUID | None) -> Cell:
    """Rounded half to even to the currency's smallest unit."""
    rounded = value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
    return Cell(f"{rounded:f}", Unit.MONEY, currency, href, None if receipt is None else str(receipt))


def _row(run: Run, rate: Decimal, until: datetime) -> Row:
    currency, href = run.plan.currency, f"{_PAGE}/{run.id}"
    # The first hour that shows the effect.
    since = datetime.fromisoformat(verification_of(run)["start"])
    hours = min(max(int((until - since) / timedelta(hours=1)), 0), MOST_HOURS)
    step = run.step(StepKind.VERIFIED)
    receipt = None if step is None else step.receipt_id
    return Row(
        str(run.id),
        (
            Cell(run.plan.playbook.title, href=href, receipt=None if receipt is None else str(receipt)),
            Cell(rfc3339(since), Unit.INSTANT, href=href),
            Cell(str(hours), Unit.COUNT, href=href),
            money(rate, currency, href, receipt),
            money(rate * hours, currency, href, receipt),
        ),
    )
