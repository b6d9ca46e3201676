"""Stored QBRs against their receipts: what the exporter asks of one, and the audit of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.errors import NotFound, Refused
from trust_portal.evidence.attestation import other_than_signed
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.links import file_of
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.qbr.attestation import attest
from trust_portal.trust.qbr.model import DOCUMENT_FILE, NOUN, Issue, Qbr
from trust_portal.trust.qbr.repository import find_document, find_qbr, qbrs_of
from trust_portal.trust.qbr.sources import sources_of
from trust_portal.trust.report.attesting import stored_document
from trust_portal.trust.report.repository import find_trust_report, trust_report_of_period
from trust_portal.trust.report.sources import Source


async def input_files(session: ReadSession, qbr: Qbr, document: bytes) -> dict[str, bytes]:
    """The stored documents beside a QBR, by their names in the bundle; none of these ever changes."""
    sources = sources_of(parse_json(document))
    return {each.file: await _stored(session, qbr.tenant_id, each) for each in sources}


async def _stored(session: ReadSession, tenant_id: UUID, source: Source) -> bytes:
    if source.kind == "previous":
        for each in await qbrs_of(session, tenant_id, source.found_by):
            if each.issue is not None and each.issue.revision == source.revision:
                return await find_document(session, tenant_id, each.id)
        raise NotFound(NOUN)
    if source.kind == "trust_report":
        report = await trust_report_of_period(session, tenant_id, source.found_by, source.revision)
        if report is None:
            raise NotFound("Trust Report")
        return (await find_trust_report(session, tenant_id, report.id)).document
    return await stored_document(session, tenant_id, source)


def gaps_of(
    qbr: Qbr, issue: Issue, document: bytes, inputs: Mapping[str, bytes], envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between a QBR, as stored, and the receipts of ``signed_behind``."""
    receipts = {file_of(id_): each for id_, each in envelopes.items()}
    found = attest({DOCUMENT_FILE: document, **inputs, **receipts})
    if found.gaps:
        return found.gaps
    body = parse_json(document)
    return other_than_signed(
        DOCUMENT_FILE,
        (
            ("id", str(qbr.id), found.subject),
            ("tenant_id", str(qbr.tenant_id), found.tenant),
            ("period", qbr.period, body["period"]["label"]),
            ("revision", str(issue.revision), body["revision"]),
        ),
    )


class QbrAuditor:
    """Every issued QBR of a tenant, against the receipt it names."""

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        """Where and what, for each QBR that is not the one its receipt was issued for."""
        async with storage.read(TenantScope(tenant_id)) as session:
            stored = await qbrs_of(session, tenant_id)
        for listed in stored:
            if listed.issue is None:
                continue
            where = f"QBR {listed.id} ({listed.period}, revision {listed.issue.revision})"
            async with storage.read(TenantScope(tenant_id)) as session:
                qbr, _ = await find_qbr(session, tenant_id, listed.id)
                document = await find_document(session, tenant_id, listed.id)
                envelopes = await signed_behind(session, tenant_id, listed.issue.receipt_id)
                try:
                    inputs = await input_files(session, qbr, document)
                except Refused as refusal:
                    yield where, f"a document it rests on is not stored any more: {refusal.message}"
                    continue
            for gap in gaps_of(qbr, listed.issue, document, inputs, envelopes):
                yield where, str(gap)
