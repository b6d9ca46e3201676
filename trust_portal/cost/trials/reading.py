"""What the live detector and the one on trial found, side by side, and how good the finds were. For staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.kpis.model import WINDOW
from trust_portal.cost.trials.comparison import Comparison, compare
from trust_portal.cost.trials.quality import Judgement
from trust_portal.cost.trials.repository import finds, judgements
from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """Of anomalies that began in ``start`` <= time < ``end``; suppressed ones count, detection found them.

    ``judgements`` by lane, detector, tenant and subsystem.
    """

    start: datetime
    end: datetime
    comparison: Comparison
    judgements: tuple[Judgement, ...]


class DetectorReports:
    """Reads what is on record; nothing is stored, so nothing can be out of date."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def report(
        self, actor: Actor, tenant_id: UUID, start: datetime | None = None, end: datetime | None = None
    ) -> DetectorReport:
        """Of one tenant, or at the vendor of all; of the last four weeks unless said otherwise."""
        everybody = tenant_id == VENDOR_ID
        if everybody:
            await self._gate.require(actor, Action.ALL_COST_READ, Resource.of_house("detectors"))
        else:
            await self._gate.require(actor, Action.THRESHOLD_READ, Resource("detectors", tenant_id))
        end = end or self._storage.clock.now()
        start = start or end - WINDOW
        if not start < end:
            raise InvalidInput("a period ends after it begins", field="since")
        whose = None if everybody else tenant_id
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            live, shadow = [
                [find for find, _ in await finds(session, whose, lane, start, end)]
                for lane in (Lane.LIVE, Lane.SHADOW)
            ]
            judged = await judgements(session, whose, start, end)
        concerned = {each.tenant_id for each in judged if each.tenant_id is not None} | {tenant_id}
        await self._access_log.trace(
            actor, sorted(concerned), Access(Verb.READ, "anomaly", "", "quality of detection")
        )
        return DetectorReport(start, end, compare(live, shadow), judged)
