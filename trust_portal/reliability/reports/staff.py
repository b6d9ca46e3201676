"""One period over all tenants, for staff. The only module of reports that reads across tenants for people.

Every tenant that is shown finds the look in its access log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

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
from trust_portal.reliability.reports.record import Head, Tally
from trust_portal.reliability.reports.repository import heads_of_period, tallies_of_everybody
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant and where its period stands; ``head`` is ``None`` while nobody has tried to report.

    ``tally``: what became of the objectives of the latest signed report.
    """

    tenant: Tenant
    head: Head | None
    tally: Tally | None


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
            signed = [heads[id_].signed_id for id_ in tenants if id_ in heads]
            tallies = await tallies_of_everybody(session, [each for each in signed if each is not None])
        await self._access_log.trace(actor, tenants, Access(Verb.READ, "SLA overview", period))
        standings = tuple(_standing(tenant, heads.get(tenant.id), tallies) for tenant in page.items)
        return Page(standings, page.cursors, page.has_next, page.has_previous)


def _standing(tenant: Tenant, head: Head | None, tallies: Mapping[UUID, Tally]) -> Standing:
    signed = None if head is None else head.signed_id
    return Standing(tenant, head, None if signed is None else tallies.get(signed))
