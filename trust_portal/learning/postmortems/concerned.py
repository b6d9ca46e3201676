"""Whom a postmortem concerns: the customers that its incident, or one that goes on in it, touched or may have."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers, tenants_by_id
from trust_portal.errors import InvalidInput
from trust_portal.learning.incidents.repository import ended_in, find_incident
from trust_portal.storage.unit_of_work import ReadSession


async def customers_concerned(session: ReadSession, incident_id: UUID) -> tuple[Tenant, ...]:
    """By the one rule of ``Incident.concerns``: not who came when it was over. In the staff scope."""
    incidents = (await find_incident(session, incident_id), *await ended_in(session, incident_id))
    customers = await active_customers(session)
    return tuple(tenant for tenant in customers if any(each.concerns(tenant) for each in incidents))


async def require_there(session: ReadSession, incident_id: UUID, customer_id: UUID) -> None:
    """Refuses who came when all of it was over, and is named nowhere in it. In the staff scope."""
    incidents = (await find_incident(session, incident_id), *await ended_in(session, incident_id))
    tenant = (await tenants_by_id(session, [customer_id])).get(customer_id)
    if tenant is not None and all(
        each.resolved_at is not None
        and each.resolved_at <= tenant.onboarded_at
        and customer_id not in each.tenants
        for each in incidents
    ):
        raise not_affected()


def not_affected() -> InvalidInput:
    return InvalidInput("the incident did not touch this customer", field="customer", code="NOT_AFFECTED")
