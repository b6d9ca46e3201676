"""Jobs of passkeys: what was revoked is revoked in every log that knows it."""

from __future__ import annotations

from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def spread(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.passkey_revocations.spread(UUID(arguments["tenant"]), UUID(arguments["passkey"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code. The passkey signs nothing whatever becomes of this."""


PASSKEY_DUTIES = (Duty(Job.SPREAD_REVOCATION, spread, given_up),)
