"""Customers: adding one."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.payload import Payload, mutation
from schema.types.tenant import Tenant, tenant
from trust_portal.access.tenants.model import CreateTenant


@strawberry.input(description="The customer to add.")
class CreateTenantInput:
    key: str = strawberry.field(description="Its name in events and contracts; it never changes.")
    name: str
    time_zone: str = strawberry.field(default="UTC", description="IANA name.")
    residency: str = strawberry.field(default="", description="Where its data must stay.")


@strawberry.type(description="The customer as it was recorded.")
class CreateTenantPayload(Payload):
    tenant: Tenant | None = None


@strawberry.type
class TenantMutations:
    @mutation(description="Add a customer. The key is the idempotency key: the same one again is a CONFLICT.")
    async def create_tenant(self, info: Info, input: CreateTenantInput) -> CreateTenantPayload:
        command = CreateTenant(input.key, input.name, input.time_zone, input.residency)
        made = await info.context.house.tenants.create(command, info.context.actor)
        return CreateTenantPayload(tenant=tenant(made))
