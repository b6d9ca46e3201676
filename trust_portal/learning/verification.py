"""What the offline verifier knows of this room's documents. Imports no server and no store."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.verify import Concealing, DocumentKind
from trust_portal.learning.postmortems.attestation import attest_bundle, versions_told
from trust_portal.learning.postmortems.copy_attestation import attest_bundle as attest_copy
from trust_portal.learning.postmortems.copy_attestation import supersession_told, whole_again
from trust_portal.learning.postmortems.model import COPY_FILE, COPY_KIND, DOCUMENT_FILE, KIND, PDF_FILE

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
    COPY_KIND: DocumentKind(
        attest_copy,
        proves=f"{COPY_FILE} is what its postmortem.copy_issued receipt was issued for, to this customer and by the "
        "profile in inputs/",
        leaves_open=(
            (
                "That the copy is of the document that was signed: it names it by its digest, and shows that it is once "
                "everything is disclosed; until then that is the vendor's word"
            ),
            f"That its PDF says what {COPY_FILE} says: {COPY_FILE} is what was issued",
        ),
        tells=supersession_told,
        conceals=Concealing(COPY_FILE, whole_again),
    ),
}
