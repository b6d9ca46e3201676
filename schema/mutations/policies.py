"""Asking for the policies that came with this version."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import encode
from schema.payload import Payload, mutation
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.input(description="Why the policies that came with this version shall decide.")
class RequestPolicyChangeInput:
    reason: str = strawberry.field(description="Approvers read it, and it is signed.")


@strawberry.type(description="The request that two people decide on.")
class RequestPolicyChangePayload(Payload):
    approval_request_id: strawberry.ID | None = None


@strawberry.type
class PolicyMutations:
    @mutation(description="Ask that the policies that came with this version decide.")
    async def request_policy_change(
        self, info: Info, input: RequestPolicyChangeInput
    ) -> RequestPolicyChangePayload:
        made = await info.context.house.policy_changes.ask(AskPolicyChange(input.reason), info.context.actor)
        return RequestPolicyChangePayload(approval_request_id=encode("ApprovalRequest", VENDOR_ID, made.id))
