"""Jobs of remediation: what fits an anomaly is planned, and every run is taken on as far as it goes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def plan(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001 - a duty's signature
    await house.remediation.plan_by_itself(UUID(arguments["tenant"]), UUID(arguments["anomaly"]))


async def advance(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001
    await house.remediation.advance(UUID(arguments["tenant"]), UUID(arguments["run"]))


async def approval_settled(house: House, tenant_id: UUID, request_id: UUID) -> None:
    """For ``jobs.approvals``: people have decided, or time has."""
    await house.remediation.approval_settled(tenant_id, request_id)


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code; the clockwork asks anew as long as a run is not over."""


async def mind_runs(house: House) -> None:
    """One round of the clockwork. Safe beside others."""
    await house.remediation.ask_moving()


REMEDIATION_DUTIES = (
    Duty(Job.PLAN_PLAYBOOKS, plan, given_up),
    Duty(Job.ADVANCE_PLAYBOOK, advance, given_up, timeout=timedelta(minutes=3)),
)
