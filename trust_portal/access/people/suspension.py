"""Whether somebody was put out, or may no longer do what they did, whoever asks: ways in that they made for others end
with their own right to make them.
"""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.actors import NO_PERSON
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_person
from trust_portal.access.policy import Resource
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


async def may_still(
    storage: Storage, gate: Gate, person_id: UUID, action: Action, resource: Resource
) -> bool:
    """Of a person of the resource's tenant, or of the vendor, by the roles and the policies of now; the console and the
    clockwork always may, and nobody else: a token makes no way in.
    """
    for owner in dict.fromkeys((resource.tenant_id, VENDOR_ID)):
        async with storage.read(TenantScope(owner)) as session:
            person = await find_person(session, owner, person_id, storage.clock.now())
        if person is not None:
            return person.active and gate.allows(person.as_actor(), action, resource)
    return person_id in NO_PERSON
