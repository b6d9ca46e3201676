"""What a credit leaves in its tenant's log, from the calculation to the end. Amounts are decimal strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.credits.model import (
    CONTRACT_INPUT,
    MEMO_FILE,
    REPORT_INPUT,
    CreditState,
)
from trust_portal.reliability.credits.record import StoredCalculation, StoredClaim, StoredCredit

KIND_OF: Final[Mapping[CreditState, ReceiptKind]] = MappingProxyType(
    {
        CreditState.PROPOSED: ReceiptKind.CREDIT_PROPOSED,
        CreditState.APPROVED: ReceiptKind.CREDIT_APPROVED,
        CreditState.ISSUED: ReceiptKind.CREDIT_ISSUED,
        CreditState.REJECTED: ReceiptKind.CREDIT_REJECTED,
        CreditState.EXPIRED: ReceiptKind.CREDIT_EXPIRED,
        CreditState.VOIDED: ReceiptKind.CREDIT_VOIDED,
    }
)


def calculated_act(
    calculation: StoredCalculation,
    body: Mapping[str, Any],
    actor: Actor,
    decision: Decision,
    *,
    receipts: Mapping[UUID, str],
) -> Act:
    """The calculation, by the digests of report and contract; ``receipts`` are those it rests on."""
    figures = (
        "outcome",
        "kind",
        "amount",
        "total",
        "issued_before",
        "currency",
        "fee",
        "percent",
        "uncapped_percent",
        "rules",
    )
    return Act(
        kind=ReceiptKind.CREDIT_CALCULATED,
        tenant_id=calculation.tenant_id,
        actor=actor,
        at=calculation.calculated_at,
        subjects=(Subject(f"credit-calculation/{calculation.id}", calculation.sha256),),
        predicate={
            "calculation": str(calculation.id),
            "period": calculation.period,
            "revision": str(calculation.revision),
            "report": str(calculation.report_id),
            **{name: body[name] for name in figures},
        },
        inputs=(
            Input(REPORT_INPUT, body["report"]["sha256"]),
            Input(CONTRACT_INPUT, body["contract"]["sha256"]),
            *inputs_of(receipts),
        ),
        policies=decision.policies,
        policy_version=decision.version,
    )


def state_act(
    credit: StoredCredit,
    state: CreditState,
    actor: Actor,
    *,
    at: datetime,
    policies: tuple[str, ...],
    policy_version: str | None,
    inputs: tuple[Input, ...],
    reason: str,
    further: Mapping[str, Json],
    memo_sha256: str | None = None,
) -> Act:
    """A state that is reached; an issue is the receipt of its memo."""
    result: dict[str, Json] = {**credit_json(credit), "state": state.value, **further}
    name = f"credit/{credit.id}/{len(credit.history) + 1}"
    subject = Subject(name, digest(result)) if memo_sha256 is None else Subject(MEMO_FILE, memo_sha256)
    return Act(
        kind=KIND_OF[state],
        tenant_id=credit.tenant_id,
        actor=actor,
        at=at,
        subjects=(subject,),
        predicate=result,
        inputs=inputs,
        policies=policies,
        policy_version=policy_version,
        rationale=reason,
    )


def claim_refused_act(
    claim: StoredClaim, actor: Actor, decision: Decision, *, receipts: Mapping[UUID, str]
) -> Act:
    """Why a customer's claim was not followed, and the customer's own words."""
    result: dict[str, Json] = {
        "claim": str(claim.id),
        "period": claim.period,
        "revision": str(claim.revision),
        "code": claim.code.value,
        "message": claim.message,
        "deadline": None if claim.deadline is None else rfc3339(claim.deadline),
    }
    return Act(
        kind=ReceiptKind.CREDIT_CLAIM_REFUSED,
        tenant_id=claim.tenant_id,
        actor=actor,
        at=claim.claimed_at,
        subjects=(Subject(f"credit-claim/{claim.id}", digest(result)),),
        predicate=result,
        inputs=inputs_of(receipts),
        policies=decision.policies,
        policy_version=decision.version,
        rationale=claim.reason,
    )


def credit_json(credit: StoredCredit) -> dict[str, Json]:
    """What every receipt of a credit says of it."""
    return {
        "credit": str(credit.id),
        "calculation": str(credit.calculation.id),
        "period": credit.period,
        "revision": str(credit.revision),
        "attempt": str(credit.attempt),
        "kind": credit.kind.value,
        "amount": credit.amount.decimal,
        "currency": credit.amount.currency,
        "origin": credit.origin.value,
        "approval": str(credit.request_id),
    }


def inputs_of(receipts: Mapping[UUID, str]) -> tuple[Input, ...]:
    """Receipts as an act names what it rests on."""
    return tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in receipts.items())
