"""What the offline verifier knows of this room's documents. Imports no calculation, no server, no store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trust_portal.evidence.attestation import UNREADABLE
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verify import DocumentKind
from trust_portal.reliability.credits.attestation import attest_bundle as attest_memo
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.reliability.reports.attestation import attest_bundle
from trust_portal.reliability.reports.model import KIND, PDF_FILE, REPORT_FILE

_OF_A_RESTATEMENT: Final = (
    "Of a restatement: the credit, tier and excluded minutes that were reported before",
    "Where a restatement's receipt does not rest on the one it replaces, as older ones: any figure of before",
)


def _of_a_restatement(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Nothing, where the report says that it replaces none; of one that cannot be read, what may be open all the same."""
    try:
        body = parse_json(files[REPORT_FILE])
        return () if body["restatement"] is None else _OF_A_RESTATEMENT
    except UNREADABLE:
        return _OF_A_RESTATEMENT


#: By document kind; what ``verify`` looks up.
KINDS: Mapping[str, DocumentKind] = {
    KIND: DocumentKind(
        attest_bundle,
        proves="report.json and inputs/ are what its sla_report.issued and contract.recorded receipts were issued "
        "for, and so is maintenance and a second source where it has any; its revision and the reason of a "
        "restatement are those of its receipt",
        leaves_open=(
            f"That {PDF_FILE} says what {REPORT_FILE} says: {REPORT_FILE} is what was issued",
            "Where a second source was asked: that it said what inputs/crosscheck.json says, for the vendor asked it",
            f"That the sentences in {REPORT_FILE} describe its figures: figures are compared, not words",
        ),
        leaves_open_too=_of_a_restatement,
    ),
    CREDIT_MEMO: DocumentKind(
        attest_memo,
        proves="memo.json is what its credit.issued receipt was issued for; the approvals behind it are of this "
        "very credit, by as many different people as it took; report and contract are those that were signed",
        leaves_open=(
            "That memo.pdf says what memo.json says: memo.json is what was issued",
            "That the money was paid: the reference is what the vendor says of its billing system",
        ),
    ),
}
