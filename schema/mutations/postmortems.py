"""Writing, reviewing, signing and releasing postmortems: the same acts as in the portal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.mutations.approvals import AssertionInput, assertion_of
from schema.payload import OF_THE_REQUEST, UserError, user_error
from schema.types.export import Export, export
from schema.types.postmortem import (
    PostmortemDetail,
    PostmortemRelease,
    postmortem_detail,
    postmortem_release,
)
from trust_portal.learning.postmortems import model

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
    digest: str
    reason: str


@strawberry.input(description="The owner's signature over the document with this digest.")
class SignPostmortemInput:
    postmortem_id: strawberry.ID
    digest: str
    rationale: str
    assertion: AssertionInput


@strawberry.input(description="A warning that is let stand.")
class AcknowledgementInput:
    warning: str = strawberry.field(description="Its id.")
    reason: str


@strawberry.input(description="Give a customer its copy of the version that counts.")
class ReleasePostmortemInput:
    postmortem_id: strawberry.ID
    version: int
    tenant_id: strawberry.ID
    profile: str = "customer"
    reason: str
    acknowledged: list[AcknowledgementInput] = strawberry.field(default_factory=list)


@strawberry.input(description="Show a customer what its copy withholds.")
class DisclosePostmortemInput:
    release_id: strawberry.ID
    fields: list[str] = strawberry.field(description="Places of the document, like incident.owner.")
    reason: str


@strawberry.type(description="The postmortem as it stands now.")
class PostmortemPayload:
    postmortem: PostmortemDetail | None
    user_errors: list[UserError]


@strawberry.input(description="A bundle of a superseded version that says by which.")
class RenewPostmortemBundleInput:
    postmortem_id: strawberry.ID
    version: int = strawberry.field(description="Signed, and superseded.")


@strawberry.type(description="The export, new or already there.")
class RenewPostmortemBundlePayload:
    export: Export | None
    user_errors: list[UserError]


@strawberry.type(description="The release as it stands now; the copy follows in the customer's own log.")
class PostmortemReleasePayload:
    release: PostmortemRelease | None
    user_errors: list[UserError]


@strawberry.type
class PostmortemMutations:
    @strawberry.mutation(description="Save the written parts; what is in review goes back to the draft.")
    async def save_postmortem(self, info: Info, input: SavePostmortemInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            written = model.Written(**{name: getattr(input, name) for name in model.PARTS})
            command = model.SaveDraft(id_, input.revision, written)
            await info.context.house.postmortem_writing.save(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="Judge a change near the incident.")
    async def judge_change(self, info: Info, input: JudgeChangeInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Judge(id_, input.fact, model.Judgment(input.verdict, input.reason))
            await info.context.house.postmortem_writing.judge(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="Freeze the document and have it reviewed.")
    async def submit_postmortem(self, info: Info, input: SubmitPostmortemInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Submit(id_, input.revision)
            await info.context.house.postmortem_writing.submit(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="Back to the draft.")
    async def return_postmortem(self, info: Info, input: PostmortemReasonInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Return(id_, input.reason)
            await info.context.house.postmortem_writing.return_(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="It can be signed: by somebody who wrote none of it.")
    async def accept_postmortem(self, info: Info, input: AcceptPostmortemInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Accept(id_, input.digest, input.reason)
            await info.context.house.postmortem_writing.accept(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="Sign it with a passkey.")
    async def sign_postmortem(self, info: Info, input: SignPostmortemInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Sign(id_, input.digest, input.rationale, assertion_of(input.assertion))
            await info.context.house.postmortem_signing.sign(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(description="Begin the next version of a signed one.")
    async def reopen_postmortem(self, info: Info, input: PostmortemReasonInput) -> PostmortemPayload:
        async def act(id_: UUID) -> None:
            command = model.Reopen(id_, input.reason)
            await info.context.house.postmortem_signing.reopen(command, info.context.actor)

        return await _done(info, input.postmortem_id, act)

    @strawberry.mutation(
        description="Make the bundle of an old version anew, so that it says by what it was superseded. Idempotent."
    )
    async def renew_postmortem_bundle(
        self, info: Info, input: RenewPostmortemBundleInput
    ) -> RenewPostmortemBundlePayload:
        house, actor = info.context.house, info.context.actor
        try:
            asked = decode(input.postmortem_id, "Postmortem", field="postmortemId")
            found = await house.postmortem_bundles.renew(actor, asked.id, input.version)
        except OF_THE_REQUEST as refusal:
            return RenewPostmortemBundlePayload(export=None, user_errors=[user_error(refusal)])
        return RenewPostmortemBundlePayload(export=export(found, "vendor"), user_errors=[])

    @strawberry.mutation(description="Give a customer its copy.")
    async def release_postmortem(self, info: Info, input: ReleasePostmortemInput) -> PostmortemReleasePayload:
        try:
            command = model.Release(
                decode(input.postmortem_id, "Postmortem", field="postmortemId").id,
                input.version,
                decode(input.tenant_id, "Tenant", field="tenantId").id,
                input.profile,
                input.reason,
                tuple(model.Acknowledgement(each.warning, each.reason) for each in input.acknowledged),
            )
            found = await info.context.house.postmortem_releases.release(command, info.context.actor)
        except OF_THE_REQUEST as refusal:
            return PostmortemReleasePayload(release=None, user_errors=[user_error(refusal)])
        return PostmortemReleasePayload(release=postmortem_release(found), user_errors=[])

    @strawberry.mutation(description="Show a customer more of its copy.")
    async def disclose_postmortem(
        self, info: Info, input: DisclosePostmortemInput
    ) -> PostmortemReleasePayload:
        try:
            asked = decode(input.release_id, "PostmortemRelease", field="releaseId")
            command = model.Disclose(asked.id, tuple(input.fields), input.reason)
            found = await info.context.house.postmortem_releases.disclose(command, info.context.actor)
        except OF_THE_REQUEST as refusal:
            return PostmortemReleasePayload(release=None, user_errors=[user_error(refusal)])
        return PostmortemReleasePayload(release=postmortem_release(found), user_errors=[])


async def _done(
    info: Info, postmortem_id: strawberry.ID, act: Callable[[UUID], Awaitable[None]]
) -> PostmortemPayload:
    """The postmortem after ``act``, or why nothing was changed."""
    try:
        asked = decode(postmortem_id, "Postmortem", field="postmortemId")
        await act(asked.id)
    except OF_THE_REQUEST as refusal:
        return PostmortemPayload(postmortem=None, user_errors=[user_error(refusal)])
    found = await info.context.house.postmortem_reader.find(info.context.actor, asked.id)
    return PostmortemPayload(postmortem=postmortem_detail(found), user_errors=[])
