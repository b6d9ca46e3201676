"""Postmortems as the vendor's people see them, and the copies that customers have."""

from __future__ import annotations

import json
from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import encode
from schema.types.export import Export, export
from schema.types.prevention import RecurredAction, recurred_actions
from trust_portal.evidence import export as stored
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems import model
from trust_portal.learning.postmortems.reading import Listed, Opened, VersionBundles
from trust_portal.learning.postmortems.releases_model import StoredRelease
from trust_portal.learning.postmortems.releasing import Preview

strawberry.enum(model.PostmortemState, name="PostmortemState", description="Where the newest version stands.")


@strawberry.type(description="A version as it was signed.")
class PostmortemVersion:
    id: strawberry.ID = strawberry.field(description="By it requestExport is asked for its bundle.")
    number: int
    sha256: str = strawberry.field(description="Of the document's canonical bytes.")
    state: model.PostmortemState
    signed_at: datetime
    signer: str
    reviewer: str
    rationale: str
    reason: str | None = strawberry.field(description="Why there is a version after the first.")
    superseded_by: int | None
    receipt_id: strawberry.ID
    export: Export | None = strawberry.field(description="The bundle that came with its signature.")
    renewed_export: Export | None = strawberry.field(
        description="The newest bundle that says by what it was superseded; null: nobody asked for one since."
    )


@strawberry.type(description="The postmortem of a P1 or P2.")
class Postmortem:
    id: strawberry.ID
    incident_id: strawberry.ID
    title: str
    state: model.PostmortemState
    version: int = strawberry.field(description="The one that is being written, or the newest signed.")
    opened_at: datetime
    opened_because: str = strawberry.field(description="declared, raised or merged")
    versions: list[PostmortemVersion]


@strawberry.type(
    description="A postmortem with its document: live while a draft, then frozen, then as signed."
)
class PostmortemDetail:
    postmortem: Postmortem
    document: str = strawberry.field(description="JSON, as docs/formats/postmortem.md says.")
    digest: str | None = strawberry.field(description="Of the document in review or signed; null in a draft.")
    draft_revision: int = strawberry.field(description="What is changed next; 0: nothing is written yet.")
    lacking: list[str] = strawberry.field(description="Written parts without which it cannot be submitted.")
    accepted: bool = strawberry.field(description="A review stands: it can be signed.")
    signer: str | None = strawberry.field(
        description="Who signs: the incident's owner. Null: any incident owner, for none who could is named."
    )
    newer_facts: int = strawberry.field(description="Known now, and not when it was frozen.")
    row: strawberry.Private[model.Postmortem]

    @strawberry.field(description="Actions that should have prevented its incident, the first linked first.")
    async def recurrence_of(self, info: Info) -> list[RecurredAction]:
        return await recurred_actions(info, self.row.incident_id)

    @strawberry.field(description="Copies and disclosures that customers were given, the newest first.")
    async def releases(self, info: Info) -> list[PostmortemRelease]:
        found = await info.context.house.postmortem_releases.of_postmortem(info.context.actor, self.row.id)
        return [postmortem_release(each) for each in found]

    @strawberry.field(
        description="JSON of a version as it was signed, also of one that was superseded; null: nobody signed it."
    )
    async def signed_document(self, info: Info, version: int) -> str | None:
        if version not in {each.number for each in self.row.versions}:
            return None
        found = await info.context.house.postmortem_reader.version(info.context.actor, self.row.id, version)
        return json.dumps(found.document, ensure_ascii=False)


@strawberry.type(description="A customer's copy, or a disclosure of more of it.")
class PostmortemRelease:
    id: strawberry.ID
    tenant_id: strawberry.ID
    version: int
    revision: int = strawberry.field(description="1 is the release, every later one a disclosure.")
    sha256: str = strawberry.field(description="Of the copy.")
    disclosed: list[str] = strawberry.field(description="Places of the document that were shown.")
    at: datetime


@strawberry.type(description="What to look at again before a copy is released.")
class PostmortemWarning:
    id: str = strawberry.field(description="Acknowledged by it.")
    place: str = strawberry.field(description="In the document.")
    words: str = strawberry.field(description="What was found there.")
    message: str


@strawberry.type(description="What a customer would get; nothing is released by looking.")
class PostmortemReleasePreview:
    version: int
    copy: str = strawberry.field(description="JSON, as docs/formats/postmortem.md says.")
    withheld: list[str] = strawberry.field(description="Places of the document.")
    warnings: list[PostmortemWarning]


def postmortem_release_preview(row: Preview) -> PostmortemReleasePreview:
    return PostmortemReleasePreview(
        version=row.version.number,
        copy=json.dumps(row.copy, ensure_ascii=False),
        withheld=list(row.withheld),
        warnings=[
            PostmortemWarning(id=each.id, place=each.place, words=each.words, message=each.message)
            for each in row.warnings
        ],
    )


def postmortem(row: model.Postmortem, title: str, bundles: VersionBundles) -> Postmortem:
    return Postmortem(
        id=encode("Postmortem", VENDOR_ID, row.id),
        incident_id=encode("VendorIncident", VENDOR_ID, row.incident_id),
        title=title,
        state=row.state,
        version=row.version,
        opened_at=row.opened_at,
        opened_because=row.opened_because,
        versions=[
            PostmortemVersion(
                id=encode("PostmortemVersion", VENDOR_ID, each.receipt_id),
                number=each.number,
                sha256=each.sha256,
                state=each.state,
                signed_at=each.signed_at,
                signer=each.signer.name,
                reviewer=each.reviewer.name,
                rationale=each.rationale,
                reason=each.reason,
                superseded_by=each.superseded_by,
                receipt_id=encode("Receipt", VENDOR_ID, each.receipt_id),
                export=_export(bundles.signed.get(each.number)),
                renewed_export=_export(bundles.renewed.get(each.number)),
            )
            for each in row.versions
        ],
    )


def listed_postmortem(row: Listed) -> Postmortem:
    return postmortem(row.postmortem, row.incident.title, row.bundles)


def postmortem_detail(row: Opened) -> PostmortemDetail:
    signed = row.postmortem.signed
    digest = None if row.frozen is None else (row.submission.sha256 if row.submission else None)
    if row.frozen is not None and digest is None and signed is not None:
        digest = signed.sha256
    return PostmortemDetail(
        postmortem=postmortem(row.postmortem, row.incident.title, row.bundles),
        document=row.frozen or json.dumps(row.document, ensure_ascii=False),
        digest=digest,
        draft_revision=0 if row.draft is None else row.draft.revision,
        lacking=list((model.Written() if row.draft is None else row.draft.written).lacking),
        accepted=row.postmortem.accepted is not None,
        signer=None if row.asked.owner is None else row.asked.owner.name,
        newer_facts=row.newer,
        row=row.postmortem,
    )


def postmortem_release(row: StoredRelease) -> PostmortemRelease:
    return PostmortemRelease(
        id=encode("PostmortemRelease", VENDOR_ID, row.id),
        tenant_id=encode("Tenant", row.customer_id, row.customer_id),
        version=row.version,
        revision=row.revision,
        sha256=row.sha256,
        disclosed=list(row.disclosed),
        at=row.at,
    )


def _export(row: stored.Export | None) -> Export | None:
    return None if row is None else export(row, "vendor")
