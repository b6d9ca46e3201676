"""The bundle of an evaluation: its document, and OSCAL and CSV derived from it."""

from __future__ import annotations

from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.evidence.links import file_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.attestation import attest_evaluation, derived_files
from trust_portal.trust.compliance.model import DOCUMENT_FILE
from trust_portal.trust.compliance.repository import find_evaluation


class ComplianceRenderer:
    """Renders exports of kind ``compliance``, from what a receipt was issued for and from nothing else."""

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        evaluation = await find_evaluation(session, export.tenant_id, export.subject_id)
        envelopes = await signed_behind(session, evaluation.tenant_id, evaluation.receipt_id)
        files = {DOCUMENT_FILE: evaluation.document}
        receipts = {file_of(id_): each for id_, each in envelopes.items()}
        if gaps := attest_evaluation({**files, **receipts}, str(evaluation.tenant_id)):
            raise Refused(
                f"the stored evaluation is not the one that was made: {gaps[0].file}: {gaps[0].message}",
                code="NOT_ATTESTED",
            )
        body = parse_json(evaluation.document)
        tenant = str(body["tenant"]["key"])
        return RenderedDocument(
            files={**files, **derived_files(body)},
            tenant=tenant,
            period="",
            file_name=f"{tenant}-compliance-{evaluation.at:%Y-%m-%d}-{str(evaluation.id)[-8:]}.zip",
            receipts=tuple(envelopes),
            inputs=tuple(Input(f"receipt/{id_}", sha256_hex(each)) for id_, each in envelopes.items()),
        )
