"""Compliance on schedule: each tenant's receipts are audited and its controls judged once a day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def evaluate(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.compliance.do_scheduled(UUID(arguments["tenant_id"]), row_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps row and code; the last evaluation grows stale, which every page and document says."""


async def mind_compliance(house: House) -> None:
    """One round of the clockwork. Safe beside others: a tenant has one job at a time."""
    await house.compliance.ask_for_due()


COMPLIANCE_DUTIES = (Duty(Job.EVALUATE_COMPLIANCE, evaluate, given_up, timeout=timedelta(minutes=30)),)
