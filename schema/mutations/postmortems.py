"""Writing, reviewing, signing and releasing postmortems: the same acts as in the portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.mutations.approvals import AssertionInput, assertion_of
from schema.payload import Payload, mutation
from schema.types.export import Export, export
from schema.types.postmortem import (
    Postmortem,
    PostmortemRelease,
    opened_postmortem,
    postmortem_releases,
)
from trust_portal.learning.postmortems import model
from trust_portal.learning.postmortems.releases_model import StoredRelease

strawberry.enum(model.Verdict, name="ChangeVerdict", description="Of a change near an incident.")


@strawberry.input(description="The written parts, in Markdown, as they now read.")
class SavePostmortemInput:
    postmortem_id: strawberry.ID
    revision: int = strawberry.field(description="The draft that was changed; 0: none yet.")
    summary: str = ""
    impact: str = ""
    contributors: str = ""
    mitigators: str = ""
    risks: str = ""
    surprised: str = ""
    went_well: str = ""


@strawberry.input(description="What a change was, over what the rule says.")
class JudgeChangeInput:
    postmortem_id: strawberry.ID
    fact: str = strawberry.field(description="Its id in the document.")
    verdict: model.Verdict
    reason: str


@strawberry.input(description="Freeze the document of this draft, and have it reviewed.")
class SubmitPostmortemInput:
    postmortem_id: strawberry.ID
    revision: int


@strawberry.input(description="A step with its reason.")
class PostmortemReasonInput:
    postmortem_id: strawberry.ID
    reason: str


@strawberry.input(description="The document with this digest may be signed.")
class AcceptPostmortemInput:
    postmortem_id: strawberry.ID
    sha256: str
    reason: str


@strawberry.input(description="The owner's signature over the document with this digest.")
class SignPostmortemInput:
    postmortem_id: strawberry.ID
    sha256: str
    rationale: str
    assertion: AssertionInput


@strawberry.input(description="A warning that is let stand.")
class AcknowledgedWarningInput:
    warning: str = strawberry.field(description="Its id.")
    reason: str


@strawberry.input(description="Give a customer its copy of the version that counts.")
class ReleasePostmortemInput:
    postmortem_id: strawberry.ID
    version: int
    tenant_id: strawberry.ID
    profile: str = "customer"
    reason: str
    acknowledgements: list[AcknowledgedWarningInput] = strawberry.field(default_factory=list)


@strawberry.input(description="Show a customer what its copy withholds.")
class DisclosePostmortemInput:
    release_id: strawberry.ID
    fields: list[str] = strawberry.field(description="Places of the document, like incident.owner.")
    reason: str
    acknowledgements: list[AcknowledgedWarningInput] = strawberry.field(default_factory=list)


@strawberry.type(description="The postmortem as it stands now.")
class PostmortemPayload(Payload):
    postmortem: Postmortem | None = None


@strawberry.input(description="A bundle of a superseded version that says by which.")
class RenewPostmortemBundleInput:
    postmortem_id: strawberry.ID
    version: int = strawberry.field(description="Signed, and superseded.")


@strawberry.type(description="The export, new or already there.")
class RenewPostmortemBundlePayload(Payload):
    export: Export | None = None


@strawberry.input(description="A bundle of a customer's superseded copy that says by which version.")
class RenewPostmortemCopyBundleInput:
    copy_id: strawberry.ID


@strawberry.type(description="The export, new or already there.")
class RenewPostmortemCopyBundlePayload(Payload):
    export: Export | None = None


@strawberry.type(description="The release as it stands now; the copy follows in the customer's own log.")
class PostmortemReleasePayload(Payload):
    release: PostmortemRelease | None = None


_DIGEST: Final = {"digest": "sha256"}


@strawberry.type
class PostmortemMutations:
    @mutation(description="Save the written parts; what is in review goes back to the draft.")
    async def save_postmortem(self, info: Info, input: SavePostmortemInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        written = model.Written(**{name: getattr(input, name) for name in model.PARTS})
        command = model.SaveDraft(id_, input.revision, written)
        await info.context.house.postmortem_writing.save(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="Judge a change near the incident.")
    async def judge_change(self, info: Info, input: JudgeChangeInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Judge(id_, input.fact, model.Judgment(input.verdict, input.reason))
        await info.context.house.postmortem_writing.judge(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="Freeze the document and have it reviewed.")
    async def submit_postmortem(self, info: Info, input: SubmitPostmortemInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Submit(id_, input.revision)
        await info.context.house.postmortem_writing.submit(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="Back to the draft.")
    async def return_postmortem(self, info: Info, input: PostmortemReasonInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Return(id_, input.reason)
        await info.context.house.postmortem_writing.return_(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="It can be signed: by somebody who wrote none of it.", arguments=_DIGEST)
    async def accept_postmortem(self, info: Info, input: AcceptPostmortemInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Accept(id_, input.sha256, input.reason)
        await info.context.house.postmortem_writing.accept(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="Sign it with a passkey.", arguments=_DIGEST)
    async def sign_postmortem(self, info: Info, input: SignPostmortemInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Sign(id_, input.sha256, input.rationale, assertion_of(input.assertion))
        await info.context.house.postmortem_signing.sign(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(description="Begin the next version of a signed one.")
    async def reopen_postmortem(self, info: Info, input: PostmortemReasonInput) -> PostmortemPayload:
        id_ = _postmortem(input.postmortem_id)
        command = model.Reopen(id_, input.reason)
        await info.context.house.postmortem_signing.reopen(command, info.context.actor)
        return await _as_it_stands(info, id_)

    @mutation(
        description="Make the bundle of an old version anew, so that it says by what it was superseded. Idempotent."
    )
    async def renew_postmortem_bundle(
        self, info: Info, input: RenewPostmortemBundleInput
    ) -> RenewPostmortemBundlePayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.postmortem_id, "Postmortem", field="postmortemId")
        found = await house.postmortem_bundles.renew(actor, asked.id, input.version)
        return RenewPostmortemBundlePayload(export=export(found, "vendor"))

    @mutation(
        description="Make the bundle of a customer's superseded copy anew, so that it says by which version. Idempotent."
    )
    async def renew_postmortem_copy_bundle(
        self, info: Info, input: RenewPostmortemCopyBundleInput
    ) -> RenewPostmortemCopyBundlePayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.copy_id, "PostmortemCopy", field="copyId")
        tenant = await house.tenants.get(actor, asked.tenant_id, purpose="GraphQL")
        found = await house.postmortem_copies.renew(actor, tenant.id, asked.id)
        return RenewPostmortemCopyBundlePayload(export=export(found, tenant.key))

    @mutation(
        description="Give a customer its copy.",
        arguments={"acknowledged": "acknowledgements", "customer": "tenant_id"},
    )
    async def release_postmortem(self, info: Info, input: ReleasePostmortemInput) -> PostmortemReleasePayload:
        command = model.Release(
            _postmortem(input.postmortem_id),
            input.version,
            decode(input.tenant_id, "Tenant", field="tenantId").id,
            input.profile,
            input.reason,
            _acknowledged(input.acknowledgements),
        )
        found = await info.context.house.postmortem_releases.release(command, info.context.actor)
        return await _released(info, found)

    @mutation(description="Show a customer more of its copy.", arguments={"acknowledged": "acknowledgements"})
    async def disclose_postmortem(
        self, info: Info, input: DisclosePostmortemInput
    ) -> PostmortemReleasePayload:
        asked = decode(input.release_id, "PostmortemRelease", field="releaseId")
        command = model.Disclose(
            asked.id, tuple(input.fields), input.reason, _acknowledged(input.acknowledgements)
        )
        found = await info.context.house.postmortem_releases.disclose(command, info.context.actor)
        return await _released(info, found)


def _postmortem(id_: strawberry.ID) -> UUID:
    return decode(id_, "Postmortem", field="postmortemId").id


def _acknowledged(said: Sequence[AcknowledgedWarningInput]) -> tuple[model.Acknowledgement, ...]:
    return tuple(model.Acknowledgement(each.warning, each.reason) for each in said)


async def _released(info: Info, found: StoredRelease) -> PostmortemReleasePayload:
    [release] = await postmortem_releases(info.context, [found])
    return PostmortemReleasePayload(release=release)


async def _as_it_stands(info: Info, id_: UUID) -> PostmortemPayload:
    found = await info.context.house.postmortem_reader.find(info.context.actor, id_)
    return PostmortemPayload(postmortem=opened_postmortem(found))
