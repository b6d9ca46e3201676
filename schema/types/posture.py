"""A customer's posture as last found, and its own key."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from trust_portal.evidence.sealing import model as sealing
from trust_portal.evidence.sealing.model import KeyAct
from trust_portal.evidence.signing import VerifyKey
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.posture import model
from trust_portal.trust.posture.model import Check, Outcome

strawberry.enum(Check, name="PostureCheckKind", description="What is looked at.")
strawberry.enum(Outcome, name="PostureOutcome", description="Whether it holds, or why nobody can say.")
strawberry.enum(KeyAct, name="CustomerKeyAct", description="What is done about a customer's own key.")


@strawberry.type(description="What one look found of one check.")
class PostureCheck:
    check: Check
    outcome: Outcome
    found: str = strawberry.field(description="In a sentence.")
    evidence: str = strawberry.field(description="RFC 8785 JSON, as it is signed.")
    checked_at: datetime
    checked_by: str
    receipt_id: strawberry.ID
    overtaken: str | None = strawberry.field(
        default=None,
        description="What was changed since that the look did not see, in words; said of the newest look only.",
    )


@strawberry.type(description="An act about a customer's own key.")
class CustomerKey:
    act: KeyAct
    key_id: str = strawberry.field(description="As the key service knows it.")
    pem: str = strawberry.field(description="Public half: checks proofs that the key is used.")
    at: datetime
    by: str
    reason: str
    receipt_id: strawberry.ID


def posture_check(row: model.PostureCheck, overtaken: str | None = None) -> PostureCheck:
    return PostureCheck(
        check=row.finding.check,
        outcome=row.finding.outcome,
        found=row.finding.found,
        evidence=canonical(dict(row.finding.evidence)).decode(),
        checked_at=row.checked_at,
        checked_by=row.checked_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
        overtaken=overtaken,
    )


def customer_key(row: sealing.CustomerKey) -> CustomerKey:
    return CustomerKey(
        act=row.act,
        key_id=row.key_id,
        pem=VerifyKey(row.public_key).pem,
        at=row.at,
        by=row.by,
        reason=row.reason,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )
