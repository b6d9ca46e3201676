"""Compliance: how controls came out, where everybody stands, what others assessed, and roles to be reviewed."""

from __future__ import annotations

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.access_review import HeldRole, held_role
from schema.types.compliance import (
    Assessment,
    ComplianceEvaluation,
    ComplianceStanding,
    assessment,
    compliance_evaluation,
    compliance_standing,
)
from trust_portal.kernel.page import PageRequest


@strawberry.type
class ComplianceQueries:
    @strawberry.field(
        description="A tenant's latest evaluation, null where there was none; the vendor's own is for staff."
    )
    async def compliance(self, info: Info, tenant_id: strawberry.ID) -> ComplianceEvaluation | None:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        found = await info.context.house.compliance.newest(info.context.actor, asked.tenant_id)
        return None if found is None else compliance_evaluation(found)

    @paged(description="Where every customer stands, by key, for staff.")
    async def compliance_standings(self, info: Info, paging: PageRequest) -> Connection[ComplianceStanding]:
        page = await info.context.house.compliance.standings(info.context.actor, paging)
        return connection(page, compliance_standing)

    @strawberry.field(description="What others assessed, the latest of each source, for staff.")
    async def assessments(self, info: Info) -> list[Assessment]:
        found = await info.context.house.assessment_imports.newest(info.context.actor)
        return [assessment(each) for each in found]

    @strawberry.field(description="Every role in force of a tenant; whose review is due first, first.")
    async def held_roles(self, info: Info, tenant_id: strawberry.ID) -> list[HeldRole]:
        house, asked = info.context.house, decode(tenant_id, "Tenant", field="tenantId")
        found = await house.access_reviews.held(info.context.actor, asked.tenant_id)
        return [held_role(each, house.clock.now()) for each in found]
