"""Whom a notification reaches: ``trust_portal.notify`` asks, people and their roles answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from trust_portal.access.people.repository import find_active_person, holders
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.notify.model import Audience, Recipient, TenantName
from trust_portal.storage.unit_of_work import ReadSession


class PeopleAddressBook:
    """The address book of ``notify.address_book``. Each method reads the tenant of its session."""

    async def reach(
        self, session: ReadSession, tenant_id: UUID, audience: Audience, at: datetime
    ) -> tuple[Recipient, ...]:
        tenant = await find_tenant(session, tenant_id)
        if tenant is None or not tenant.active:
            return ()
        found = await holders(session, tenant_id, audience.roles, audience.people, at)
        return tuple(
            Recipient(person.id, person.email, person.name)
            for person in found
            if person.id not in audience.without
        )

    async def person(
        self, session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime
    ) -> Recipient | None:
        person = await find_active_person(session, tenant_id, person_id, at)
        return None if person is None else Recipient(person.id, person.email, person.name)

    async def name_of(self, session: ReadSession, tenant_id: UUID) -> TenantName:
        tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        return TenantName(tenant.key, tenant.name)
