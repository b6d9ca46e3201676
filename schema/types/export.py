"""Exports: documents on their way to becoming bundles, with what an auditor asks of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.work import GATHERED
from trust_portal.evidence import export as model
from trust_portal.evidence.instructions import verify_command
from trust_portal.learning.postmortems import model as postmortems
from trust_portal.reliability.credits import model as credit_model
from trust_portal.reliability.reports import model as reports
from trust_portal.trust.bundle_pages import page_of_subject
from trust_portal.trust.compliance import model as compliance
from trust_portal.trust.qbr import model as qbr
from trust_portal.trust.report import model as trust_report

strawberry.enum(model.ExportState, name="ExportState", description="How far an export is.")


class ExportKind(StrEnum):
    COMPLIANCE = compliance.KIND
    CREDIT_MEMO = credit_model.KIND
    POSTMORTEM = postmortems.KIND
    POSTMORTEM_COPY = postmortems.COPY_KIND
    QBR = qbr.KIND
    SLA_REPORT = reports.KIND
    TRUST_REPORT = trust_report.KIND


strawberry.enum(ExportKind, description="What a bundle is of.")

#: What a document's id is of, by the kind of the bundle.
_DOCUMENTS: Final = {
    ExportKind.COMPLIANCE: "ComplianceEvaluation",
    ExportKind.CREDIT_MEMO: "Credit",
    ExportKind.POSTMORTEM_COPY: "PostmortemCopy",
    ExportKind.QBR: "Qbr",
    ExportKind.SLA_REPORT: "SlaReport",
    ExportKind.TRUST_REPORT: "TrustReport",
}
_FETCHES: Final = "Where a signed-in browser or a bearer token fetches"


@strawberry.type(description="One file of a bundle, by itself.")
class ExportFile:
    name: str
    url: str = strawberry.field(description=f"{_FETCHES} it as it was signed.")
    copy_url: str | None = strawberry.field(
        description=f"{_FETCHES} it with the reader's name and the time on every page; null of what is no PDF."
    )


@strawberry.type(description="A signed bundle, or one in the making.")
class Export(Node):
    kind: ExportKind
    revision: int
    state: model.ExportState
    step: str = strawberry.field(description="What is being done, for people.")
    percent: int = strawberry.field(description="How much of the work is done, 0 to 100.")
    failure: str | None = strawberry.field(description="Why it failed, for people.")
    file_name: str | None
    size: str | None = strawberry.field(description="Bytes, as a decimal string.")
    sha256: str | None = strawberry.field(description="Of the bundle, once ready.")
    requested_at: datetime
    requested_by: str
    finished_at: datetime | None
    row: strawberry.Private[model.Export]
    tenant_key: strawberry.Private[str]

    @strawberry.field(
        description="Where a signed-in browser or a bearer token fetches the bundle, once ready."
    )
    def download_url(self, info: Info) -> str | None:
        return f"{self._place(info)}/bundle.zip" if self._ready else None

    @strawberry.field(description="Those files of the bundle that can be fetched by themselves, once ready.")
    async def files(self, info: Info) -> list[ExportFile]:
        if not self._ready:
            return []
        archive, actor = info.context.house.archive, info.context.actor
        names = await archive.files(actor, self.row.tenant_id, self.row.id)
        place = self._place(info)
        return [
            ExportFile(
                name=name,
                url=f"{place}/files/{quote(name)}",
                copy_url=f"{place}/copies/{quote(name)}" if name.endswith(".pdf") else None,
            )
            for name in names
            # What lies in a folder is handed out with the bundle alone.
            if "/" not in name
        ]

    @strawberry.field(description="Who signed it, as the bundle says; null until it is ready.")
    def signer(self, info: Info) -> str | None:
        return info.context.house.settings.vendor_name if self._ready else None

    @strawberry.field(
        description="Id of the key that signed its manifest; null until that is recorded.", metadata=GATHERED
    )
    async def signing_key_fingerprint(self, info: Info) -> str | None:
        manifest = (self.row.tenant_id, self.row.manifest_receipt_id)
        return await info.context.loaders.signing_keys.load(manifest)

    @strawberry.field(
        description="Entry of its manifest in the tenant's log, from 0; null until it is in the log.",
        metadata=GATHERED,
    )
    async def log_position(self, info: Info) -> int | None:
        proof = await info.context.loaders.proofs.load((self.row.tenant_id, self.row.manifest_receipt_id))
        return None if proof is None else proof.index

    @strawberry.field(description="The receipt that signs its manifest; there once it is ready.")
    def manifest_receipt_id(self) -> strawberry.ID | None:
        if not self._ready:
            return None
        return encode("Receipt", self.row.tenant_id, self.row.manifest_receipt_id)

    @strawberry.field(description="Id of the document that it is a bundle of.")
    def document_id(self) -> strawberry.ID | None:
        noun = _DOCUMENTS.get(self.kind)
        return None if noun is None else encode(noun, self.row.tenant_id, self.row.subject_id)

    @strawberry.field(description="Where that document is read; null of a kind without a page.")
    def document_url(self, info: Info) -> str | None:
        page = page_of_subject(self.kind, self.row.subject_id)
        return None if page is None else f"{self._root(info)}{page}"

    @strawberry.field(description="What checks it offline, with the tenant's policy beside it; once ready.")
    def verify_command(self) -> str | None:
        if not self._ready or self.file_name is None:
            return None
        return verify_command(self.file_name, self.tenant_key)

    @property
    def _ready(self) -> bool:
        return self.state is model.ExportState.READY

    def _root(self, info: Info) -> str:
        return f"{info.context.house.settings.base_url}/t/{quote(self.tenant_key)}"

    def _place(self, info: Info) -> str:
        return f"{self._root(info)}/exports/{self.row.id}"


def export(row: model.Export, tenant_key: str) -> Export:
    return Export(
        id=encode("Export", row.tenant_id, row.id),
        kind=ExportKind(row.kind),
        revision=row.revision,
        state=row.state,
        step=row.step,
        percent=row.percent,
        failure=row.failure,
        file_name=row.file_name,
        size=None if row.size is None else str(row.size),
        sha256=row.digest,
        requested_at=row.requested_at,
        requested_by=row.requested_by.name,
        finished_at=row.finished_at,
        row=row,
        tenant_key=tenant_key,
    )
