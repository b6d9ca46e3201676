"""What dual control leaves in its tenant's log: the request with the whole intent, then every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trust_portal.access.approvals.model import Approval, ApprovalRequest, Step, StepAct
from trust_portal.access.passkeys.model import Signature
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339

KIND_OF: Final[Mapping[StepAct, ReceiptKind]] = {
    StepAct.APPROVE: ReceiptKind.APPROVAL_APPROVED,
    StepAct.DENY: ReceiptKind.APPROVAL_DENIED,
    StepAct.EXPIRE: ReceiptKind.APPROVAL_EXPIRED,
    StepAct.USE: ReceiptKind.APPROVAL_USED,
    StepAct.VOID: ReceiptKind.APPROVAL_VOIDED,
    StepAct.WITHDRAW: ReceiptKind.APPROVAL_WITHDRAWN,
}


def request_act(request: ApprovalRequest, actor: Actor) -> Act:
    """The asking. The rule is what permits it to be asked; the act that is asked for has its own."""
    result: dict[str, Json] = {
        "approval": str(request.id),
        "subject": request.subject,
        "intent": request.intent.json(),
        "digest": request.digest,
        "rule": request.rule_id,
        "roles": [role.value for role in request.roles],
        "requester": _requester(request),
        "nonce": request.nonce,
        "expires_at": rfc3339(request.expires_at),
        "use_seconds": str(request.use_seconds),
        "passkey": "required",
    }
    return Act(
        kind=ReceiptKind.APPROVAL_REQUESTED,
        tenant_id=request.tenant_id,
        actor=actor,
        at=request.requested_at,
        subjects=(Subject(f"approval/{request.id}/intent", request.digest),),
        predicate=result,
        inputs=tuple(Input(each.path, each.sha256) for each in request.intent.evidence),
        policies=(request.rule_id,),
        policy_version=request.policy_version,
        rationale=request.reason,
    )


def step_act(
    approval: Approval,
    step: Step,
    actor: Actor,
    *,
    rests_on: Mapping[UUID, str],
    policies: tuple[str, ...],
    policy_version: str,
    signature: Signature | None = None,
) -> Act:
    """``approval`` as it stands with ``step``; ``rests_on`` are the receipts before it, id → SHA-256."""
    request = approval.request
    result: dict[str, Json] = {
        "approval": str(request.id),
        "subject": request.subject,
        "kind": request.kind.value,
        "digest": request.digest,
        "step": str(step.ordinal),
        **decision_json(approval),
    }
    if step.slot is not None and step.role is not None:
        result |= {"slot": str(step.slot), "role": step.role.value}
    if signature is not None:
        result["signature"] = signature.result
    return Act(
        kind=KIND_OF[step.act],
        tenant_id=request.tenant_id,
        actor=actor,
        at=step.at,
        subjects=(Subject(f"approval/{request.id}/step/{step.ordinal}", digest(result)),),
        predicate=result,
        inputs=(*inputs_of(rests_on), *(() if signature is None else signature.inputs)),
        policies=policies,
        policy_version=policy_version,
        rationale=step.reason or None,
    )


def decision_json(approval: Approval) -> dict[str, Json]:
    """Who asked, who approved as what, and whom it still needs: the part that verifiers look at."""
    request = approval.request
    return {
        "requester": _requester(request),
        "approvals": [
            {
                "person": str(each.person_id),
                "role": None if each.role is None else each.role.value,
                "slot": str(each.slot),
                "receipt": str(each.receipt_id),
            }
            for each in approval.approvals
        ],
        "needs": [request.roles[slot - 1].value for slot in approval.open_slots],
    }


def inputs_of(receipts: Mapping[UUID, str]) -> tuple[Input, ...]:
    """Receipts as an act names what it rests on."""
    return tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in receipts.items())


def _requester(request: ApprovalRequest) -> Mapping[str, Json]:
    return {"person": str(request.requester_id), "kind": request.requester_kind.value}
