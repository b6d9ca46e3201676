"""An audit of one tenant's evidence, as it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.evidence.audit import AuditFinding, AuditTotals

#: Findings that are kept; all are counted. `trust-portal audit` prints every one.
MOST_FINDINGS: Final = 50


@dataclass(frozen=True, slots=True)
class ReceiptAudit:
    """What was computed again, and what was found to be otherwise. ``findings``: code, where, message."""

    id: UUID
    tenant_id: UUID
    began_at: datetime
    ended_at: datetime
    receipts: int
    checkpoints: int
    artefacts: int
    finding_count: int
    findings: tuple[tuple[str, str, str], ...]
    receipt_id: UUID


def audit_of(
    id_: UUID,
    tenant_id: UUID,
    began_at: datetime,
    ended_at: datetime,
    totals: AuditTotals,
    findings: Sequence[AuditFinding],
    receipt_id: UUID,
) -> ReceiptAudit:
    return ReceiptAudit(
        id=id_,
        tenant_id=tenant_id,
        began_at=began_at,
        ended_at=ended_at,
        receipts=totals.receipts,
        checkpoints=totals.checkpoints,
        artefacts=totals.artefacts,
        finding_count=len(findings),
        findings=tuple((each.code.value, each.where, each.message) for each in findings[:MOST_FINDINGS]),
        receipt_id=receipt_id,
    )
