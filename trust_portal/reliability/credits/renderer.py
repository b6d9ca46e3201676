"""The bundle of a credit memo: JSON, CSV and PDF from the stored canonical bytes, and their inputs."""

from __future__ import annotations

from trust_portal.documents.csv import write_csv
from trust_portal.documents.press import Press
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind, with_revocations
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.log_policy import signer_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.reliability.credits.attesting import gaps_of, memo_files
from trust_portal.reliability.credits.memo import memo_name
from trust_portal.reliability.credits.model import CSV_FILE, MEMO_FILE, PDF_FILE
from trust_portal.reliability.credits.presentation import Imprint, credit_memo_pdf
from trust_portal.reliability.credits.repository import find_credit
from trust_portal.reliability.credits.rows import csv_rows
from trust_portal.storage.unit_of_work import ReadSession


class CreditMemoRenderer:
    """Renders exports of kind ``credit-memo``; only an issued credit has one.

    A bundle is signed, so nothing goes into one because a row says so: the memo must be what a
    receipt by a key of this installation was issued for, and so on down to the report.
    """

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone: the same memo gives the same files, whatever happens later.

        Only the receipts tell what was revoked before it is rendered.
        """
        credit = await find_credit(session, export.tenant_id, export.subject_id)
        if credit.issue is None:
            raise Refused("a credit that was not issued has no memo", code="NOT_ISSUED")
        files = await memo_files(session, credit)
        envelopes = await signed_behind(session, credit.tenant_id, credit.last.receipt_id)
        if gaps := gaps_of(credit, files, envelopes):
            raise Refused(
                f"the stored credit is not the one that was issued: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        receipts = await with_revocations(session, export, envelopes)
        memo = parse_json(files[MEMO_FILE])
        tenant = str(memo["tenant"]["key"])
        file_name = memo_name(tenant, credit.period, str(credit.id), credit.kind.value)
        imprint = Imprint((await signer_of(session, export)).key_id, file_name)
        rows = csv_rows(memo)
        return RenderedDocument(
            files={
                **files,
                CSV_FILE: write_csv(next(rows), rows),
                PDF_FILE: await self._press.set(lambda: credit_memo_pdf(memo, imprint)),
            },
            tenant=tenant,
            period=credit.period,
            file_name=file_name,
            receipts=tuple(receipts),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in receipts.items()),
        )
