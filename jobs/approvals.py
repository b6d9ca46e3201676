"""Jobs of dual control: deadlines are kept, and whoever asked learns what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from uuid import UUID

from jobs.duty import Arguments, Duty
from jobs.remediation import approval_settled as playbook_settled
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.approvals.stages import Stage
from trust_portal.house import House
from trust_portal.storage.outbox import Job

#: Given tenant and request: reads what became of it, and acts or gives up. It may be called again
#: after any crash and must not act twice: ``Approvals.use`` sees to that.
Settled: TypeAlias = Callable[[House, UUID, UUID], Awaitable[object]]


async def policies_settled(house: House, tenant_id: UUID, request_id: UUID) -> object:
    """New policies, or older ones that shall decide no more."""
    if await house.policy_retirements.asked(request_id) is not None:
        return await house.policy_retirements.approval_settled(request_id)
    return await house.policy_changes.approval_settled(tenant_id, request_id)


#: By kind: the service that asked. A kind without one is used where a person does the act itself.
SETTLED: Mapping[ApprovalKind, Settled] = {
    ApprovalKind.BREAK_GLASS_REVIEW: lambda house, tenant_id, request_id: house.glass_reviews.settled(
        tenant_id, request_id
    ),
    ApprovalKind.CREDIT: lambda house, tenant_id, request_id: house.credit_decisions.approval_settled(
        tenant_id, request_id
    ),
    ApprovalKind.EXCLUSION: lambda house, tenant_id, request_id: house.exclusions.approval_settled(
        tenant_id, request_id
    ),
    ApprovalKind.KEY_ROTATION: lambda house, tenant_id, request_id: house.key_rotations.approval_settled(
        tenant_id, request_id
    ),
    ApprovalKind.PLAYBOOK_RUN: playbook_settled,
    ApprovalKind.POLICY_CHANGE: policies_settled,
    ApprovalKind.RETENTION_CHANGE: playbook_settled,
    ApprovalKind.SEVERITY_DOWNGRADE: lambda house, _, request_id: house.lowering.approval_settled(request_id),
    ApprovalKind.THRESHOLD_CHANGE: lambda house, tenant_id, request_id: (
        house.threshold_changes.approval_settled(tenant_id, request_id)
    ),
}


async def expire(house: House, row_id: UUID, arguments: Arguments) -> None:
    await house.decisions.expire(UUID(arguments["tenant"]), UUID(arguments["request"]), row_id)


async def remind(house: House, row_id: UUID, arguments: Arguments) -> None:
    stage = Stage(arguments["stage"])
    await house.approval_reminders.remind(
        UUID(arguments["tenant"]), UUID(arguments["request"]), stage, row_id
    )


async def settled(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001 - a duty's signature
    tell = SETTLED.get(ApprovalKind(arguments["kind"]))
    if tell is not None:
        await tell(house, UUID(arguments["tenant"]), UUID(arguments["request"]))


async def attend(house: House, row_id: UUID, arguments: Arguments) -> None:  # noqa: ARG001 - a duty's signature
    await house.glass_reviews.attend(UUID(arguments["tenant"]), UUID(arguments["grant"]))


async def given_up(house: House, arguments: Arguments, reason: str) -> None:
    """The outbox keeps the row and the code. What is not expired by a job is expired by its time; a review
    of emergency access that is owed is followed up (``GlassReviews.follow_up``).
    """


APPROVAL_DUTIES = (
    Duty(Job.ATTEND_BREAK_GLASS, attend, given_up),
    Duty(Job.EXPIRE_APPROVAL, expire, given_up),
    Duty(Job.APPROVAL_SETTLED, settled, given_up),
    Duty(Job.REMIND_OF_APPROVAL, remind, given_up),
)
