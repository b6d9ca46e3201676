"""The register of incidents follows what is told of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def follow(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001 - a duty's signature
    await house.incident_following.follow()


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code; the clockwork asks anew as long as there is work."""


async def mind_incidents(house: House) -> None:
    """One round of the clockwork. Safe beside others."""
    await house.incident_following.ask_due()


INCIDENT_DUTIES = (Duty(Job.FOLLOW_INCIDENTS, follow, given_up, timeout=timedelta(minutes=10)),)
