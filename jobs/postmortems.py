"""The job that brings a released postmortem to its customer."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def issue_copy(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.postmortem_copies.issue(UUID(arguments["release"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code: the release stands, and its copy can be issued again."""


POSTMORTEM_DUTIES = (Duty(Job.ISSUE_POSTMORTEM_COPY, issue_copy, given_up, timeout=timedelta(minutes=5)),)
