"""The bundle of an SLA report: JSON, CSV and PDF from the stored canonical bytes, and their inputs."""

from __future__ import annotations

from trust_portal.documents.csv import write_csv
from trust_portal.documents.press import Press
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind, with_revocations
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.log_policy import signer_of
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.attesting import gaps_of
from trust_portal.reliability.reports.model import CSV_FILE, PDF_FILE, REPORT_FILE, ReportDocument
from trust_portal.reliability.reports.presentation import sla_report_pdf
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.rows import csv_rows
from trust_portal.reliability.reports.words import Imprint
from trust_portal.storage.unit_of_work import ReadSession


class SlaReportRenderer:
    """Renders exports of kind ``sla-report``; only a signed revision has a bundle.

    A bundle is signed, so nothing goes into one because a row says so: the report must be what a
    receipt by a key of this installation was issued for.
    """

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone: the same report gives the same files, whatever came in since.

        Only the receipts tell what was revoked before it is rendered.
        """
        tenant_id = export.tenant_id
        report = await repository.find_report(session, tenant_id, export.subject_id)
        if report.state is not State.OK:
            raise Refused("a report that was not signed has no bundle", code="NOT_SIGNED")
        canonical = await repository.find_document(session, tenant_id, report.id)
        inputs = await repository.find_inputs(session, tenant_id, report.id)
        envelopes = await signed_behind(session, tenant_id, report.receipt_id)
        if gaps := gaps_of(report, canonical, inputs, envelopes):
            raise Refused(
                f"the stored report is not the one that was issued: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        receipts = await with_revocations(session, export, envelopes)
        body = ReportDocument.parse(canonical).body
        tenant = str(body["tenant"]["key"])
        file_name = bundle_name(tenant, report)
        imprint = Imprint((await signer_of(session, export)).key_id, report.issued_at, file_name)
        rows = csv_rows(body)
        pdf = await self._press.set(lambda: sla_report_pdf(body, imprint))
        return RenderedDocument(
            files={
                **inputs,
                REPORT_FILE: canonical,
                CSV_FILE: write_csv(next(rows), rows),
                PDF_FILE: pdf,
            },
            tenant=tenant,
            period=report.period,
            file_name=file_name,
            receipts=tuple(receipts),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in receipts.items()),
        )


def bundle_name(tenant: str, report: StoredReport) -> str:
    """``northwind-sla-2026-06-r1.zip``"""
    return f"{tenant}-sla-{report.period}-r{report.revision}.zip"
