"""Reading credits, for those who may; every look by staff, auditors and tokens leaves its line."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.model import Approval
from trust_portal.access.approvals.recording import load
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict
from trust_portal.evidence.export import Export
from trust_portal.evidence.exports import Exports
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.credits.calculations_repository import (
    calculations_of,
    find_calculation_document,
)
from trust_portal.reliability.credits.claims_repository import claims_page
from trust_portal.reliability.credits.model import KIND, CreditState
from trust_portal.reliability.credits.owing import owing_of
from trust_portal.reliability.credits.record import StoredCalculation, StoredClaim, StoredCredit
from trust_portal.reliability.credits.repository import (
    credits_of_period,
    credits_page,
    find_credit,
    find_memo,
)
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage


class Credits:
    """The credits of all tenants, with what each rests on."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog, exports: Exports) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._exports = exports

    async def page(
        self,
        actor: Actor,
        tenant_id: UUID,
        request: PageRequest,
        *,
        period: str | None = None,
        state: CreditState | None = None,
    ) -> Page[StoredCredit]:
        """A tenant's credits, newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await credits_page(session, tenant_id, request, period=period, state=state)
        await self._looked(actor, tenant_id)
        return page

    async def everybodys(
        self,
        actor: Actor,
        request: PageRequest,
        *,
        period: str | None = None,
        state: CreditState | None = None,
    ) -> Page[StoredCredit]:
        """The credits of all tenants, for staff; each tenant shown finds the look in its access log."""
        await self._gate.require(actor, Action.ALL_CREDITS_READ, Resource.of_house("credit"))
        async with self._storage.read(StaffScope()) as session:
            page = await credits_page(session, None, request, period=period, state=state)
        tenants = {each.tenant_id for each in page.items}
        await self._access_log.trace(actor, tenants, Access(Verb.READ, "credits"))
        return page

    async def get(self, actor: Actor, tenant_id: UUID, credit_id: UUID) -> StoredCredit:
        """One credit; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id, credit_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            credit = await find_credit(session, tenant_id, credit_id)
        await self._looked(actor, tenant_id, str(credit_id))
        return credit

    async def of_period(self, actor: Actor, tenant_id: UUID, period: str) -> tuple[StoredCredit, ...]:
        """Every credit of a period, oldest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await credits_of_period(session, tenant_id, period)
        await self._looked(actor, tenant_id)
        return found

    async def approval(self, actor: Actor, credit: StoredCredit) -> Approval:
        """What was asked of the approvers, and what they did."""
        await self._may_read(actor, credit.tenant_id, credit.id)
        async with self._storage.read(scope_of(actor, credit.tenant_id)) as session:
            return await load(session, credit.tenant_id, credit.request_id)

    async def calculation(self, actor: Actor, tenant_id: UUID, calculation_id: UUID) -> bytes:
        """A calculation's RFC 8785 bytes, whose digest its receipt signs."""
        document = await self._calculation(actor, tenant_id, calculation_id)
        await self._looked(actor, tenant_id, str(calculation_id), what="credit calculation")
        return document

    async def calculation_source(self, actor: Actor, tenant_id: UUID, calculation_id: UUID) -> bytes:
        """``calculation``, to be taken along. Always leaves its line."""
        document = await self._calculation(actor, tenant_id, calculation_id)
        await self._access_log.fetched(
            actor, tenant_id, "credit calculation", str(calculation_id), "service levels"
        )
        return document

    async def calculations(
        self, actor: Actor, tenant_id: UUID, period: str | None = None
    ) -> tuple[StoredCalculation, ...]:
        """Every calculation on record, oldest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await calculations_of(session, tenant_id, period)
        await self._looked(actor, tenant_id)
        return found

    async def due(self, actor: Actor, tenant_id: UUID) -> tuple[StoredCalculation, ...]:
        """What is due by the newest signed reports and is not on its way, newest period first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id), snapshot=True) as session:
            found = await owing_of(session, tenant_id, self._storage.clock.now())
        await self._looked(actor, tenant_id)
        return found.due

    async def claims(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[StoredClaim]:
        """What the customer claimed, newest first, with what became of it."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await claims_page(session, tenant_id, request)
        await self._looked(actor, tenant_id)
        return page

    async def memo(self, actor: Actor, tenant_id: UUID, credit_id: UUID) -> bytes:
        """The memo's RFC 8785 bytes; ``NotFound`` for a credit that was not issued."""
        await self._may_read(actor, tenant_id, credit_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            document = await find_memo(session, tenant_id, credit_id)
        await self._looked(actor, tenant_id, str(credit_id))
        return document

    async def request_bundle(self, actor: Actor, tenant_id: UUID, credit_id: UUID) -> Export:
        """The memo's bundle: the one there is, or a new beginning where it failed.

        ``Conflict`` (NOT_ISSUED) for a credit without a memo.
        """
        await self._gate.require(actor, Action.EXPORT_REQUEST, Resource("credit", tenant_id, credit_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            credit = await find_credit(session, tenant_id, credit_id)
            if credit.issue is None:
                raise Conflict("a credit that was not issued has no memo", code="NOT_ISSUED")
            return await self._exports.request(
                session, kind=KIND, tenant_id=tenant_id, subject_id=credit.id, revision=1, actor=actor
            )

    async def _calculation(self, actor: Actor, tenant_id: UUID, calculation_id: UUID) -> bytes:
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            return await find_calculation_document(session, tenant_id, calculation_id)

    async def _may_read(self, actor: Actor, tenant_id: UUID, credit_id: UUID | None = None) -> None:
        await self._gate.require(actor, Action.CREDIT_READ, Resource("credit", tenant_id, credit_id))

    async def _looked(
        self, actor: Actor, tenant_id: UUID, subject: str = "", *, what: str = "credits"
    ) -> None:
        """``subject`` is the id of a ``what``: its line in the log leads there."""
        await self._access_log.looked(actor, tenant_id, what, subject, "service levels")
