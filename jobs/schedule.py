"""The clockwork: starts the run of each period once it is over, completes what was left hanging."""

from __future__ import annotations

from datetime import datetime

from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.period import (
    first_day_anywhere,
    month_label,
    previous_label,
    quarter_before,
)
from trust_portal.reliability.runs.model import StartRun


async def start_due_runs(house: House) -> None:
    """One round. Safe beside others: a period has one run, and completing it locks its row.

    A run starts when its period is over in the first time zone of the world; each tenant's job in
    it is due when the period is over in that tenant's own, plus ``SLA_GRACE``.
    """
    for period in due_periods(house.clock.now()):
        if await house.runs.is_due(period):
            await house.runs.start(StartRun(period), SYSTEM)
    await house.runs.complete_open()


def due_periods(now: datetime) -> tuple[str, ...]:
    """The month that ended last, behind the quarter where that ended with it: the month's run is the newest."""
    today = first_day_anywhere(now)
    month = previous_label(month_label(today))
    if today.month % 3 == 1:
        return (quarter_before(today), month)
    return (month,)
