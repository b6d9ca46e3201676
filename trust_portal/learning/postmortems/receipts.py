"""What a postmortem leaves in logs: each step in the vendor's, the copy in its customer's. Counters are strings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, Postmortem, Step, StepKind

KIND_OF: Final[Mapping[StepKind, ReceiptKind]] = MappingProxyType(
    {
        StepKind.SUBMITTED: ReceiptKind.POSTMORTEM_SUBMITTED,
        StepKind.RETURNED: ReceiptKind.POSTMORTEM_RETURNED,
        StepKind.ACCEPTED: ReceiptKind.POSTMORTEM_ACCEPTED,
        StepKind.SIGNED: ReceiptKind.POSTMORTEM_SIGNED,
        StepKind.REOPENED: ReceiptKind.POSTMORTEM_REOPENED,
    }
)


def step_act(
    postmortem: Postmortem,
    step: Step,
    actor: Actor,
    decision: Decision,
    *,
    further: Mapping[str, Json],
    inputs: tuple[Input, ...],
) -> Act:
    """A step that is taken; where it is about a document, its subject is that document."""
    result: dict[str, Json] = {
        "postmortem": str(postmortem.id),
        "incident": str(postmortem.incident_id),
        "version": str(step.version),
        "step": str(step.ordinal),
        **further,
    }
    if step.digest is None:
        subject = Subject(f"postmortem/{postmortem.id}/{step.ordinal}", digest(result))
    else:
        subject = Subject(DOCUMENT_FILE, step.digest)
    return Act(
        kind=KIND_OF[step.kind],
        tenant_id=VENDOR_ID,
        actor=actor,
        at=step.at,
        subjects=(subject,),
        predicate=result,
        inputs=inputs,
        policies=decision.policies,
        policy_version=decision.version,
        rationale=step.reason,
    )
