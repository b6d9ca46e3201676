"""Customers: adding one."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.payload import OF_THE_REQUEST, UserError, user_error
from schema.types.tenant import Tenant, tenant
from trust_portal.access.tenants.model import CreateTenant


@strawberry.input(description="The customer to add.")
class CreateTenantInput:
    key: str = strawberry.field(description="Its name in events and contracts; it never changes.")
    name: str
    time_zone: str = strawberry.field(default="UTC", description="IANA name.")
    residency: str = strawberry.field(default="", description="Where its data must stay.")


@strawberry.type(description="The customer as it was recorded.")
class CreateTenantPayload:
    tenant: Tenant | None
    user_errors: list[UserError]


@strawberry.type
class TenantMutations:
    @strawberry.mutation(
        description="Add a customer. The key is the idempotency key: the same one again is a CONFLICT."
    )
    async def create_tenant(self, info: Info, input: CreateTenantInput) -> CreateTenantPayload:
        try:
            command = CreateTenant(input.key, input.name, input.time_zone, input.residency)
            made = await info.context.house.tenants.create(command, info.context.actor)
        except OF_THE_REQUEST as refusal:
            return CreateTenantPayload(tenant=None, user_errors=[user_error(refusal)])
        return CreateTenantPayload(tenant=tenant(made), user_errors=[])
