"""The jobs that build bundles, and that seal stored ones under a customer's own key."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def build(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.exports.build(UUID(arguments["tenant"]), UUID(arguments["export"]), work=row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    await house.exports.fail(UUID(arguments["tenant"]), UUID(arguments["export"]), reason)


async def seal(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.sealing.run(UUID(arguments["tenant"]), work=row_id)


async def seal_given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code. Posture says that something is stored without a seal."""


EXPORT_DUTIES = (
    Duty(Job.BUILD_EXPORT, build, given_up, timeout=timedelta(minutes=10)),
    Duty(Job.SEAL_EXPORTS, seal, seal_given_up, timeout=timedelta(minutes=30)),
)
