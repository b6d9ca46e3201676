"""The figures of the loop, for one tenant and overall, and for the operator's own monitoring."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import Gauge

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.kpis.calculation import kpis
from trust_portal.cost.kpis.model import WINDOW, CostKpis, Durations
from trust_portal.cost.kpis.repository import episodes
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage

#: Monitoring may ask as often as it likes.
_PUBLISHED_EVERY: Final = 60.0

_unexplained = Gauge(
    "trust_portal_cost_unexplained_spend",
    "Unexplained spend of four weeks in major units, over all tenants.",
    ("currency", "window"),
)
_took = Gauge(
    "trust_portal_cost_time_seconds",
    "Median time to detect, explain and recover from anomalies of the last four weeks.",
    ("step",),
)
_open = Gauge("trust_portal_cost_anomalies_open", "Anomalies that are open, of the last four weeks.")
_found = Gauge("trust_portal_cost_anomalies", "Anomalies that began in the last four weeks.")
_false = Gauge(
    "trust_portal_cost_false_positive_ratio",
    "Anomalies judged false, of those judged; NaN while there are none.",
)


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

    async def publish(self) -> None:
        """Bring the Prometheus gauges of this process up to date, at most once a minute."""
        now = self._storage.clock.now()
        if self._published_at and (now - self._published_at).total_seconds() < _PUBLISHED_EVERY:
            return
        self._published_at = now
        overall = await self.overall(SYSTEM, now)
        _unexplained.clear()
        for currency, amounts in overall.unexplained.items():
            _unexplained.labels(currency, "current").set(float(amounts.current))
            _unexplained.labels(currency, "baseline").set(float(amounts.baseline))
        for step, durations in (
            ("detect", overall.to_detect),
            ("explain", overall.to_explain),
            ("recover", overall.to_recover),
        ):
            _took.labels(step).set(_seconds(durations))
        _open.set(overall.open)
        _found.set(overall.anomalies)
        rate = overall.false_positive_rate
        _false.set(math.nan if rate is None else float(rate))


def _seconds(durations: Durations) -> float:
    return math.nan if durations.median is None else durations.median.total_seconds()
