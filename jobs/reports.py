"""Jobs of the monthly run: plan it, and issue one tenant's report; and whether what is signed still follows."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from jobs.duty import Arguments, Duty
from trust_portal.house import House
from trust_portal.storage.outbox import Job


async def plan(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.runs.plan(UUID(arguments["run_id"]), row_id)


async def plan_given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The run stays at planning, where people see it and start it again; the outbox keeps row and code."""


async def issue(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.runs.cover(UUID(arguments["run_id"]), UUID(arguments["tenant_id"]), row_id)


async def issue_given_up(house: House, arguments: Arguments, reason: str) -> None:
    await house.runs.give_up(UUID(arguments["run_id"]), UUID(arguments["tenant_id"]), reason)


async def compare(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.reports.compare(UUID(arguments["tenant"]), arguments["period"], row_id)


async def compare_given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The next run of the period compares it again; the outbox keeps row and code."""


REPORT_DUTIES = (
    Duty(Job.COMPARE_SIGNED_REPORT, compare, compare_given_up),
    Duty(Job.PLAN_SLA_RUN, plan, plan_given_up, timeout=timedelta(minutes=10)),
    Duty(Job.ISSUE_SLA_REPORT, issue, issue_given_up),
)
