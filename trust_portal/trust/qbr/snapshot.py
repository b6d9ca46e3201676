"""What a QBR is prepared from: everything of its period at one moment, and the review before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.strict import parse_json
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask, Before, period_of
from trust_portal.trust.qbr.closing import Beside
from trust_portal.trust.qbr.edition import review_before
from trust_portal.trust.qbr.gathering.everything import gather
from trust_portal.trust.qbr.gathering.inputs import Laid
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.qbr.repository import find_document, qbrs_of
from trust_portal.trust.report.latest import latest
from trust_portal.trust.report.model import StoredTrustReport
from trust_portal.trust.report.receipts import receipts_of, with_known_receipts
from trust_portal.trust.report.repository import trust_reports_of
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section


@dataclass(frozen=True, slots=True)
class Snapshot:
    tenant: Tenant
    as_of: datetime
    sections: tuple[Section, ...]
    trust_report_id: UUID | None


async def take_snapshot(session: ReadSession, tenant_id: UUID, label: str, now: datetime) -> Snapshot:
    """``session`` is a snapshot in the staff scope. Raises ``InvalidInput`` (period), ``NotFound``."""
    tenant = await find_tenant(session, tenant_id)
    if tenant is None or tenant.is_vendor:
        raise NotFound("tenant")
    period = period_of(label, tenant, now)
    issued = [each for each in await qbrs_of(session, tenant_id) if each.issue is not None]
    report = latest(await trust_reports_of(session, tenant_id), until=label)
    beside = await find_beside(session, report, review_before(issued, period))
    found = await gather(session, Ask(tenant, period, now, beside.before), beside)
    known = await receipt_digests(session, tenant_id, *receipts_of(found))
    return Snapshot(tenant, now, with_known_receipts(found, known), None if report is None else report.id)


async def find_beside(session: ReadSession, report: StoredTrustReport | None, previous: Qbr | None) -> Beside:
    """What a review is laid beside: a published Trust Report, and an issued review."""
    laid = None
    if report is not None:
        laid = Laid(
            report.period,
            report.revision,
            report.published_at,
            report.as_of,
            f"/trust/{report.id}",
            str(report.receipt_id),
        )
    if previous is None or previous.issue is None:
        return Beside(laid)
    issue, body = previous.issue, parse_json(await find_document(session, previous.tenant_id, previous.id))
    return Beside(
        laid,
        Laid(previous.period, issue.revision, issue.at, previous.as_of, f"/qbr/{previous.id}"),
        Before(previous.period, issue.revision, issue.sha256, {each.id: each for each in sections_of(body)}),
    )
