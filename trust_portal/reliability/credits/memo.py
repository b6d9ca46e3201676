"""The credit memo as a document: what was issued, why, who decided, and by which receipts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trust_portal.access.approvals.model import Approval
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.credits.model import (
    CONTRACT_INPUT,
    ENGINE,
    FORMAT,
    KIND,
    REPORT_INPUT,
    CreditState,
)
from trust_portal.reliability.credits.record import Issue, StoredCredit


def memo_body(
    credit: StoredCredit,
    calculation: Mapping[str, Any],
    approval: Approval,
    issue: Issue,
    *,
    allowed_by: str | None,
) -> dict[str, Any]:
    """JSON without floats. ``calculation`` is the body that was recorded; ``approval`` as it stands used."""
    proposed, approved = credit.passage(CreditState.PROPOSED), credit.passage(CreditState.APPROVED)
    request = approval.request
    return {
        "kind": KIND,
        "format": FORMAT,
        "tenant": dict(calculation["tenant"]),
        "vendor": calculation["vendor"],
        "period": dict(calculation["period"]),
        "credit": {
            "id": str(credit.id),
            "kind": credit.kind.value,
            "amount": credit.amount.decimal,
            "currency": credit.amount.currency,
            "revision": str(credit.revision),
            "attempt": str(credit.attempt),
            "origin": credit.origin.value,
            "supplements": None if credit.supplements is None else str(credit.supplements),
        },
        "calculation": {
            "id": str(credit.calculation.id),
            "sha256": credit.calculation.sha256,
            "at": rfc3339(credit.calculation.calculated_at),
            "receipt": str(credit.calculation.receipt_id),
            "body": dict(calculation),
        },
        "proposal": {
            "by": {"person": str(credit.proposer_id), "name": credit.proposer},
            "at": rfc3339(credit.proposed_at),
            "reason": credit.reason,
            "receipt": None if proposed is None else str(proposed.receipt_id),
        },
        "approval": {
            "id": str(request.id),
            "rule": request.rule_id,
            "intent": request.digest,
            "requested_receipt": str(request.receipt_id),
            "approvals": [
                {
                    "person": str(each.person_id),
                    "name": each.person_name,
                    "role": None if each.role is None else each.role.value,
                    "at": rfc3339(each.at),
                    "reason": each.reason,
                    "receipt": str(each.receipt_id),
                }
                for each in approval.approvals
            ],
            "approved_receipt": None if approved is None else str(approved.receipt_id),
            "used_receipt": None if approval.end is None else str(approval.end.receipt_id),
        },
        "issue": {
            "reference": issue.reference,
            "at": rfc3339(issue.at),
            "by": {"person": str(issue.by_id), "name": issue.by},
            "allowed_by": allowed_by,
        },
        "inputs": [
            {"name": CONTRACT_INPUT, "sha256": calculation["contract"]["sha256"]},
            {"name": REPORT_INPUT, "sha256": calculation["report"]["sha256"]},
        ],
        "engine": dict(ENGINE),
    }


def memo_name(tenant: str, period: str, credit: str, kind: str) -> str:
    """``northwind-credit-2026-06-1a2b3c4d.zip``: the last digits of the id are what differs."""
    return f"{tenant}-{kind}-{period}-{credit[-8:]}.zip"


def signed_at(body: Mapping[str, Any]) -> datetime:
    """When it was issued, by its own words."""
    return datetime.fromisoformat(body["issue"]["at"])
