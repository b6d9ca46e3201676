"""Jobs of the cost loop: roll-ups follow the usage, hours are closed once over, anomalies explained,
detectors tried on history.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.storage.outbox import Job


async def roll_up(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001 - a duty's signature
    await house.metering.follow()


async def close_hours(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001
    """What has come by now belongs to the hours, so it is taken in first; budgets are of closed hours."""
    await house.metering.follow()
    await house.closing.close_due()
    await house.budget_alerts.look()


async def explain(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001
    """Figures that moved meanwhile have a job of their own waiting; what is explained stays so."""
    await house.explanations.record(SYSTEM, UUID(arguments["tenant"]), UUID(arguments["anomaly"]))


async def back_test(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.detector_backtests.work(UUID(arguments["tenant"]), UUID(arguments["run"]), row_id)


async def back_test_given_up(house: House, arguments: Arguments, reason: str) -> None:
    await house.detector_backtests.fail(UUID(arguments["tenant"]), UUID(arguments["run"]), reason)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code; the clockwork asks anew as long as there is work."""


async def mind_cost(house: House) -> None:
    """One round of the clockwork: ask for what is due. Safe beside others."""
    await house.metering.ask_due()
    await house.closing.ask_due()
    await house.budget_alerts.ask_due()


COST_DUTIES = (
    Duty(Job.BACK_TEST_DETECTOR, back_test, back_test_given_up, timeout=timedelta(minutes=30)),
    Duty(Job.ROLL_UP_USAGE, roll_up, given_up, timeout=timedelta(minutes=30)),
    Duty(Job.CLOSE_COST_HOURS, close_hours, given_up, timeout=timedelta(minutes=30)),
    Duty(Job.EXPLAIN_ANOMALY, explain, given_up),
)
