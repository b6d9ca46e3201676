"""Maintenance windows, for those who may know of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.facts.operations import read_maintenance
from trust_portal.facts.operations_model import MaintenanceWindow
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: The vendor's facts are stored once, at the vendor; the queries name the tenant they are for.
_VENDOR = TenantScope(VENDOR_ID)


class Operations:
    """What the vendor told of its own operation, as far as it concerns one tenant."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def maintenance(
        self, actor: Actor, tenant_id: UUID, start: datetime, end: datetime
    ) -> tuple[MaintenanceWindow, ...]:
        """Windows that touch ``start`` .. ``end``, cancelled ones too, newest first."""
        await self._gate.require(actor, Action.MAINTENANCE_READ, Resource("maintenance window", tenant_id))
        async with self._storage.read(_VENDOR) as session:
            found = await read_maintenance(session, tenant_id, start, end, include_cancelled=True)
        await self._access_log.looked(actor, tenant_id, "maintenance", purpose="maintenance")
        return tuple(reversed(found))
