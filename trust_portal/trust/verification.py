"""What the offline verifier knows of this room's documents. Imports no server and no store."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.verify import DocumentKind
from trust_portal.trust.report.attestation import attest_bundle, told
from trust_portal.trust.report.model import DOCUMENT_FILE, KIND, PDF_FILE

#: By document kind; what ``verify`` looks up.
KINDS: Mapping[str, DocumentKind] = {
    KIND: DocumentKind(
        attest_bundle,
        proves=f"{DOCUMENT_FILE} is what its trust_report.published receipt was issued for; inputs/ are the signed "
        "documents its sections name, and every receipt that a figure names is there",
        leaves_open=(
            f"That {PDF_FILE} says what {DOCUMENT_FILE} says: {DOCUMENT_FILE} is what was published",
            "That figures without a receipt are right: they are the vendor's signed word, with source and age",
        ),
        tells=told,
    ),
}
