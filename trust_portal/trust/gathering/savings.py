"""What verified playbooks avoided in the first day of each, had it gone on: for the Trust Report and the QBR. Pure.

Nobody can know how long it would have gone on; a rate times the rest of a quarter would be no saving that
anybody could check. A day that lies in two periods is parted between them: what consecutive periods state adds up to
the whole, to the last digit.
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
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Cell, Column, Row, Table, Unit

#: Hours of a playbook that count.
MOST_HOURS: Final = 24

_PAGE: Final = "/cost/playbooks"
_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("since", "Since", Unit.INSTANT),
    Column("hours", "Hours counted", Unit.COUNT),
    Column("rate", "Saved an hour, verified", Unit.MONEY),
    Column("saved", "Avoided in these, had it gone on", Unit.MONEY),
)


#: A playbook that acted so long before a period may still save in it: its first day, and the hour until that begins.
REACHES: Final = timedelta(hours=MOST_HOURS + 1)


def savings_table(runs: Sequence[Run], ask: Ask) -> Table:
    """The verified rate of each that stands verified, times those of the first ``MOST_HOURS`` hours since the act that
    lie in the period.

    Listed is what counts here, and what a step of lies in the period though its hours count in another one.
    """
    rows = tuple(
        _row(each, each.saved_per_hour, ask)
        for each in runs
        if each.saved_per_hour is not None and (_hours(each, ask) or stepped(each, ask))
    )
    return Table(
        SAVINGS, "What was avoided in the first day of each", _COLUMNS, rows, "No saving is claimed."
    )


def stepped(run: Run, ask: Ask) -> bool:
    """Whether something happened to it in the period."""
    return any(ask.period.start <= each.at < ask.until for each in run.steps)


def verification_of(run: Run) -> Mapping[str, Any]:
    """What the hours after the act say, where somebody looked."""
    step = run.step(StepKind.VERIFIED)
    found: Mapping[str, Any] = {} if step is None else step.detail.get("verification", {})
    return found


def money(value: Decimal, currency: str, href: str, receipt: UUID | None) -> Cell:
    """Rounded half to even to the currency's smallest unit."""
    return Cell(
        f"{rounded(value, currency):f}",
        Unit.MONEY,
        currency,
        href,
        None if receipt is None else str(receipt),
    )


def _row(run: Run, rate: Decimal, ask: Ask) -> Row:
    currency, href = run.plan.currency, f"{_PAGE}/{run.id}"
    hours, before = _hours(run, ask), hours_before(run, ask.period.start)
    step = run.step(StepKind.VERIFIED)
    receipt = None if step is None else step.receipt_id
    # What was saved by the end of the period less what was by its beginning, each rounded as the whole is.
    saved = rounded(rate * (before + hours), currency) - rounded(rate * before, currency)
    return Row(
        str(run.id),
        (
            Cell(run.plan.playbook.title, href=href, receipt=None if receipt is None else str(receipt)),
            Cell(rfc3339(_since(run)), Unit.INSTANT, href=href),
            Cell(str(hours), Unit.COUNT, href=href),
            money(rate, currency, href, receipt),
            money(saved, currency, href, receipt),
        ),
    )


def hours_before(run: Run, moment: datetime) -> int:
    """Of the hours that count those that had begun before ``moment``."""
    begun = -((_since(run) - moment) // timedelta(hours=1))
    return min(max(begun, 0), MOST_HOURS)


def _hours(run: Run, ask: Ask) -> int:
    """Of the hours that count those that began in the period and are over."""
    over = min(max((ask.now - _since(run)) // timedelta(hours=1), 0), MOST_HOURS)
    return max(min(hours_before(run, ask.period.end), over) - hours_before(run, ask.period.start), 0)


def _since(run: Run) -> datetime:
    """The first hour that shows the effect."""
    return datetime.fromisoformat(verification_of(run)["start"])


def rounded(value: Decimal, currency: str) -> Decimal:
    """Half to even, to the currency's smallest unit."""
    return value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
