"""Looking at a customer's posture now, and what a customer says about its own key."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.posture import CustomerKey, PostureCheck, customer_key, posture_check
from trust_portal.access.customer_keys.model import SetCustomerKey
from trust_portal.evidence.sealing.model import KeyAct


@strawberry.input(description="Whose posture.")
class CheckPostureInput:
    tenant_id: strawberry.ID


@strawberry.type(description="What was found, on record.")
class CheckPosturePayload(Payload):
    checks: list[PostureCheck] = strawberry.field(default_factory=list)


@strawberry.input(description="What to do about the customer's own key, and why.")
class SetCustomerKeyInput:
    tenant_id: strawberry.ID
    act: KeyAct
    reason: str = strawberry.field(description="Signed with the act.")


@strawberry.type(description="The act, on record.")
class SetCustomerKeyPayload(Payload):
    key: CustomerKey | None = None


@strawberry.type
class PostureMutations:
    @mutation(description="Look now whether isolation, residency and the customer's key hold.")
    async def check_posture(self, info: Info, input: CheckPostureInput) -> CheckPosturePayload:
        house, actor = info.context.house, info.context.actor
        made = await house.posture.check(decode(input.tenant_id, "Tenant", field="tenantId").tenant_id, actor)
        return CheckPosturePayload(checks=[posture_check(each) for each in made])

    @mutation(description="Enable, rotate or withdraw the key that seals stored bundles.")
    async def set_customer_key(self, info: Info, input: SetCustomerKeyInput) -> SetCustomerKeyPayload:
        house, actor = info.context.house, info.context.actor
        command = SetCustomerKey(
            decode(input.tenant_id, "Tenant", field="tenantId").tenant_id, input.act, input.reason
        )
        made = await house.customer_keys.set(command, actor)
        return SetCustomerKeyPayload(key=customer_key(made))
