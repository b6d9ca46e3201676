"""What of this room's documents can be derived again from the files in their own bundles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trust_portal.evidence.verdict import Mismatch
from trust_portal.trust.compliance.attestation import recompute_evaluation
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.qbr.recompute import recompute_qbr
from trust_portal.trust.report.model import KIND
from trust_portal.trust.report.recompute import recompute_trust_report

#: By document kind; what ``verify --recompute`` looks up.
RECOMPUTERS: Mapping[str, Callable[[Mapping[str, bytes]], Sequence[Mismatch]]] = {
    COMPLIANCE: recompute_evaluation,
    QBR: recompute_qbr,
    KIND: recompute_trust_report,
}
