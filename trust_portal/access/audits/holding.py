"""Who reads as an auditor now: by an invitation, or because the role was given them."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.audits.model import NOUN, HeldAudit
from trust_portal.access.audits.repository import auditors_at
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.kernel.actor import Actor
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class AuditsInForce:
    """Read by whoever reads the invitations."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def now(self, actor: Actor, tenant_id: UUID) -> tuple[HeldAudit, ...]:
        """Everybody who holds the role and is not suspended; who leaves first, first."""
        await self._gate.require(actor, Action.AUDIT_READ, Resource(NOUN, tenant_id))
        # As of invitations, staff read within the tenant.
        async with self._storage.read(TenantScope(tenant_id)) as session:
            found = await auditors_at(session, tenant_id, self._storage.clock.now())
        await self._access_log.looked(actor, tenant_id, "audit invitations")
        return found
