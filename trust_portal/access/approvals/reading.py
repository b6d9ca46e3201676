"""Requests as people find them: what waits for them, what became of what."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals import inbox_repository
from trust_portal.access.approvals.inbox import ApprovalFilter, ApprovalView, view_of
from trust_portal.access.approvals.model import NOUN, person_behind
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import Scope, StaffScope
from trust_portal.storage.unit_of_work import Storage

_PURPOSE = "approvals"


class ApprovalInbox:
    """Staff reads requests of all tenants and leaves its line with each; a customer reads its own."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog, approvals: Approvals) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._approvals = approvals

    async def page(self, actor: Actor, wanted: ApprovalFilter, request: PageRequest) -> Page[ApprovalView]:
        """Newest first. Without a tenant in the filter: of every tenant, for staff."""
        if wanted.tenant_id is None:
            await self._gate.require(actor, Action.ALL_APPROVALS_READ, Resource.of_house(NOUN))
            scope: Scope = StaffScope()
        else:
            await self._gate.require(actor, Action.APPROVAL_READ, Resource(NOUN, wanted.tenant_id))
            scope = scope_of(actor, wanted.tenant_id)
        now = self._storage.clock.now()
        people = await self._approvals.holders(frozenset(Role))
        roles = next((each.roles for each in people if each.person_id == person_behind(actor)), {})
        async with self._storage.read(scope) as session:
            page = await inbox_repository.approvals_page(
                session, wanted, request, person_id=person_behind(actor), roles=roles, now=now
            )
        tenants = {each.request.tenant_id for each in page.items}
        if actor.is_staff:
            await self._access_log.trace(actor, tenants, Access(Verb.READ, NOUN, "", _PURPOSE))
        elif wanted.tenant_id is not None:
            await self._access_log.looked(actor, wanted.tenant_id, NOUN, purpose=_PURPOSE)
        approvers = {tenant_id: self._approvals.allowed(people, tenant_id) for tenant_id in tenants}
        views = tuple(view_of(each, approvers[each.request.tenant_id], actor, now) for each in page.items)
        return Page(views, page.cursors, page.has_next, page.has_previous)

    async def get(self, actor: Actor, tenant_id: UUID, request_id: UUID) -> ApprovalView:
        """``NotFound`` for one that is absent or not the actor's to see."""
        await self._gate.require(actor, Action.APPROVAL_READ, Resource(NOUN, tenant_id, request_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            approval = await load(session, tenant_id, request_id)
        await self._access_log.looked(actor, tenant_id, NOUN, str(request_id), _PURPOSE)
        people = await self._approvals.holders(approval.request.roles)
        approvers = self._approvals.allowed(people, tenant_id)
        return view_of(approval, approvers, actor, self._storage.clock.now())

    async def waiting_for(self, actor: Actor) -> int:
        """How many requests the actor could decide on now; for the navigation, so nothing is shown."""
        if not self._gate.allows(actor, Action.APPROVAL_DECIDE, Resource(NOUN, VENDOR_ID)):
            return 0
        people = await self._approvals.holders(actor.roles)
        roles = next((each.roles for each in people if each.person_id == person_behind(actor)), {})
        async with self._storage.read(StaffScope()) as session:
            return await inbox_repository.count_waiting(
                session, person_id=person_behind(actor), roles=roles, now=self._storage.clock.now()
            )
