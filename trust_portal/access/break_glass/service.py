"""Breaking the glass, putting it back, and seeing who did.

What it permits is written in ``policies/break_glass.cedar`` and nowhere else: an open grant makes its
holder an actor with ``glass`` (``Sessions.authenticate``), and the policies do the rest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.model import ApprovalKind, person_behind
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.break_glass import receipts, repository
from trust_portal.access.break_glass.model import (
    NOUN,
    CloseBreakGlass,
    Emergency,
    GlassState,
    Grant,
    OpenBreakGlass,
    Record,
    Unreviewed,
)
from trust_portal.access.break_glass.reviewing import GlassReviews
from trust_portal.access.break_glass.telling import tell_opened
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant, tenants_by_id
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import Scope, StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

_PURPOSE: Final = "emergency access"
#: Its time is over once it is past, not at it.
_AFTER: Final = timedelta(seconds=1)


class BreakGlass:
    """For doors. What time and reviewers do to it is ``GlassReviews``'."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        access_log: AccessLog,
        approvals: Approvals,
        reviews: GlassReviews,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._approvals = approvals
        self._reviews = reviews

    async def open(self, command: OpenBreakGlass, actor: Actor) -> Emergency:
        """From the next request on the actor has what the policies say. Everybody is told.

        Raises ``Conflict``: ``ALREADY_OPEN``, or ``UNFULFILLABLE`` where two others could not review it.
        """
        decision = await self._gate.require(actor, Action.BREAK_GLASS_OPEN, Resource(NOUN, command.tenant_id))
        kind = ApprovalKind.BREAK_GLASS_REVIEW
        reviewers = await self._approvals.who_could(kind, command.tenant_id)
        self._approvals.require_fulfillable(kind, command.tenant_id, person_behind(actor), reviewers)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            now = session.clock.now()
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            before = await repository.latest_of(session, tenant.id, person_behind(actor))
            if before is not None and before.state(now) is GlassState.OPEN:
                raise Conflict(
                    f"you have broken the glass for this tenant already, until"
                    f" {before.grant.until:%Y-%m-%d %H:%M} UTC",
                    code="ALREADY_OPEN",
                )
            grant = Grant(
                id=new_id(),
                tenant_id=tenant.id,
                number=1 if before is None else before.grant.number + 1,
                person_id=person_behind(actor),
                person_name=actor.name,
                reason=command.reason,
                opened_at=now,
                until=now + command.lasts,
                receipt_id=new_id(),
            )
            act = receipts.opened(grant, actor, decision.policies, decision.version)
            await self._ledger.record(session, act, receipt_id=grant.receipt_id)
            await repository.add_grant(session, grant)
            await tell_opened(session, grant, tenant)
            await session.enqueue(
                Job.ATTEND_BREAK_GLASS,
                {"tenant": str(tenant.id), "grant": str(grant.id)},
                dedupe_key=f"{Job.ATTEND_BREAK_GLASS}/{grant.id}/end",
                due_at=grant.until + _AFTER,
            )
        return Emergency(grant)

    async def close(self, command: CloseBreakGlass, actor: Actor) -> Emergency:
        """End it before its time, by who broke the glass or by who looks after security; the review begins.

        Raises ``Conflict`` (``NOT_OPEN``) where it is over.
        """
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            found = await repository.find_emergency(session, command.tenant_id, command.grant_id)
        holder = None if found is None else found.grant.person_id
        decision = await self._gate.require(
            actor, Action.BREAK_GLASS_CLOSE, Resource(NOUN, command.tenant_id, command.grant_id, holder)
        )
        if found is None:
            raise NotFound(NOUN)
        return await self._reviews.close(found.grant, actor, command.reason, decision)

    async def page(self, actor: Actor, tenant_id: UUID | None, request: PageRequest) -> Page[Emergency]:
        """Newest first. Without a tenant: of every tenant, for staff."""
        if tenant_id is None:
            await self._gate.require(actor, Action.ALL_BREAK_GLASS_READ, Resource.of_house(NOUN))
            scope: Scope = StaffScope()
        else:
            await self._gate.require(actor, Action.BREAK_GLASS_READ, Resource(NOUN, tenant_id))
            scope = scope_of(actor, tenant_id)
        async with self._storage.read(scope) as session:
            page = await repository.emergencies_page(session, tenant_id, request)
        if tenant_id is not None:
            await self._access_log.looked(actor, tenant_id, NOUN, purpose=_PURPOSE)
        else:
            tenants = {each.grant.tenant_id for each in page.items}
            await self._access_log.trace(actor, tenants, Access(Verb.READ, NOUN, "", _PURPOSE))
        return page

    async def get(self, actor: Actor, tenant_id: UUID, grant_id: UUID) -> tuple[Emergency, Record]:
        """One with what was done under it. ``NotFound`` for one that is absent or not the actor's to see."""
        await self._gate.require(actor, Action.BREAK_GLASS_READ, Resource(NOUN, tenant_id, grant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.find_emergency(session, tenant_id, grant_id)
            if found is None:
                raise NotFound(NOUN)
            record = await repository.record_of(session, found)
        await self._access_log.looked(actor, tenant_id, NOUN, str(grant_id), _PURPOSE)
        return found, record

    async def unreviewed(self, actor: Actor) -> tuple[Unreviewed, ...]:
        """What is open or waits for its review, of all tenants; for the banner, so no line is left."""
        if not self._gate.allows(actor, Action.ALL_BREAK_GLASS_READ, Resource.of_house(NOUN)):
            return ()
        async with self._storage.read(StaffScope()) as session:
            found = await repository.unreviewed(session)
            tenants = await tenants_by_id(session, {each.grant.tenant_id for each in found}) if found else {}
        now = self._storage.clock.now()
        return tuple(
            Unreviewed(each, tenant.key, tenant.name, each.state(now) is GlassState.OPEN)
            for each in found
            for tenant in (tenants[each.grant.tenant_id],)
        )
