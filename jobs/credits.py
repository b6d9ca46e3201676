"""The job after a report was signed: calculate its credit, and propose it where the contract says so."""

from __future__ import annotations

from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def consider(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.credit_proposals.consider(UUID(arguments["tenant"]), UUID(arguments["report"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code. What the report says is due can be proposed by hand."""


CREDIT_DUTIES = (Duty(Job.CONSIDER_CREDIT, consider, given_up),)
