"""What a QBR is prepared from: everything of its period at one moment, and the review before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.period import Period, parse_period
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask, Before
from trust_portal.trust.qbr.document import sections_of
from trust_portal.trust.qbr.edition import review_before
from trust_portal.trust.qbr.gathering.everything import gather
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.qbr.repository import find_document, qbrs_of
from trust_portal.trust.report.repository import newest_trust_report
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
    period = _period(label, tenant, now)
    issued = [each for each in await qbrs_of(session, tenant_id) if each.issue is not None]
    before = review_before(issued, label)
    ask = Ask(tenant, period, now, None if before is None else await _as_before(session, before))
    sections = await gather(session, ask)
    report = await newest_trust_report(session, tenant_id)
    return Snapshot(tenant, now, sections, None if report is None else report.report.id)


async def _as_before(session: ReadSession, qbr: Qbr) -> Before:
    body = parse_json(await find_document(session, qbr.tenant_id, qbr.id))
    revision = 0 if qbr.issue is None else qbr.issue.revision
    return Before(qbr.period, revision, qbr.sha256, {each.id: each for each in sections_of(body)})


def _period(label: str, tenant: Tenant, now: datetime) -> Period:
    period = parse_period(label, tenant.time_zone)
    if period.start > now:
        raise InvalidInput(f"{label} has not begun yet", field="period")
    return period
