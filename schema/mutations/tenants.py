"""Customers: adding one, and what is agreed with one about where its data stays."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.tenant import Tenant, tenant
from trust_portal.access.tenants.model import CreateTenant, SetResidency


@strawberry.input(description="The customer to add.")
class CreateTenantInput:
    key: str = strawberry.field(description="Its name in events and contracts; it never changes.")
    name: str
    time_zone: str = strawberry.field(default="UTC", description="IANA name.")
    residency: str = strawberry.field(default="", description="Where its data must stay.")


@strawberry.type(description="The customer as it was recorded.")
class CreateTenantPayload(Payload):
    tenant: Tenant | None = None


@strawberry.input(description="What is agreed from now on, and why that changes.")
class SetResidencyInput:
    tenant_id: strawberry.ID
    residency: str = strawberry.field(description="Where its data must stay; empty: nothing is agreed.")
    reason: str = strawberry.field(description="Signed with the act.")


@strawberry.type(description="The customer as it stands now; its posture is looked at again.")
class SetResidencyPayload(Payload):
    tenant: Tenant | None = None


@strawberry.type
class TenantMutations:
    @mutation(description="Add a customer. The key is the idempotency key: the same one again is a CONFLICT.")
    async def create_tenant(self, info: Info, input: CreateTenantInput) -> CreateTenantPayload:
        command = CreateTenant(input.key, input.name, input.time_zone, input.residency)
        made = await info.context.house.tenants.create(command, info.context.actor)
        return CreateTenantPayload(tenant=tenant(made))

    @mutation(description="Record what is agreed about where a customer's data stays.")
    async def set_residency(self, info: Info, input: SetResidencyInput) -> SetResidencyPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = SetResidency(tenant_id, input.residency, input.reason)
        made = await info.context.house.tenants.set_residency(command, info.context.actor)
        return SetResidencyPayload(tenant=tenant(made))
