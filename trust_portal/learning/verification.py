"""What the offline verifier knows of this room's documents. Imports no server and no store."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.verify import DocumentKind
from trust_portal.learning.postmortems.attestation import attest_bundle, versions_told
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, KIND, PDF_FILE

#: By document kind; what ``verify`` looks up.
KINDS: Mapping[str, DocumentKind] = {
    KIND: DocumentKind(
        attest_bundle,
        proves=f"{DOCUMENT_FILE} is what its postmortem.signed receipt was issued for: these very bytes were "
        "submitted, and accepted by somebody who wrote none of them",
        leaves_open=(
            f"That {PDF_FILE} says what {DOCUMENT_FILE} says: {DOCUMENT_FILE} is what was signed",
            "That the facts are all there are: each names its source, time and digest, by which it can be asked for",
            "That minutes and money follow from what was measured: their inputs are not in this bundle",
        ),
        tells=versions_told,
    ),
}
