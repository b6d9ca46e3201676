"""Postmortems as the vendor's people see them, and the copies that customers have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import strawberry

from schema.context import Context, Info
from schema.enums import described
from schema.ids import Node, encode
from schema.types.export import Export, export
from schema.types.major_because import MajorBecause
from schema.types.prevention import RecurredAction, recurred_actions
from schema.work import weighs
from trust_portal.evidence import export as stored
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems import model
from trust_portal.learning.postmortems.asking import Asked
from trust_portal.learning.postmortems.lint import Warned
from trust_portal.learning.postmortems.reading import Listed, Opened, SignedVersion, VersionBundles
from trust_portal.learning.postmortems.releases_model import StoredRelease
from trust_portal.learning.postmortems.releasing import Preview

#: What takes all of a postmortem to be gathered, once whatever is asked of it.
_GATHERS: Final = weighs(20)

described(
    model.PostmortemState,
    "PostmortemState",
    "Where the newest version stands.",
    DRAFT="It is written, live with what is gathered.",
    IN_REVIEW="Its document is frozen, until it is signed or returned.",
    SIGNED="Its owner signed it: it counts.",
    SUPERSEDED="Of a version that was signed: a later one counts.",
)


@strawberry.type(description="A version as it was signed.")
class PostmortemVersion(Node):
    id: strawberry.ID = strawberry.field(description="By it requestExport is asked for its bundle.")
    number: int
    sha256: str = strawberry.field(description="Of the document's canonical bytes.")
    state: model.PostmortemState
    signed_at: datetime
    signer: str
    reviewer: str
    rationale: str
    reason: str | None = strawberry.field(description="Why there is a version after the first.")
    superseded_by_version: int | None
    receipt_id: strawberry.ID
    export: Export | None = strawberry.field(description="The bundle that came with its signature.")
    renewed_export: Export | None = strawberry.field(
        description="The newest bundle that says by what it was superseded; null: nobody asked for one since."
    )


class AnyOwnerBecause(StrEnum):
    """Why a postmortem is signed by any incident owner."""

    NOBODY_NAMED = "nobody_named"
    SUSPENDED = "suspended"
    NO_ROLE = "no_role"


described(
    AnyOwnerBecause,
    "AnyOwnerBecause",
    "Why a postmortem is signed by any incident owner.",
    NOBODY_NAMED="Nobody of the vendor's people is named as the incident's owner.",
    SUSPENDED="Whoever is named is suspended.",
    NO_ROLE="Whoever is named holds no role that may sign.",
)
described(
    model.StepKind,
    "PostmortemStepKind",
    "What happened to a postmortem.",
    OPENED="It was opened with its incident.",
    SUBMITTED="Its document was frozen for review.",
    RETURNED="It went back to the draft.",
    ACCEPTED="Somebody who wrote none of it reviewed it: it may be signed.",
    SIGNED="Its owner signed it with a passkey.",
    REOPENED="Its next version was begun, for a reason.",
)


@strawberry.type(description="Something that was done with a postmortem.")
class PostmortemStep:
    kind: model.StepKind
    version: int
    at: datetime
    by: str
    reason: str = strawberry.field(description="Of a signature the rationale; of the opening why it was.")
    sha256: str | None = strawberry.field(
        description="Of the document that was submitted, accepted or signed."
    )
    receipt_id: strawberry.ID


@strawberry.type(
    description="The postmortem of a P1 or P2, with its document: live while a draft, then frozen, then as signed."
)
class Postmortem(Node):
    incident_id: strawberry.ID
    title: str
    state: model.PostmortemState
    version: int = strawberry.field(description="The one that is being written, or the newest signed.")
    opened_at: datetime
    opened_because: MajorBecause = strawberry.field(description="How its incident became a P1 or P2.")
    accepted: bool = strawberry.field(description="A review stands: it can be signed.")
    versions: list[PostmortemVersion]
    row: strawberry.Private[model.Postmortem]
    reading: strawberry.Private[asyncio.Future[Opened] | None] = None

    async def _opened(self, info: Info) -> Opened:
        """Gathered once, whatever is asked of it; of one in a list not before something is."""
        if self.reading is None:
            reader, actor = info.context.house.postmortem_reader, info.context.actor
            self.reading = asyncio.ensure_future(reader.find(actor, self.row.id))
        return await self.reading

    @strawberry.field(description="JSON, as docs/formats/postmortem.md says.", metadata=_GATHERS)
    async def document(self, info: Info) -> str:
        opened = await self._opened(info)
        return opened.frozen or json.dumps(opened.document, ensure_ascii=False)

    @strawberry.field(description="Of the document in review or signed; null in a draft.", metadata=_GATHERS)
    async def sha256(self, info: Info) -> str | None:
        opened = await self._opened(info)
        if opened.frozen is None:
            return None
        frozen = opened.submission or self.row.signed
        return None if frozen is None else frozen.sha256

    @strawberry.field(description="What is changed next; 0: nothing is written yet.", metadata=_GATHERS)
    async def draft_revision(self, info: Info) -> int:
        draft = (await self._opened(info)).draft
        return 0 if draft is None else draft.revision

    @strawberry.field(description="Written parts without which it cannot be submitted.", metadata=_GATHERS)
    async def lacking(self, info: Info) -> list[str]:
        draft = (await self._opened(info)).draft
        return list((model.Written() if draft is None else draft.written).lacking)

    @strawberry.field(
        description="Who signs: the incident's owner. Null: any incident owner, for none who could is named.",
        metadata=_GATHERS,
    )
    async def signer(self, info: Info) -> str | None:
        owner = (await self._opened(info)).asked.owner
        return None if owner is None else owner.name

    @strawberry.field(
        description="Why any incident owner signs; null: the incident's own does.", metadata=_GATHERS
    )
    async def any_owner_because(self, info: Info) -> AnyOwnerBecause | None:
        return _any_owner_because((await self._opened(info)).asked)

    @strawberry.field(
        description="Who owns the incident and cannot sign; null: nobody is named, or they can.",
        metadata=_GATHERS,
    )
    async def signs_instead_of(self, info: Info) -> str | None:
        instead_of = (await self._opened(info)).asked.instead_of
        return None if instead_of is None else instead_of.name

    @strawberry.field(
        description="How many are known now, and were not when it was frozen.", metadata=_GATHERS
    )
    async def newer_facts(self, info: Info) -> int:
        return len((await self._opened(info)).since)

    @strawberry.field(description="Actions that should have prevented its incident, the first linked first.")
    async def recurrence_of(self, info: Info) -> list[RecurredAction]:
        return await recurred_actions(info, self.row.incident_id)

    @strawberry.field(description="Everything that was done with it, by whom and why, in order.")
    def steps(self) -> list[PostmortemStep]:
        return [
            PostmortemStep(
                kind=each.kind,
                version=each.version,
                at=each.at,
                by=each.by.name,
                reason=each.reason,
                sha256=each.digest,
                receipt_id=encode("Receipt", VENDOR_ID, each.receipt_id),
            )
            for each in self.row.steps
        ]

    @strawberry.field(description="Copies and disclosures that customers were given, the newest first.")
    async def releases(self, info: Info) -> list[PostmortemRelease]:
        found = await info.context.house.postmortem_releases.of_postmortem(info.context.actor, self.row.id)
        return await postmortem_releases(info.context, found)

    @strawberry.field(
        description="JSON of a version as it was signed, also of one that was superseded; null: nobody signed it."
    )
    async def signed_document(self, info: Info, version: int) -> str | None:
        if version not in {each.number for each in self.row.versions}:
            return None
        found = await info.context.house.postmortem_reader.version(info.context.actor, self.row.id, version)
        return json.dumps(found.document, ensure_ascii=False)


@strawberry.type(description="A warning that somebody let stand, and why.")
class AcknowledgedWarning:
    warning: str = strawberry.field(description="Its id.")
    reason: str


@strawberry.type(description="What to look at again before a copy is released, or more of it shown.")
class PostmortemWarning:
    key: str = strawberry.field(description="Acknowledged by it.")
    place: str = strawberry.field(description="In the document.")
    words: str = strawberry.field(description="What was found there.")
    message: str


def _warnings(found: Iterable[Warned]) -> list[PostmortemWarning]:
    return [
        PostmortemWarning(key=each.id, place=each.place, words=each.words, message=each.message)
        for each in found
    ]


@strawberry.type(description="A customer's copy, or a disclosure of more of it.")
class PostmortemRelease(Node):
    tenant_id: strawberry.ID
    version: int
    revision: int = strawberry.field(description="1 is the release, every later one a disclosure.")
    sha256: str = strawberry.field(description="Of the copy.")
    profile: str
    withheld: list[str] = strawberry.field(description="Places of the document that can still be disclosed.")
    warnings: list[PostmortemWarning] = strawberry.field(
        description="What to look at again in what can still be disclosed; of what is shown, each is acknowledged."
    )
    disclosed: list[str] = strawberry.field(description="Places of the document that were shown.")
    acknowledgements: list[AcknowledgedWarning] = strawberry.field(
        description="Warnings that were let stand."
    )
    at: datetime
    by: str
    reason: str
    receipt_id: strawberry.ID


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
        warnings=_warnings(row.warnings),
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
        accepted=row.accepted is not None,
        row=row,
        versions=[
            _version(each, bundles.signed.get(each.number), bundles.renewed.get(each.number))
            for each in row.versions
        ],
    )


def postmortem_version(row: SignedVersion) -> PostmortemVersion:
    return _version(row.version, row.export, row.renewed)


def _version(
    row: model.Version, signed: stored.Export | None, renewed: stored.Export | None
) -> PostmortemVersion:
    return PostmortemVersion(
        id=encode("PostmortemVersion", VENDOR_ID, row.receipt_id),
        number=row.number,
        sha256=row.sha256,
        state=row.state,
        signed_at=row.signed_at,
        signer=row.signer.name,
        reviewer=row.reviewer.name,
        rationale=row.rationale,
        reason=row.reason,
        superseded_by_version=row.superseded_by,
        receipt_id=encode("Receipt", VENDOR_ID, row.receipt_id),
        export=_export(signed),
        renewed_export=_export(renewed),
    )


def opened_postmortem(row: Opened) -> Postmortem:
    found = postmortem(row.postmortem, row.incident.title, row.bundles)
    found.reading = asyncio.get_running_loop().create_future()
    found.reading.set_result(row)
    return found


def listed_postmortem(row: Listed) -> Postmortem:
    return postmortem(row.postmortem, row.incident.title, row.bundles)


async def postmortem_releases(context: Context, rows: Sequence[StoredRelease]) -> list[PostmortemRelease]:
    concealed = await context.house.postmortem_releases.concealed(context.actor, rows)
    return [_postmortem_release(each, concealed[each.id]) for each in rows]


def _postmortem_release(row: StoredRelease, concealed: Mapping[str, Sequence[Warned]]) -> PostmortemRelease:
    return PostmortemRelease(
        id=encode("PostmortemRelease", VENDOR_ID, row.id),
        tenant_id=encode("Tenant", row.customer_id, row.customer_id),
        version=row.version,
        revision=row.revision,
        sha256=row.sha256,
        profile=row.profile,
        withheld=list(concealed),
        warnings=_warnings(each for found in concealed.values() for each in found),
        disclosed=list(row.disclosed),
        acknowledgements=[
            AcknowledgedWarning(warning=id_, reason=why) for id_, why in row.acknowledged.items()
        ],
        at=row.at,
        by=row.by.name,
        reason=row.reason,
        receipt_id=encode("Receipt", VENDOR_ID, row.receipt_id),
    )


def _any_owner_because(asked: Asked) -> AnyOwnerBecause | None:
    if asked.owner is not None:
        return None
    if asked.instead_of is None:
        return AnyOwnerBecause.NOBODY_NAMED
    return AnyOwnerBecause.SUSPENDED if asked.suspended else AnyOwnerBecause.NO_ROLE


def _export(row: stored.Export | None) -> Export | None:
    return None if row is None else export(row, "vendor")
