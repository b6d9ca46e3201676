"""Deciding on what others asked for, and taking back what one asked for oneself."""

from __future__ import annotations

from typing import Final

import strawberry

from schema.context import Info
from schema.ids import GlobalId, decode
from schema.payload import Payload, mutation
from schema.types.approval import ApprovalRequest, approval_request
from trust_portal.access.approvals.model import Approve, Deny, Withdraw
from trust_portal.evidence.assertion import Assertion


@strawberry.input(
    description="A WebAuthn assertion over the statement of the decision (docs/formats/receipts.md); base64url."
)
class AssertionInput:
    credential_id: str
    authenticator_data: str
    client_data_json: str = strawberry.field(name="clientDataJSON")
    signature: str


@strawberry.input(description="The caller's consent to exactly what was shown.")
class ApproveRequestInput:
    approval_request_id: strawberry.ID
    intent_sha256: str = strawberry.field(description="Of the intent that the caller was shown.")
    reason: str
    slot: int | None = strawberry.field(
        default=None, description="The place to fill; null: the one that fewest others can fill."
    )
    assertion: AssertionInput | None = strawberry.field(
        default=None, description="The caller's signature with a passkey; without it nothing is approved."
    )


@strawberry.input(description="One denial ends a request.")
class DenyRequestInput:
    approval_request_id: strawberry.ID
    intent_sha256: str = strawberry.field(description="Of the intent that the caller was shown.")
    reason: str
    assertion: AssertionInput | None = strawberry.field(default=None, description="It may be signed.")


@strawberry.input(description="For the one who asked.")
class WithdrawRequestInput:
    approval_request_id: strawberry.ID
    reason: str


@strawberry.type(description="The request as it stands.")
class ApprovalRequestPayload(Payload):
    approval_request: ApprovalRequest | None = None


_INTENT: Final = {"digest": "intent_sha256"}


@strawberry.type
class ApprovalMutations:
    @mutation(
        description="Approve; for persons, never for the one who asked, each once.",
        arguments=_INTENT,
    )
    async def approve_request(self, info: Info, input: ApproveRequestInput) -> ApprovalRequestPayload:
        asked = _request(input.approval_request_id)
        command = Approve(
            asked.tenant_id,
            asked.id,
            input.intent_sha256,
            input.reason,
            input.slot,
            assertion_of(input.assertion),
        )
        await info.context.house.decisions.approve(command, info.context.actor)
        return await _as_it_stands(info, asked)

    @mutation(description="Deny; for whoever may approve such a request.", arguments=_INTENT)
    async def deny_request(self, info: Info, input: DenyRequestInput) -> ApprovalRequestPayload:
        asked = _request(input.approval_request_id)
        command = Deny(
            asked.tenant_id, asked.id, input.intent_sha256, input.reason, assertion_of(input.assertion)
        )
        await info.context.house.decisions.deny(command, info.context.actor)
        return await _as_it_stands(info, asked)

    @mutation(description="Take back what one asked for, as long as it was not done.")
    async def withdraw_request(self, info: Info, input: WithdrawRequestInput) -> ApprovalRequestPayload:
        asked = _request(input.approval_request_id)
        command = Withdraw(asked.tenant_id, asked.id, input.reason)
        await info.context.house.decisions.withdraw(command, info.context.actor)
        return await _as_it_stands(info, asked)


def assertion_of(given: AssertionInput | None) -> Assertion | None:
    if given is None:
        return None
    parts = {
        "credentialId": given.credential_id,
        "authenticatorData": given.authenticator_data,
        "clientDataJSON": given.client_data_json,
        "signature": given.signature,
    }
    return Assertion.of(parts)


def _request(id_: strawberry.ID) -> GlobalId:
    return decode(id_, "ApprovalRequest", field="approvalRequestId")


async def _as_it_stands(info: Info, asked: GlobalId) -> ApprovalRequestPayload:
    view = await info.context.house.approval_inbox.get(info.context.actor, asked.tenant_id, asked.id)
    return ApprovalRequestPayload(approval_request=approval_request(view))
