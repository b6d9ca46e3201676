"""Business reviews: each QBR is prepared some days before its review, so that its CSM finds it there."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job
from trust_portal.trust.qbr.model import Prepare


async def prepare(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.qbrs.prepare_due(Prepare(UUID(arguments["tenant"]), arguments["period"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code; as long as the review is to come the clockwork asks anew."""


async def mind_accounts(house: House) -> None:
    """One round. Safe beside others: an account has one job for a quarter at a time."""
    await house.accounts.ask_due()


ACCOUNT_DUTIES = (Duty(Job.PREPARE_QBR, prepare, given_up, timeout=timedelta(minutes=10)),)
