"""The bundle of a QBR: JSON, CSV, PDF and slides from the issued bytes, and the documents beside it."""

from __future__ import annotations

from trust_portal.documents.press import Press
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind, with_revocations
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.log_policy import signer_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.qbr.attesting import gaps_of, input_files
from trust_portal.trust.qbr.deck import qbr_deck
from trust_portal.trust.qbr.model import CSV_FILE, DOCUMENT_FILE, PDF_FILE, PPTX_FILE
from trust_portal.trust.qbr.presentation import qbr_pdf
from trust_portal.trust.qbr.repository import find_document, find_qbr
from trust_portal.trust.sections.imprint import Imprint
from trust_portal.trust.sections.table import document_table


class QbrRenderer:
    """Renders exports of kind ``qbr``.

    A bundle is signed, so nothing goes into one because a row says so: the document must be what a receipt by
    a key of this installation was issued for, and so on down to the reports and memos it names.
    """

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone: the same QBR gives the same files, whatever happens later."""
        qbr, _ = await find_qbr(session, export.tenant_id, export.subject_id)
        issue = qbr.issue
        if issue is None:
            raise Refused("a QBR that nobody issued has no bundle", code="NOT_ISSUED")
        document = await find_document(session, export.tenant_id, qbr.id)
        inputs = await input_files(session, qbr, document)
        envelopes = await signed_behind(session, export.tenant_id, issue.receipt_id)
        if gaps := gaps_of(qbr, issue, document, inputs, envelopes):
            raise Refused(
                f"the stored QBR is not the one that was issued: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        receipts = await with_revocations(session, export, envelopes)
        body = parse_json(document)
        tenant = str(body["tenant"]["key"])
        file_name = f"{tenant}-qbr-{qbr.period}-r{issue.revision}.zip"
        imprint = Imprint(
            (await signer_of(session, export)).key_id, file_name, rfc3339(issue.at), issue.by_name
        )
        return RenderedDocument(
            files={
                DOCUMENT_FILE: document,
                CSV_FILE: document_table(body),
                PDF_FILE: await self._press.set(lambda: qbr_pdf(body, imprint)),
                PPTX_FILE: await self._press.set(lambda: render_pptx(qbr_deck(body))),
                **inputs,
            },
            tenant=tenant,
            period=qbr.period,
            file_name=file_name,
            receipts=tuple(receipts),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in receipts.items()),
        )
