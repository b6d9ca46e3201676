"""One period over all tenants, for staff. The only module of reports that reads across tenants for people.

Every tenant that is shown finds the look in its access log.
"""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import customers_page
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.reports.record import Head
from trust_portal.reliability.reports.repository import heads_of_period
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant and where its period stands; ``head`` is ``None`` while nobody has tried to report."""

    tenant: Tenant
    head: Head | None


class Overview:
    """Where every tenant's reports stand."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def page(self, actor: Actor, period: str, request: PageRequest) -> Page[Standing]:
        """Customers by key with the state of ``period``, departed ones too."""
        parse_period(period, "UTC")
        await self._gate.require(actor, Action.SLA_RUN_READ, Resource.of_house("SLA overview"))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            page = await customers_page(session, request)
            heads = {head.tenant_id: head for head in await heads_of_period(session, period)}
        tenants = [tenant.id for tenant in page.items]
        await self._access_log.trace(actor, tenants, Access(Verb.READ, "SLA overview", period))
        standings = tuple(Standing(tenant, heads.get(tenant.id)) for tenant in page.items)
        return Page(standings, page.cursors, page.has_next, page.has_previous)
