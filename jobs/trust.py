"""Jobs of the batch of Trust Reports: plan it, and publish one tenant's; and its clockwork."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.period import first_day_anywhere, quarter_before
from trust_portal.storage.outbox import Job
from trust_portal.trust.batches.model import StartTrustBatch


async def plan(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.trust_batches.plan(UUID(arguments["batch_id"]), row_id)


async def plan_given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The batch stays at planning, where people see it and start it again; the outbox keeps row and code."""


async def publish(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.trust_batches.cover(UUID(arguments["batch_id"]), UUID(arguments["tenant_id"]), row_id)


async def publish_given_up(house: House, arguments: Arguments, reason: str) -> None:
    await house.trust_batches.give_up(UUID(arguments["batch_id"]), UUID(arguments["tenant_id"]), reason)


async def mind_trust(house: House) -> None:
    """One round: start the batch of the quarter that ended last once its SLA reports are done, complete others.

    Safe beside others: a period has one batch, and completing it locks its row.
    """
    period = ended_quarter(house.clock.now())
    if await house.trust_batches.is_due(period):
        await house.trust_batches.start(StartTrustBatch(period), SYSTEM)
    await house.trust_batches.complete_open()


def ended_quarter(now: datetime) -> str:
    """The quarter that ended last, somewhere in the world."""
    return quarter_before(first_day_anywhere(now))


TRUST_DUTIES = (
    Duty(Job.PLAN_TRUST_BATCH, plan, plan_given_up, timeout=timedelta(minutes=10)),
    Duty(Job.PUBLISH_TRUST_REPORT, publish, publish_given_up),
)
