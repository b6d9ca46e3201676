"""What the offline verifier knows of this room's documents. Imports no server and no store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trust_portal.evidence.verify import DocumentKind
from trust_portal.trust.compliance.attestation import attest_bundle as attest_compliance
from trust_portal.trust.compliance.attestation import told as told_of_compliance
from trust_portal.trust.compliance.model import DOCUMENT_FILE as COMPLIANCE_FILE
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.qbr.attestation import attest_bundle as attest_qbr
from trust_portal.trust.qbr.attestation import told as told_of_qbr
from trust_portal.trust.qbr.model import DOCUMENT_FILE as QBR_FILE
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.qbr.model import PDF_FILE as QBR_PDF
from trust_portal.trust.qbr.model import PPTX_FILE as QBR_PPTX
from trust_portal.trust.report.attestation import attest_bundle, told
from trust_portal.trust.report.model import DOCUMENT_FILE, KIND, PDF_FILE

_NO_RECEIPT: Final = (
    "That figures without a receipt are right: they are the vendor's signed word, with source and age"
)
_LOCKED: Final = (
    "That the rows of usage, commitments, savings, incidents, cost, posture and compliance, and credits that are due or "
    "wait are right: they are as they were locked, and nothing derives them again"
)

#: By document kind; what ``verify`` looks up.
KINDS: Mapping[str, DocumentKind] = {
    COMPLIANCE: DocumentKind(
        attest_compliance,
        proves=f"{COMPLIANCE_FILE} is what its compliance.evaluated receipt was issued for",
        leaves_open=(
            "That the facts behind a result were read rightly: it names them by digest, and the vendor holds them",
            "That results inherited from the vendor are those of its own log: their receipt is named, and stands there",
        ),
        tells=told_of_compliance,
    ),
    QBR: DocumentKind(
        attest_qbr,
        deck=QBR_PPTX,
        proves=f"{QBR_FILE} is what its qbr.issued receipt was issued for; each of its sections is as it was when its "
        "data were locked, or its omission is recorded; every receipt that a figure names is there",
        leaves_open=(
            f"That {QBR_PDF} and {QBR_PPTX} say what {QBR_FILE} says: {QBR_FILE} is what was issued",
            "That comments are right: they are the words of whoever is named beside them",
            _NO_RECEIPT,
            _LOCKED,
            "That recommendations are right: somebody accepted each, and nothing derives their grounds again",
        ),
        derives="service levels, issued credits, what changed and what the review rests on follow from the bundle's own "
        "inputs, string for string; so do the sums of commitments, savings, incidents and cost and the counts of posture and compliance from their rows, what usage and "
        "recommendations say of the rows beside them (amounts and shares up to their rounding), and the period in one look "
        "from the sections that went out beside it; and no section is fresher than its age allows",
        tells=told_of_qbr,
    ),
    KIND: DocumentKind(
        attest_bundle,
        proves=f"{DOCUMENT_FILE} is what its trust_report.published receipt was issued for; inputs/ are the signed "
        "documents its sections name, and every receipt that a figure names is there",
        leaves_open=(
            f"That {PDF_FILE} says what {DOCUMENT_FILE} says: {DOCUMENT_FILE} is what was published",
            _NO_RECEIPT,
        ),
        derives="service levels, issued credits and what changed follow from the bundle's own inputs, string for string; "
        "so do the sums of incidents and cost and the counts of posture, compliance and access from their rows, and no section is fresher than its age allows",
        tells=told,
    ),
}
