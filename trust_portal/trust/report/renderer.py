"""The bundle of a Trust Report: JSON, CSV and PDF from the published bytes, and the documents it rests on."""

from __future__ import annotations

from trust_portal.documents.press import Press
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind, with_revocations
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.log_policy import signer_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.report.attesting import gaps_of, input_files
from trust_portal.trust.report.model import CSV_FILE, DOCUMENT_FILE, PDF_FILE
from trust_portal.trust.report.presentation import trust_report_pdf
from trust_portal.trust.report.repository import find_trust_report
from trust_portal.trust.sections.imprint import Imprint
from trust_portal.trust.sections.table import document_table


class TrustReportRenderer:
    """Renders exports of kind ``trust-report``.

    A bundle is signed, so nothing goes into one because a row says so: the document must be what a receipt by
    a key of this installation was issued for, and so on down to the reports and memos it names.
    """

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone: the same report gives the same files, whatever happens later."""
        published = await find_trust_report(session, export.tenant_id, export.subject_id)
        report = published.report
        inputs = await input_files(session, published)
        envelopes = await signed_behind(session, export.tenant_id, report.receipt_id)
        if gaps := gaps_of(report, published.document, inputs, envelopes):
            raise Refused(
                f"the stored Trust Report is not the one that was published: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        receipts = await with_revocations(session, export, envelopes)
        body = parse_json(published.document)
        tenant = str(body["tenant"]["key"])
        file_name = f"{tenant}-trust-report-{report.period}-r{report.revision}.zip"
        imprint = Imprint(
            (await signer_of(session, export)).key_id,
            file_name,
            rfc3339(report.published_at),
            report.published_by,
        )
        return RenderedDocument(
            files={
                DOCUMENT_FILE: published.document,
                CSV_FILE: document_table(body),
                PDF_FILE: await self._press.set(lambda: trust_report_pdf(body, imprint)),
                **inputs,
            },
            tenant=tenant,
            period=report.period,
            file_name=file_name,
            receipts=tuple(receipts),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in receipts.items()),
        )
