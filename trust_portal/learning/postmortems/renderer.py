"""The bundle of a signed postmortem: JSON, PDF and evidence manifest from the bytes that were signed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.documents.csv import write_csv
from trust_portal.documents.press import Press
from trust_portal.errors import NotFound, Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind, with_revocations
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.log_policy import signer_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.attesting import gaps_of
from trust_portal.learning.postmortems.model import (
    DOCUMENT_FILE,
    EVIDENCE_FILE,
    PDF_FILE,
    Postmortem,
    Version,
)
from trust_portal.learning.postmortems.presentation import Imprint, postmortem_pdf
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.learning.postmortems.rows import evidence_rows
from trust_portal.learning.postmortems.versions_repository import find_document, signed_by
from trust_portal.storage.unit_of_work import ReadSession


class PostmortemRenderer:
    """Renders exports of kind ``postmortem``: of one signed version, whose number is the export's revision.

    Its subject is the postmortem, or the later signature because of which it was made anew (``renewing``).

    A bundle is signed, so nothing goes into one because a row says so: the document must be what a
    receipt by a key of this installation was issued for, and so on down to its opening.
    """

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone. Of what was signed since it has the receipts, so that ``verify`` says by what it
        was superseded; an export that was rendered before stays as it was.
        """
        later = await signed_by(session, export.subject_id)
        postmortem = await find_postmortem(session, export.subject_id if later is None else later[0])
        version = next((each for each in postmortem.versions if each.number == export.revision), None)
        vendor = await find_tenant(session, export.tenant_id)
        if version is None:
            raise Refused("a version that nobody signed has no bundle", code="NOT_SIGNED")
        if vendor is None:
            raise NotFound("tenant")
        content = await find_document(session, postmortem.id, version.number)
        envelopes = await signed_behind(session, export.tenant_id, version.receipt_id)
        if gaps := gaps_of(postmortem, version, content, envelopes):
            raise Refused(
                f"the stored postmortem is not the one that was signed: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        receipts = await with_revocations(session, export, envelopes)
        receipts = await _with_what_superseded(session, export, postmortem, version, receipts)
        document = parse_json(content)
        since = "" if later is None else f"-superseded-by-v{later[1]}"
        file_name = f"{vendor.key}-postmortem-{str(postmortem.id)[-8:]}-v{version.number}{since}.zip"
        imprint = Imprint(
            fingerprint=(await signer_of(session, export)).key_id,
            bundle=file_name,
            signed_at=rfc3339(version.signed_at),
            signer=version.signer.name,
            reviewer=version.reviewer.name,
        )
        rows = evidence_rows(document)
        return RenderedDocument(
            files={
                DOCUMENT_FILE: content,
                EVIDENCE_FILE: write_csv(next(rows), rows),
                PDF_FILE: await self._press.set(lambda: postmortem_pdf(document, imprint, vendor.key)),
            },
            tenant=vendor.key,
            period="",
            file_name=file_name,
            receipts=tuple(receipts),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in receipts.items()),
        )


async def _with_what_superseded(
    session: ReadSession,
    export: Export,
    postmortem: Postmortem,
    version: Version,
    receipts: Mapping[UUID, bytes],
) -> dict[UUID, bytes]:
    """``receipts``, and the signature of the newest version, if that is a later one, with all that is behind it."""
    newest = postmortem.versions[-1]
    if newest.number == version.number:
        return dict(receipts)
    later = await signed_behind(session, export.tenant_id, newest.receipt_id)
    if export.file_name is not None:
        later = {id_: each for id_, each in later.items() if id_ in export.receipt_ids}
    return {**receipts, **later}
