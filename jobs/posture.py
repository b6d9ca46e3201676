"""The job that looks at a customer's posture."""

from __future__ import annotations

from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def check(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.posture.check_due(UUID(arguments["tenant"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code. The customer stays due, and what was last found grows stale."""


POSTURE_DUTIES = (Duty(Job.CHECK_POSTURE, check, given_up),)
