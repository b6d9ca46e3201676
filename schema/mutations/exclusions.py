"""Proposing and revoking exclusions after the fact. Approving is done on the approval itself."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.exclusion import Exclusion, exclusion
from trust_portal.reliability.exclusions.model import ProposeExclusion, RevokeExclusion


@strawberry.input(description="A window that is over, and why it shall not count.")
class ProposeExclusionInput:
    tenant_id: strawberry.ID
    start: datetime
    end: datetime
    objective_keys: list[str] | None = strawberry.field(
        default=None, description="Null: all of the tenant's."
    )
    reason: str
    evidence: str = strawberry.field(description="Where what happened can be looked up.")


@strawberry.input(description="What is to count again, and why.")
class RevokeExclusionInput:
    exclusion_id: strawberry.ID
    reason: str


@strawberry.type(description="The exclusion as it stands now.")
class ExclusionPayload(Payload):
    exclusion: Exclusion | None = None


@strawberry.type
class ExclusionMutations:
    @mutation(
        description="Propose that past minutes do not count; two others then decide.",
        arguments={"objectives": "objective_keys"},
    )
    async def propose_exclusion(self, info: Info, input: ProposeExclusionInput) -> ExclusionPayload:
        command = ProposeExclusion(
            decode(input.tenant_id, "Tenant", field="tenantId").tenant_id,
            input.start,
            input.end,
            None if input.objective_keys is None else tuple(input.objective_keys),
            input.reason,
            input.evidence,
        )
        found = await info.context.house.exclusions.propose(command, info.context.actor)
        return ExclusionPayload(exclusion=exclusion(found))

    @mutation(description="Have an approved exclusion count no more in what is calculated next.")
    async def revoke_exclusion(self, info: Info, input: RevokeExclusionInput) -> ExclusionPayload:
        asked = decode(input.exclusion_id, "Exclusion", field="exclusionId")
        command = RevokeExclusion(asked.tenant_id, asked.id, input.reason)
        found = await info.context.house.exclusions.revoke(command, info.context.actor)
        return ExclusionPayload(exclusion=exclusion(found))
