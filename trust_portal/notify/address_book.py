"""What this room asks of the people above it: who holds a role, and how to reach them now."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from trust_portal.notify.model import Audience, Recipient, TenantName
from trust_portal.storage.unit_of_work import ReadSession


class AddressBook(Protocol):
    """Each method reads in the scope of ``session``, which is the tenant's own."""

    async def reach(
        self, session: ReadSession, tenant_id: UUID, audience: Audience, at: datetime
    ) -> tuple[Recipient, ...]:
        """Everybody of the audience who is at home in this tenant and may sign in, each once."""
        ...

    async def person(
        self, session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime
    ) -> Recipient | None:
        """None for somebody who may not sign in any more: they are told nothing any more either."""
        ...

    async def name_of(self, session: ReadSession, tenant_id: UUID) -> TenantName:
        """How the tenant is called."""
        ...
