"""Whether the approvals on record were given: that each was signed, checked anew when it is used. Pure.

The tables hold that a decision has a signature, of that person and for that request. That the signature
is one takes the person's public key, which is a row of the vendor: rows written past the services may
stand without it, and end here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import Approval, Approver, Step
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.model import SignatureRow
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
    able = {each.person_id: each for each in approvers}
    for step in approval.approvals:
        row = None if step.signature_id is None else signatures.get(step.signature_id)
        if row is None or step.person_id not in able:
            raise _unproven(step, "nothing is signed")
        _require_signed(approval, step, row, able[step.person_id])


def _require_signed(approval: Approval, step: Step, row: SignatureRow, approver: Approver) -> None:
    passkey = next((each for each in approver.passkeys if each.id == row.passkey_id), None)
    if passkey is None:
        raise _unproven(step, "they have enrolled no such passkey")
    if row.withdrawn or passkey.revoked_at is not None:
        raise ApprovalRefused(
            f"the passkey with which {step.person_name} approved this (step {step.ordinal}) has been revoked; "
            "ask again",
            code="PASSKEY_REVOKED",
        )
    if approval.request.requester_id in passkey.brought_by:
        raise _unproven(step, "the passkey was enrolled after signing in by a link of the one who asks")
    if step.slot is None:
        raise _unproven(step, "it fills no place")
    statement = decision_statement(
        approval.request, step.act, step.slot, step.person_id, step.person_name, step.reason
    )
    try:
        check_assertion(row.by(passkey.key), canonical(statement), passkey.key)
    except (NotThisStatement, BadAssertion) as error:
        raise _unproven(step, error.message) from error


def _unproven(step: Step, why: str) -> ApprovalRefused:
    return ApprovalRefused(
        f"the approval on record for {step.person_name} (step {step.ordinal}) is not theirs: {why}",
        code="SIGNATURE_UNPROVEN",
    )
