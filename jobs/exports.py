"""The job that builds bundles."""

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


EXPORT_DUTIES = (Duty(Job.BUILD_EXPORT, build, given_up, timeout=timedelta(minutes=10)),)
