"""What is done with tenants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.tenants.model import CreateTenant, SetResidency, Tenant
from trust_portal.access.tenants.repository import (
    active_customers,
    change_residency,
    customers_page,
    find_tenant,
    insert_tenant,
    mark_offboarded,
    tenants_by_id,
    tenants_by_key,
)
from trust_portal.access.tenants.telling import tell_residency
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.looking_again import look_again
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


class Tenants:
    """Creates, finds and lists tenants; every staff read leaves a trace with the tenant."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def create(self, command: CreateTenant, actor: Actor) -> Tenant:
        """Raises ``Conflict`` where the key is taken."""
        decision = await self._gate.require(actor, Action.TENANTS_CREATE, Resource.of_house("tenant"))
        now = self._storage.clock.now()
        tenant = Tenant(
            id=new_id(),
            key=command.key,
            name=command.name.strip(),
            time_zone=command.time_zone,
            residency=command.residency,
            created_at=now,
            onboarded_at=command.onboarded_at or now,
            offboarded_at=None,
        )
        async with self._storage.write(TenantScope(tenant.id)) as session:
            await insert_tenant(session, tenant)
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.TENANT_CREATED,
                tenant_id=tenant.id,
                actor=actor,
                decision=decision,
                subject=f"tenant/{tenant.id}",
                result={
                    "key": tenant.key,
                    "name": tenant.name,
                    "time_zone": tenant.time_zone,
                    "residency": tenant.residency,
                    "onboarded_at": rfc3339(tenant.onboarded_at),
                },
            )
        return tenant

    async def offboard(self, tenant_id: UUID, actor: Actor) -> Tenant:
        """End the service: its people and tokens are locked out, its evidence stays.

        Raises ``Conflict`` for the vendor and for a tenant that has left already.
        """
        decision = await self._gate.require(actor, Action.TENANTS_OFFBOARD, Resource.of_house("tenant"))
        if tenant_id == VENDOR_ID:
            raise Conflict("the vendor cannot leave its own installation")
        async with self._storage.write(TenantScope(tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            now = session.clock.now()
            if not await mark_offboarded(session, tenant_id, now):
                raise Conflict("this tenant has left already")
            await leave_receipt(
                self._ledger,
                session,
                ReceiptKind.TENANT_OFFBOARDED,
                tenant_id=tenant_id,
                actor=actor,
                decision=decision,
                subject=f"tenant/{tenant_id}",
                result={"key": tenant.key, "offboarded_at": rfc3339(now)},
            )
        return replace(tenant, offboarded_at=now)

    async def set_residency(self, command: SetResidency, actor: Actor) -> Tenant:
        """Put on record what is agreed now about where the customer's data stays; posture is looked at again.

        The administrators of both sides are told.         Raises ``Denied``; ``NotFound`` for the vendor and where there is no such customer; ``Conflict``: UNCHANGED,
        HAS_LEFT, and STALE where somebody was quicker.
        """
        tenant_id = command.tenant_id
        decision = await self._gate.require(
            actor, Action.RESIDENCY_SET, Resource("agreed residency", tenant_id)
        )
        if tenant_id == VENDOR_ID:
            raise NotFound("customer")
        async with self._storage.write(TenantScope(tenant_id)) as session:
            before = await find_tenant(session, tenant_id)
            if before is None:
                raise NotFound("customer")
            if not before.active:
                raise Conflict("this customer has left", code="HAS_LEFT")
            if before.residency == command.residency:
                raise Conflict("that is what is agreed already", code="UNCHANGED", field="residency")
            if not await change_residency(session, before, command.residency):
                raise Conflict("what is agreed was changed meanwhile", code="STALE")
            result = {"residency": command.residency or None, "before": before.residency or None}
            act = Act(
                kind=ReceiptKind.TENANT_RESIDENCY_SET,
                tenant_id=tenant_id,
                actor=actor,
                at=session.clock.now(),
                subjects=(Subject(f"tenant/{tenant_id}/residency", digest(result)),),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
                rationale=command.reason,
            )
            receipt = await self._ledger.record(session, act)
            await tell_residency(session, before, command, actor, receipt.id)
            await look_again(session, tenant_id)
        return replace(before, residency=command.residency)

    async def get(self, actor: Actor, tenant_id: UUID, *, purpose: str = "") -> Tenant:
        """Raises ``NotFound`` for one that is absent or not the actor's to see."""
        await self._gate.require(actor, Action.PROFILE_READ, Resource.tenant(tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        await self._access_log.looked(actor, tenant_id, "tenant", tenant.key, purpose)
        return tenant

    async def by_key(self, actor: Actor, key: str, *, purpose: str = "") -> Tenant:
        """By external key; an active one. Raises ``NotFound`` like ``get``."""
        # A customer asks the registry in its own scope, where only its own key exists.
        async with self._storage.read(scope_of(actor, actor.tenant_id)) as session:
            found = await tenants_by_key(session, [key])
        if key not in found:
            # To a customer every other key reads the same; staff may be told which one is mistyped.
            raise NotFound(f"tenant {key!r}" if actor.is_staff else "tenant")
        return await self.get(actor, found[key], purpose=purpose)

    async def page(
        self, actor: Actor, request: PageRequest, *, purpose: str = "list of tenants", words: str = ""
    ) -> Page[Tenant]:
        """Customers by key, all or those with ``words`` in key or name, for staff.

        Each listed tenant finds it in its access log.
        """
        await self._gate.require(actor, Action.TENANTS_READ, Resource.of_house("list of tenants"))
        async with self._storage.read(StaffScope()) as session:
            page = await customers_page(session, request, words.strip())
        await self._access_log.trace(
            actor, [tenant.id for tenant in page.items], Access(Verb.READ, "tenant", "", purpose)
        )
        return page

    async def in_service(self, actor: Actor, *, purpose: str) -> tuple[Tenant, ...]:
        """Every customer in service, by key: what a run over all tenants covers."""
        await self._gate.require(actor, Action.TENANTS_READ, Resource.of_house("list of tenants"))
        async with self._storage.read(StaffScope()) as session:
            customers = await active_customers(session)
        await self._access_log.trace(
            actor, [tenant.id for tenant in customers], Access(Verb.READ, "tenant", "", purpose)
        )
        return customers

    async def named(
        self, actor: Actor, tenant_ids: Collection[UUID], *, purpose: str = "list of tenants"
    ) -> dict[UUID, Tenant]:
        """Tenants by id, for lists over many; each of them finds it in its access log."""
        await self._gate.require(actor, Action.TENANTS_READ, Resource.of_house("list of tenants"))
        async with self._storage.read(StaffScope()) as session:
            found = await tenants_by_id(session, tenant_ids)
        await self._access_log.trace(actor, list(found), Access(Verb.READ, "tenant", "", purpose))
        return found
