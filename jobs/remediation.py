"""Jobs of remediation: what fits an anomaly is planned, and every run is taken on as far as it goes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope


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
    """One round of the clockwork: whatever is under way is looked at. A job waits only once."""
    moving = await house.remediation.moving()
    if moving:
        async with house.storage.write(TenantScope(VENDOR_ID)) as session:
            for tenant_id, run_id in moving:
                await session.enqueue(
                    Job.ADVANCE_PLAYBOOK,
                    {"tenant": str(tenant_id), "run": str(run_id)},
                    dedupe_key=f"{Job.ADVANCE_PLAYBOOK}/{run_id}",
                )


REMEDIATION_DUTIES = (
    Duty(Job.PLAN_PLAYBOOKS, plan, given_up),
    Duty(Job.ADVANCE_PLAYBOOK, advance, given_up, timeout=timedelta(minutes=3)),
)
