"""What an evaluation leaves in the log of the tenant it is about."""

from __future__ import annotations

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.trust.compliance.model import (
    DOCUMENT_FILE,
    Catalogue,
    ControlState,
    Evaluation,
    Source,
)


def evaluated_act(
    evaluation: Evaluation,
    actor: Actor,
    decision: Decision,
    *,
    catalogue: Catalogue,
    source: Source | None,
    reason: str,
) -> Act:
    """Every control's state with the digest of what it was judged by. A receipt of the vendor's log, which a
    customer does not have, is named as data.
    """
    inputs = [Input("controls.yaml", catalogue.version)]
    if source is not None:
        inputs.append(Input(f"vendor/receipt/{source.receipt}", source.sha256))
    return Act(
        kind=ReceiptKind.COMPLIANCE_EVALUATED,
        tenant_id=evaluation.tenant_id,
        actor=actor,
        at=evaluation.at,
        subjects=(Subject(DOCUMENT_FILE, evaluation.sha256),),
        predicate={
            "evaluation": str(evaluation.id),
            "counts": {state.value: str(evaluation.count(state)) for state in ControlState},
            "results": [
                {
                    "control": each.control,
                    "party": each.party.value,
                    "state": each.state.value,
                    "gaps": str(each.gap_count),
                    "facts_sha256": each.facts_sha256,
                }
                for each in evaluation.results
            ],
        },
        inputs=tuple(inputs),
        policies=decision.policies,
        policy_version=decision.version,
        rationale=reason,
    )
