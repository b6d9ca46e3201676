"""Leaving a trace, and reading who left one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from trust_portal.access.access_log.model import (
    Access,
    AccessEntry,
    AccessFilter,
    Group,
    Verb,
    group_of,
)
from trust_portal.access.access_log.repository import StaffTraceScope, entries_page, record_access
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


class AccessLog:
    """Services call ``trace`` before they hand out what they read."""

    def __init__(self, storage: Storage, gate: Gate) -> None:
        self._storage = storage
        self._gate = gate

    async def trace(self, actor: Actor, tenant_ids: Collection[UUID], access: Access) -> None:
        """Record that ``actor`` looked at these tenants' things, in a transaction of its own.

        The scheduler leaves no trace: nobody looks with its eyes.
        """
        if actor.id == SYSTEM.id:
            return
        customers = [tenant_id for tenant_id in tenant_ids if tenant_id != VENDOR_ID]
        if not customers:
            return
        scope = StaffTraceScope() if actor.is_staff else TenantScope(actor.tenant_id)
        async with self._storage.write(scope) as session:
            for purpose, ids in _by_purpose(actor, customers, access.purpose).items():
                await record_access(session, actor, ids, replace(access, purpose=purpose))

    async def looked(
        self, actor: Actor, tenant_id: UUID, what: str, subject: str = "", purpose: str = "administration"
    ) -> None:
        """``trace`` of a read, for everybody but the tenant's own people, whose house it is.

        Staff, auditors and tokens leave their line whatever they read.
        """
        at_home = group_of(actor) is Group.CUSTOMER and actor.kind is ActorKind.PERSON
        if not at_home:
            await self.trace(actor, [tenant_id], Access(Verb.READ, what, subject, purpose))

    async def fetched(
        self, actor: Actor, tenant_id: UUID, what: str, subject: str, purpose: str = "evidence"
    ) -> None:
        """``trace`` of a download, by whomever: the tenant's own people leave their line too."""
        await self.trace(actor, [tenant_id], Access(Verb.DOWNLOADED, what, subject, purpose))

    async def page(
        self,
        actor: Actor,
        tenant_id: UUID,
        request: PageRequest,
        wanted: AccessFilter = AccessFilter(),
    ) -> Page[AccessEntry]:
        """The tenant's log, newest first."""
        resource = Resource("access log", tenant_id)
        await self._gate.require(actor, Action.ACCESS_LOG_READ, resource)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await entries_page(session, tenant_id, request, wanted)
        await self.looked(actor, tenant_id, "access log")
        return page


def _by_purpose(actor: Actor, tenant_ids: Collection[UUID], purpose: str) -> dict[str, list[UUID]]:
    """What was looked at with the glass broken says so in the tenant's log."""
    found: dict[str, list[UUID]] = defaultdict(list)
    for tenant_id in tenant_ids:
        emergency = actor.emergency(tenant_id)
        found[purpose if emergency is None else f"{purpose}, break-glass {emergency}"].append(tenant_id)
    return found


def scope_of(actor: Actor, tenant_id: UUID) -> StaffScope | TenantScope:
    """The scope in which ``actor`` reads a tenant: staff by their own role, a customer in its own."""
    return StaffScope() if actor.is_staff else TenantScope(tenant_id)
