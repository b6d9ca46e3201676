"""The register of incidents, for staff."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.incident import (
    IncidentGap,
    OpenIncidentGap,
    VendorIncident,
    incident_gap,
    open_incident_gap,
    vendor_incident,
    vendor_incident_of,
)
from schema.types.of_tenant import aware
from schema.types.pager import IncidentIntegration, incident_integration
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import IncidentFilter, Severity


@strawberry.type
class IncidentQueries:
    @paged(description="Incidents of all customers, the last declared first, for staff.")
    async def incidents(
        self,
        info: Info,
        paging: PageRequest,
        severity: Severity | None = None,
        service: str | None = None,
        team: str | None = None,
        open: bool | None = None,
        claimed: bool = False,
        words: str = "",
        tenant_id: strawberry.ID | None = None,
        owner_id: strawberry.ID | None = None,
        declared_since: datetime | None = None,
        declared_until: datetime | None = None,
    ) -> Connection[VendorIncident]:
        of = None if tenant_id is None else decode(tenant_id, "Tenant", field="tenantId").tenant_id
        wanted = IncidentFilter(
            severity=severity,
            service=service,
            team=team,
            customer_id=of,
            owner_person_id=None if owner_id is None else decode(owner_id, "Person", field="ownerId").id,
            declared_from=aware(declared_since, "declaredSince"),
            declared_to=aware(declared_until, "declaredUntil"),
            open=open,
            claimed=claimed,
            words=words,
        )
        page = await info.context.house.incidents.page(info.context.actor, wanted, paging)
        return connection(page, vendor_incident)

    @strawberry.field(description="One incident with its course, for staff.")
    async def incident(self, info: Info, id: strawberry.ID) -> VendorIncident | None:
        asked = decode(id, "VendorIncident")
        return vendor_incident_of(await info.context.house.incidents.get(info.context.actor, asked.id))

    @strawberry.field(description="What was told of nobody's incident, the longest known first, for staff.")
    async def incident_gaps(self, info: Info) -> list[IncidentGap]:
        return [incident_gap(each) for each in await info.context.house.incidents.gaps(info.context.actor)]

    @strawberry.field(
        description="What one source told by one key and belongs to no incident, for whoever can end it."
    )
    async def incident_gap(self, info: Info, source: str, key: str) -> OpenIncidentGap | None:
        return open_incident_gap(await info.context.house.incident_gaps.find(info.context.actor, source, key))

    @strawberry.field(description="The pagers whose alarms become incidents, for staff.")
    async def incident_integrations(self, info: Info) -> list[IncidentIntegration]:
        found = await info.context.house.incident_integrations.all(info.context.actor)
        return [incident_integration(each) for each in found]
