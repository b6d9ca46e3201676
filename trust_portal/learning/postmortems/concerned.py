"""Whom a postmortem concerns: the customers that its incident, or one that goes on in it, touched or may have."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers
from trust_portal.learning.incidents.repository import ended_in, find_incident
from trust_portal.storage.unit_of_work import ReadSession


async def customers_concerned(session: ReadSession, incident_id: UUID) -> tuple[Tenant, ...]:
    """By the one rule of ``Incident.concerns``: not who came when it was over. In the staff scope."""
    incidents = (await find_incident(session, incident_id), *await ended_in(session, incident_id))
    customers = await active_customers(session)
    return tuple(tenant for tenant in customers if any(each.concerns(tenant) for each in incidents))
