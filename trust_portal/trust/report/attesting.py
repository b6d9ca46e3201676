"""Stored Trust Reports against their receipts: what the exporter asks of one, and the audit of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.errors import NotFound, Refused
from trust_portal.evidence.attestation import other_than_signed
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.links import file_of
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.learning.postmortems.releases_repository import find_copy
from trust_portal.reliability.credits.repository import find_memo
from trust_portal.reliability.reports.repository import find_document, reports_of_period
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.report.attestation import attest
from trust_portal.trust.report.model import DOCUMENT_FILE, StoredTrustReport
from trust_portal.trust.report.repository import (
    Published,
    find_trust_report,
    trust_report_of_period,
    trust_reports_of,
)
from trust_portal.trust.report.sources import Source, inputs_of


async def input_files(session: ReadSession, published: Published) -> dict[str, bytes]:
    """The stored documents that a report rests on, by their names in the bundle; none of these ever changes."""
    tenant_id = published.report.tenant_id
    sources = inputs_of(parse_json(published.document))
    return {each.file: await stored_document(session, tenant_id, each) for each in sources}


async def stored_document(session: ReadSession, tenant_id: UUID, source: Source) -> bytes:
    """One of them. ``NotFound`` where it is not stored."""
    if source.kind == "sla":
        reports = await reports_of_period(session, tenant_id, source.found_by)
        for each in reports:
            if each.revision == source.revision:
                return await find_document(session, tenant_id, each.id)
        raise NotFound("SLA report")
    if source.kind == "credit":
        return await find_memo(session, tenant_id, UUID(source.found_by))
    if source.kind == "postmortem":
        return (await find_copy(session, tenant_id, UUID(source.found_by))).document
    before = await trust_report_of_period(session, tenant_id, source.found_by, source.revision)
    if before is None:
        raise NotFound("Trust Report")
    return (await find_trust_report(session, tenant_id, before.id)).document


def gaps_of(
    report: StoredTrustReport, document: bytes, inputs: Mapping[str, bytes], envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between a report, as stored, and the receipts of ``signed_behind``."""
    receipts = {file_of(id_): each for id_, each in envelopes.items()}
    found = attest({DOCUMENT_FILE: document, **inputs, **receipts})
    if found.gaps:
        return found.gaps
    body = parse_json(document)
    return other_than_signed(
        DOCUMENT_FILE,
        (
            ("id", str(report.id), found.subject),
            ("tenant_id", str(report.tenant_id), found.tenant),
            ("period", report.period, body["period"]["label"]),
            ("revision", str(report.revision), body["revision"]),
        ),
    )


class TrustReportAuditor:
    """Every published report of a tenant, against the receipt it names."""

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        """Where and what, for each report that is not the one its receipt was issued for."""
        async with storage.read(TenantScope(tenant_id)) as session:
            stored = await trust_reports_of(session, tenant_id)
        for report in stored:
            where = f"Trust Report {report.id} ({report.period}, revision {report.revision})"
            async with storage.read(TenantScope(tenant_id)) as session:
                published = await find_trust_report(session, tenant_id, report.id)
                envelopes = await signed_behind(session, tenant_id, report.receipt_id)
                try:
                    inputs = await input_files(session, published)
                except Refused as refusal:
                    yield where, f"a document it rests on is not stored any more: {refusal.message}"
                    continue
            for gap in gaps_of(report, published.document, inputs, envelopes):
                yield where, str(gap)
