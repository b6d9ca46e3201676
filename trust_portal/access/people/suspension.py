"""Whether somebody was put out, whoever asks: ways in that they made for others end with their own."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.people.repository import find_person
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


async def is_suspended(storage: Storage, tenant_id: UUID, person_id: UUID) -> bool:
    """Of a person of the tenant, or of the vendor; the console and the clockwork never are."""
    for owner in dict.fromkeys((tenant_id, VENDOR_ID)):
        async with storage.read(TenantScope(owner)) as session:
            person = await find_person(session, owner, person_id, storage.clock.now())
        if person is not None:
            return not person.active
    return False
