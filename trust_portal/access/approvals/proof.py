"""Whether the decisions on record were made by whom they name: what was signed, checked anew. Pure.

The tables hold that an approval has a signature, of that person and for that request. That the signature
is one takes the person's public key, which is a row of the vendor: rows written past the services may
stand without it, until somebody uses the approval, or audits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import Approval, ApprovalRequest, Approver, Step, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.model import Passkey, SignatureRow
from trust_portal.evidence.assertion import BadAssertion, NotThisStatement, check_assertion
from trust_portal.kernel.canonical import canonical


def require_proof(
    approval: Approval, approvers: Sequence[Approver], signatures: Mapping[UUID, SignatureRow]
) -> None:
    """Each approval is what a passkey of whoever gave it signed, and the passkey is still good.

    ``approvers`` are those who could decide now, with their passkeys; ``signatures`` are the tenant's
    rows by id. Raises ``ApprovalRefused``, naming the step: ``SIGNATURE_UNPROVEN``, or
    ``PASSKEY_REVOKED``, also where it was good when they approved.
    """
    passkeys = {each.id: each for approver in approvers for each in approver.passkeys}
    for step in approval.approvals:
        row = None if step.signature_id is None else signatures.get(step.signature_id)
        why = why_unproven(approval.request, step, row, passkeys)
        if why is not None:
            raise ApprovalRefused(
                f"the approval on record for {step.person_name} (step {step.ordinal}) is not theirs: {why}",
                code="SIGNATURE_UNPROVEN",
            )
        if row is not None and (row.withdrawn or passkeys[row.passkey_id].revoked_at is not None):
            raise ApprovalRefused(
                f"the passkey with which {step.person_name} approved this (step {step.ordinal}) has been revoked; "
                "ask again",
                code="PASSKEY_REVOKED",
            )


def why_unproven(
    request: ApprovalRequest,
    step: Step,
    row: SignatureRow | None,
    passkeys: Mapping[UUID, Passkey],
) -> str | None:
    """What speaks against a decision's being signed by its person; nothing where it is.

    ``row`` is its signature on record, ``passkeys`` by id are those that the vendor's people have
    enrolled. Whether the passkey was revoked meanwhile is not asked.
    """
    if row is None or step.slot is None:
        return "nothing is signed"
    passkey = passkeys.get(row.passkey_id)
    if passkey is None or passkey.person_id != step.person_id:
        return "they have enrolled no such passkey"
    if step.act is StepAct.APPROVE and request.requester_id in passkey.brought_by:
        return "the passkey was enrolled after signing in by a link of the one who asks"
    statement = decision_statement(
        request, step.act, step.slot, step.person_id, step.person_name, step.reason
    )
    try:
        check_assertion(row.by(passkey.key), canonical(statement), passkey.key)
    except (NotThisStatement, BadAssertion) as error:
        return error.message
    return None


def signatures_of(approvals: Collection[Approval]) -> tuple[UUID, ...]:
    """Of every decision that has one, denials too."""
    return tuple(
        step.signature_id for each in approvals for step in each.steps if step.signature_id is not None
    )
