"""Anomalies as people see and judge them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies import repository
from trust_portal.cost.anomalies.model import (
    AnomalyFilter,
    CostAnomaly,
    Feedback,
    GiveFeedback,
    HourPoint,
    Lane,
)
from trust_portal.cost.anomalies.repository import AnomalyCounts
from trust_portal.cost.metering.model import Series
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

_HOUR = timedelta(hours=1)


class Anomalies:
    """Finds anomalies of one tenant, or for staff of all, and takes feedback on them."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def page(self, actor: Actor, wanted: AnomalyFilter, request: PageRequest) -> Page[CostAnomaly]:
        """Newest first. Without a tenant in the filter: of every tenant, for staff."""
        scope = await self._scope(actor, wanted)
        async with self._storage.read(scope) as session:
            page = await repository.anomalies_page(session, wanted, request)
        if actor.is_staff:
            tenants = [each.tenant_id for each in page.items]
            await self._access_log.trace(actor, tenants, Access(Verb.READ, "anomaly", "", "anomalies"))
        return page

    async def counts(self, actor: Actor, wanted: AnomalyFilter) -> AnomalyCounts:
        """How many a filter finds, in all and by state, severity and subsystem."""
        scope = await self._scope(actor, wanted)
        async with self._storage.read(scope) as session:
            counts = await repository.count_anomalies(session, wanted)
        if wanted.tenant_id is not None:
            await self._access_log.looked(actor, wanted.tenant_id, "anomaly", purpose="anomalies")
        return counts

    async def get(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> CostAnomaly:
        """``NotFound`` for one that is absent, of another tenant, or found in shadow and not for the actor."""
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, anomaly_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            anomaly = await repository.get_anomaly(session, tenant_id, anomaly_id)
        if anomaly.lane is Lane.SHADOW and not actor.is_staff:
            raise NotFound("anomaly")
        await self._access_log.looked(actor, tenant_id, "anomaly", str(anomaly_id), "anomalies")
        return anomaly

    async def timeline(
        self,
        actor: Actor,
        tenant_id: UUID,
        anomaly_id: UUID,
        *,
        before: timedelta = timedelta(days=3),
        after: timedelta = timedelta(days=1),
    ) -> tuple[HourPoint, ...]:
        """Cost and expectation of the anomaly's series, hour by hour, with what lay around it."""
        anomaly = await self.get(actor, tenant_id, anomaly_id)
        start, end = anomaly.started_at - before, anomaly.last_at + _HOUR + after
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            return await repository.timeline(session, tenant_id, anomaly.series, start, end)

    async def series(
        self, actor: Actor, tenant_id: UUID, subsystem: str, currency: str, start: datetime, end: datetime
    ) -> tuple[HourPoint, ...]:
        """Cost and expectation of any series over ``start`` <= hour < ``end``."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            series = Series(subsystem, currency)
            found = await repository.timeline(session, tenant_id, series, start, end)
        await self._access_log.looked(actor, tenant_id, "cost", subsystem, "cost")
        return found

    async def feedback(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> tuple[Feedback, ...]:
        """All that was said of an anomaly, newest first; the newest counts."""
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, anomaly_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.feedback_of(session, tenant_id, anomaly_id)
        await self._access_log.looked(actor, tenant_id, "anomaly", str(anomaly_id), "anomalies")
        return found

    async def give_feedback(self, command: GiveFeedback, actor: Actor) -> Feedback:
        """Say what an anomaly was; said again, the last word counts and the others stay on record."""
        resource = Resource("anomaly", command.tenant_id, command.anomaly_id)
        decision = await self._gate.require(actor, Action.ANOMALY_ASSESS, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            anomaly = await repository.get_anomaly(session, command.tenant_id, command.anomaly_id, lock=True)
            result = {
                "anomaly": str(anomaly.id),
                "verdict": command.verdict.value,
                "previous": None if anomaly.verdict is None else anomaly.verdict.value,
                "detector": {"name": anomaly.detector, "version": anomaly.detector_version},
            }
            id_, now = new_id(), session.clock.now()
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.ANOMALY_FEEDBACK,
                    tenant_id=command.tenant_id,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"anomaly/{anomaly.id}/feedback/{id_}", digest(result)),),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.note,
                ),
            )
            feedback = Feedback(id_, anomaly.id, command.verdict, command.note, now, actor.name, receipt.id)
            await repository.add_feedback(session, command.tenant_id, feedback, actor)
        return feedback

    async def _scope(self, actor: Actor, wanted: AnomalyFilter) -> StaffScope | TenantScope:
        """Shadow finds, and those of all tenants, are for staff."""
        if wanted.tenant_id is None or wanted.lane is Lane.SHADOW:
            await self._gate.require(actor, Action.ALL_COST_READ, Resource.of_house("anomaly"))
        if wanted.tenant_id is None:
            return StaffScope()
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", wanted.tenant_id))
        return scope_of(actor, wanted.tenant_id)
