"""The bundle of a customer's copy: the redacted document, what was disclosed of it, and the profile."""

from __future__ import annotations

import json

from trust_portal.documents.csv import write_csv
from trust_portal.documents.press import Press
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.disclosure import reveal
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.links import file_of
from trust_portal.evidence.log_policy import signer_of
from trust_portal.evidence.manifest import DISCLOSURES
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.copy_attestation import attest_copy, superseded_by
from trust_portal.learning.postmortems.copy_renewing import copy_of
from trust_portal.learning.postmortems.model import (
    COPY_FILE,
    COPY_PDF_FILE,
    EVIDENCE_FILE,
    PROFILE_FILE,
)
from trust_portal.learning.postmortems.presentation import Imprint, postmortem_pdf
from trust_portal.learning.postmortems.rows import evidence_rows
from trust_portal.storage.unit_of_work import ReadSession


class PostmortemCopyRenderer:
    """Renders exports of kind ``postmortem-copy``, from what the customer has and from nothing else."""

    def __init__(self, press: Press) -> None:
        self._press = press

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """One made anew has the receipt that says by what the copy was superseded, too (``copy_renewing``)."""
        copy, superseded = await copy_of(session, export)
        envelopes = await signed_behind(session, copy.tenant_id, copy.receipt_id)
        if superseded is not None:
            envelopes |= await signed_behind(session, copy.tenant_id, superseded)
        files = {COPY_FILE: copy.document, PROFILE_FILE: copy.profile_text.encode()}
        receipts = {file_of(id_): each for id_, each in envelopes.items()}
        if gaps := attest_copy({**files, **receipts}, str(copy.tenant_id)):
            raise Refused(
                f"the stored copy is not the one that was issued: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        if copy.disclosures:
            files[f"{DISCLOSURES}{COPY_FILE}"] = json.dumps(list(copy.disclosures)).encode()
        body = parse_json(copy.document)
        later = superseded_by(receipts) if superseded is not None else None
        document = reveal(body, copy.disclosures).value["document"]
        tenant = body["customer"]["key"]
        name = f"{tenant}-postmortem-{str(copy.postmortem_id)[-8:]}-v{copy.version}"
        name = name if copy.revision == 1 else f"{name}-r{copy.revision}"
        file_name = f"{name}.zip" if later is None else f"{name}-superseded-by-v{later}.zip"
        imprint = Imprint(
            (await signer_of(session, export)).key_id, file_name, rfc3339(copy.at), "", "", copy=body
        )
        rows = evidence_rows(body["document"])
        return RenderedDocument(
            files={
                **files,
                EVIDENCE_FILE: write_csv(next(rows), rows),
                COPY_PDF_FILE: await self._press.set(lambda: postmortem_pdf(document, imprint, tenant)),
            },
            tenant=tenant,
            period="",
            file_name=file_name,
            receipts=tuple(envelopes),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in envelopes.items()),
        )
