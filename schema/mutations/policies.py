"""Asking for the policies that came with this version."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import encode
from schema.payload import OF_THE_REQUEST, UserError, user_error
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.input(description="Why the policies that came with this version shall decide.")
class RequestPolicyChangeInput:
    reason: str = strawberry.field(description="Approvers read it, and it is signed.")


@strawberry.type(description="The request that two people decide on.")
class RequestPolicyChangePayload:
    request_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class PolicyMutations:
    @strawberry.mutation(description="Ask that the policies that came with this version decide.")
    async def request_policy_change(
        self, info: Info, input: RequestPolicyChangeInput
    ) -> RequestPolicyChangePayload:
        try:
            made = await info.context.house.policy_changes.ask(
                AskPolicyChange(input.reason), info.context.actor
            )
        except OF_THE_REQUEST as refusal:
            return RequestPolicyChangePayload(request_id=None, user_errors=[user_error(refusal)])
        return RequestPolicyChangePayload(
            request_id=encode("ApprovalRequest", VENDOR_ID, made.id), user_errors=[]
        )
