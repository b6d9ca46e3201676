"""The figures of the loop, for one tenant and overall, and for the operator's own monitoring."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.kpis.calculation import kpis
from trust_portal.cost.kpis.exposition import Gauges
from trust_portal.cost.kpis.model import WINDOW, CostKpis
from trust_portal.cost.kpis.repository import episodes
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage

#: Monitoring may ask as often as it likes.
_PUBLISHED_EVERY: Final = 60.0

_gauges = Gauges(REGISTRY)


class Kpis:
    """Reads anomalies and calculates; nothing is stored, so nothing can be out of date."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._published_at: datetime | None = None

    async def of_tenant(self, actor: Actor, tenant_id: UUID, at: datetime | None = None) -> CostKpis:
        """The four weeks up to ``at`` (now) of one tenant."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        at = at or self._storage.clock.now()
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await episodes(session, tenant_id, at - 2 * WINDOW, at)
        await self._access_log.looked(actor, tenant_id, "cost", purpose="figures of the cost loop")
        return kpis(found, at)

    async def overall(self, actor: Actor, at: datetime | None = None) -> CostKpis:
        """Of all tenants together; it names none of them."""
        await self._gate.require(actor, Action.ALL_COST_READ, Resource.of_house("cost"))
        at = at or self._storage.clock.now()
        async with self._storage.read(StaffScope()) as session:
            found = await episodes(session, None, at - 2 * WINDOW, at)
        return kpis(found, at)

    async def exposition(self, actor: Actor, tenant_id: UUID) -> bytes:
        """One tenant's figures in Prometheus' text format, for a program that may read them."""
        registry = CollectorRegistry()
        Gauges(registry).show(await self.of_tenant(actor, tenant_id))
        return generate_latest(registry)

    async def publish(self) -> None:
        """Bring the Prometheus gauges of this process up to date, at most once a minute."""
        now = self._storage.clock.now()
        if self._published_at and (now - self._published_at).total_seconds() < _PUBLISHED_EVERY:
            return
        self._published_at = now
        _gauges.show(await self.overall(SYSTEM, now))
