"""What an approver signs: the statement of a decision, the same bytes in the page and here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trust_portal.access.approvals.model import ApprovalRequest, StepAct
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339

TYPE: Final = "urn:trustportal:approval-statement:v1"


def decision_statement(
    request: ApprovalRequest, act: StepAct, slot: int, person_id: UUID, person_name: str, reason: str
) -> Mapping[str, Json]:
    """Strings only. ``act`` is an approval or a denial, ``slot`` (1, 2, …) the place it is made from.

    Nonce and expiry are the request's own: what is signed for it fits no other, and not for longer.
    """
    return {
        "type": TYPE,
        "request": str(request.id),
        "nonce": request.nonce,
        "expires_at": rfc3339(request.expires_at),
        "intent": request.intent.json(),
        "decision": act.value,
        "slot": str(slot),
        "role": request.roles[slot - 1].value,
        "person": {"id": str(person_id), "name": person_name},
        "reason": reason,
    }
