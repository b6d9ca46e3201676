"""Breaking the glass, and putting it back."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.break_glass import BreakGlass, break_glass
from trust_portal.access.break_glass.model import CloseBreakGlass, OpenBreakGlass


@strawberry.input(description="To which customer, why, and for how long.")
class OpenBreakGlassInput:
    tenant_id: strawberry.ID
    reason: str = strawberry.field(description="At least 20 characters; everybody is told.")
    minutes: int = strawberry.field(default=60, description="5 to 240.")


@strawberry.input(description="End it before its time; the review begins.")
class CloseBreakGlassInput:
    break_glass_id: strawberry.ID
    reason: str


@strawberry.type(description="The emergency access as it stands.")
class BreakGlassPayload(Payload):
    access: BreakGlass | None = None


@strawberry.type
class BreakGlassMutations:
    @mutation(description="Break the glass: for persons on call, told to everybody, reviewed after.")
    async def open_break_glass(self, info: Info, input: OpenBreakGlassInput) -> BreakGlassPayload:
        house = info.context.house
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = OpenBreakGlass(tenant_id, input.reason, timedelta(minutes=input.minutes))
        made = await house.break_glass.open(command, info.context.actor)
        return BreakGlassPayload(access=break_glass(made, house.clock.now()))

    @mutation(description="Put it back, by who broke it or by who looks after security.")
    async def close_break_glass(self, info: Info, input: CloseBreakGlassInput) -> BreakGlassPayload:
        house = info.context.house
        asked = decode(input.break_glass_id, "BreakGlass", field="breakGlassId")
        command = CloseBreakGlass(asked.tenant_id, asked.id, input.reason)
        made = await house.break_glass.close(command, info.context.actor)
        return BreakGlassPayload(access=break_glass(made, house.clock.now()))
