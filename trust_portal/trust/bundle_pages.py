"""Where the subject of a bundle of each kind is read, below its tenant, and what the link says. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.learning.postmortems.model import COPY_KIND as POSTMORTEM_COPY
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.reliability.reports.model import KIND as SLA_REPORT
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.report.model import KIND as TRUST_REPORT

#: Of every kind that a customer has bundles of.
PAGES: Final = {
    COMPLIANCE: ("/compliance/", "Read the evaluation"),
    CREDIT_MEMO: ("/credits/", "Read the credit"),
    POSTMORTEM_COPY: ("/postmortems/", "Read the postmortem"),
    QBR: ("/qbr/", "Read the business review"),
    SLA_REPORT: ("/reports/", "Read the report"),
    TRUST_REPORT: ("/trust/", "Read the Trust Report"),
}


def page_of_subject(kind: str, subject_id: UUID) -> str | None:
    """Below the tenant's own address; None of a kind that has no page there."""
    found = PAGES.get(kind)
    return None if found is None else f"{found[0]}{subject_id}"
