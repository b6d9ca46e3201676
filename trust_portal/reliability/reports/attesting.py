"""Stored reports against their receipts: what the exporter asks of one, and the audit of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.errors import NotFound
from trust_portal.evidence.attestation import other_than_signed
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.links import file_of
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.attestation import attest
from trust_portal.reliability.reports.model import REPORT_FILE
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage


def gaps_of(
    report: StoredReport, document: bytes, inputs: Mapping[str, bytes], envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between a stored, signed report and the receipts of ``signed_behind``."""
    found = attest(
        {
            **inputs,
            REPORT_FILE: document,
            **{file_of(id_): envelope for id_, envelope in envelopes.items()},
        }
    )
    if found.gaps:
        return found.gaps
    body = parse_json(document)
    return other_than_signed(
        REPORT_FILE,
        (
            ("tenant_id", str(report.tenant_id), found.tenant),
            ("id", str(report.id), found.subject),
            ("sha256", report.sha256, sha256_hex(document)),
            ("period", report.period, body["period"]["label"]),
            ("revision", report.revision, body["revision"]),
            ("state", report.state.value, body["state"]),
        ),
    )


class SlaReportAuditor:
    """Every attempt a tenant has stored, signed or refused, against the receipt it names."""

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        """Where and what, for each report that is not the one its receipt was issued for."""
        async with storage.read(TenantScope(tenant_id)) as session:
            report_ids = await repository.report_ids(session, tenant_id)
        for report_id in report_ids:
            async with storage.read(TenantScope(tenant_id)) as session:
                report = await repository.find_report(session, tenant_id, report_id)
                gaps = await self._gaps(session, report)
            for gap in gaps:
                yield (
                    f"SLA report {report.id} ({report.period}, attempt {report.attempt})",
                    str(gap),
                )

    async def _gaps(self, session: ReadSession, report: StoredReport) -> Sequence[Gap]:
        document = await repository.find_document(session, report.tenant_id, report.id)
        envelopes = await signed_behind(session, report.tenant_id, report.receipt_id)
        if report.state is State.OK:
            inputs = await repository.find_inputs(session, report.tenant_id, report.id)
            return gaps_of(report, document, inputs, envelopes)
        return _gaps_of_refusal(report, document, envelopes.get(report.receipt_id))


def _gaps_of_refusal(report: StoredReport, document: bytes, envelope: bytes | None) -> Sequence[Gap]:
    """A refusal's receipt is issued for its findings: it signs no figure."""
    try:
        if envelope is None:
            raise NotFound("receipt")
        statement = Statement.parse(Envelope.parse(envelope).payload)
        named = f"sla-report/{report.period}/attempt/{report.attempt}"
        (subject,) = statement.subjects
        findings = digest(parse_json(document)["findings"])
    except (Malformed, NotFound, LookupError, TypeError, ValueError) as error:
        return [Gap(REPORT_FILE, "", f"no sla_report.refused receipt was issued for it: {error}")]
    if statement.kind is not ReceiptKind.SLA_REPORT_REFUSED or (subject.name, subject.sha256) != (
        named,
        findings,
    ):
        return [Gap(REPORT_FILE, "findings", "no sla_report.refused receipt was issued for them")]
    return []
