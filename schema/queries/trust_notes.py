"""What the vendor adds to a tenant's Trust Report."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.types.trust_note import TrustNote, trust_note


@strawberry.type
class TrustNoteQueries:
    @strawberry.field(
        description="What the vendor says to a tenant now: its words for all, and those for this one."
    )
    async def trust_notes(self, info: Info, tenant_id: strawberry.ID) -> list[TrustNote]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        found = await info.context.house.trust_notes.standing(info.context.actor, asked.tenant_id)
        return [trust_note(each) for each in found]
