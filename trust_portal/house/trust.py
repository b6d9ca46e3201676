"""Trust: the Trust Report, business reviews, posture, compliance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trust_portal.documents.press import Press
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.export import Renderer
from trust_portal.house.access import AccessRoom
from trust_portal.house.foundation import Foundation
from trust_portal.trust.accounts.service import Accounts
from trust_portal.trust.batches.service import TrustBatches
from trust_portal.trust.bundles import TrustBundles
from trust_portal.trust.compliance.audits.service import ReceiptAudits
from trust_portal.trust.compliance.catalogue import shipped_catalogue
from trust_portal.trust.compliance.imports.service import AssessmentImports
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.compliance.renderer import ComplianceRenderer
from trust_portal.trust.compliance.reviews.service import AccessReviews
from trust_portal.trust.compliance.service import Compliance
from trust_portal.trust.notes.service import TrustNotes
from trust_portal.trust.posture.residency import Places
from trust_portal.trust.posture.service import Posture
from trust_portal.trust.qbr.attesting import QbrAuditor
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.qbr.reading import QbrReader
from trust_portal.trust.qbr.renderer import QbrRenderer
from trust_portal.trust.qbr.service import Qbrs
from trust_portal.trust.report.attesting import TrustReportAuditor
from trust_portal.trust.report.model import KIND as TRUST_REPORT
from trust_portal.trust.report.renderer import TrustReportRenderer
from trust_portal.trust.report.service import TrustReports

AUDITORS: Final[tuple[Auditor, ...]] = (TrustReportAuditor(), QbrAuditor())


def renderers(press: Press) -> Mapping[str, Renderer]:
    return {
        COMPLIANCE: ComplianceRenderer(),
        QBR: QbrRenderer(press),
        TRUST_REPORT: TrustReportRenderer(press),
    }


@dataclass(frozen=True)
class TrustRoom:
    trust_reports: TrustReports
    trust_batches: TrustBatches
    trust_bundles: TrustBundles
    trust_notes: TrustNotes
    accounts: Accounts
    qbrs: Qbrs
    qbr_reader: QbrReader
    posture: Posture
    compliance: Compliance
    receipt_audits: ReceiptAudits
    access_reviews: AccessReviews
    assessment_imports: AssessmentImports


def trust_room(base: Foundation, access: AccessRoom, auditors: Sequence[Auditor]) -> TrustRoom:
    """``auditors`` of every room: what they find is evidence of compliance."""
    settings, exports = base.settings, base.exports
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    catalogue = shipped_catalogue()
    receipt_audits = ReceiptAudits(storage, gate, ledger, auditors, base.vault)
    trust_reports = TrustReports(
        storage,
        gate=gate,
        ledger=ledger,
        exports=exports,
        access_log=access_log,
        vendor_name=settings.vendor_name,
    )
    return TrustRoom(
        trust_reports=trust_reports,
        trust_batches=TrustBatches(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=access.tenants,
            reports=trust_reports,
            access_log=access_log,
        ),
        trust_bundles=TrustBundles(storage, gate, exports),
        trust_notes=TrustNotes(storage, gate, ledger, access_log),
        accounts=Accounts(storage, gate, ledger, access_log),
        qbrs=Qbrs(storage, gate=gate, ledger=ledger, exports=exports, vendor_name=settings.vendor_name),
        qbr_reader=QbrReader(storage, gate, access_log),
        posture=Posture(
            storage,
            gate,
            ledger,
            access_log,
            Places(settings.database_location, settings.backup_location, settings.locations_stated_on),
            base.vault,
        ),
        compliance=Compliance(
            storage,
            gate=gate,
            ledger=ledger,
            access_log=access_log,
            audits=receipt_audits,
            catalogue=catalogue,
            exports=exports,
        ),
        receipt_audits=receipt_audits,
        access_reviews=AccessReviews(
            storage, gate, ledger, access_log, within=catalogue.control("access-review").within
        ),
        assessment_imports=AssessmentImports(storage, gate, ledger, access_log),
    )
