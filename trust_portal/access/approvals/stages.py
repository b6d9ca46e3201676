"""When those who could decide are reminded: at half of the waiting time, and at four fifths of it.

Each stage is a job that waits in the outbox from the request on.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from trust_portal.access.approvals.model import ApprovalRequest
from trust_portal.storage.outbox import Job
from trust_portal.storage.unit_of_work import WriteSession


class Stage(StrEnum):
    REMINDER = "reminder"
    ESCALATION = "escalation"


#: After which part of the waiting time.
_AFTER: Final = {Stage.REMINDER: Fraction(1, 2), Stage.ESCALATION: Fraction(4, 5)}


def due_at(request: ApprovalRequest, stage: Stage) -> datetime:
    """When a stage is due; whole seconds, rounded down."""
    part = _AFTER[stage]
    waiting = request.expires_at - request.requested_at
    return request.requested_at + waiting * part.numerator // part.denominator


async def ask_for_reminders(session: WriteSession, request: ApprovalRequest) -> None:
    """Both, in the transaction that opens the request."""
    for stage in Stage:
        await session.enqueue(
            Job.REMIND_OF_APPROVAL,
            {"tenant": str(request.tenant_id), "request": str(request.id), "stage": stage.value},
            dedupe_key=f"{Job.REMIND_OF_APPROVAL}/{request.id}/{stage}",
            due_at=due_at(request, stage),
        )
