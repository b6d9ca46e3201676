"""From sightings to anomalies: opened once, merged, kept up to date, closed; each with its receipt.

What came late changes the figures of an anomaly and never how many there are: a sighting that
overlaps a known anomaly of its series *is* that anomaly, and one that is not seen any more stays,
with the figures its hours now have. A suppression silences an anomaly as long as it covers its last hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from trust_portal.cost.anomalies import following, repository
from trust_portal.cost.anomalies.model import AnomalyState, CostAnomaly, Figures, Lane
from trust_portal.cost.anomalies.receipts import anomaly_act
from trust_portal.cost.anomalies.telling import tell_if_serious
from trust_portal.cost.anomalies.watching import Sighting
from trust_portal.cost.metering.model import Series
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.unit_of_work import WriteSession

#: What raised an anomaly (thresholds in force), and the suppression it falls under.
Evidence = Callable[[Series, datetime], dict[str, Any]]
Suppressed = Callable[[Series, datetime], UUID | None]


class Recorder:
    """Writes down what one close saw of one tenant, in the transaction that saves the close."""

    def __init__(self, session: WriteSession, ledger: Ledger, tenant_id: UUID, lane: Lane) -> None:
        self._session = session
        self._ledger = ledger
        self._tenant_id = tenant_id
        self._lane = lane

    async def record(
        self,
        sightings: Iterable[Sighting],
        start: datetime,
        *,
        evidence: Evidence,
        suppressed: Suppressed,
        quiet_until: datetime | None = None,
    ) -> None:
        """Take in what was seen of the hours after ``start``.

        Nothing new is opened that was to be seen by ``quiet_until``: another detector looked there.
        """
        known = list(await repository.touching(self._session, self._tenant_id, self._lane, start))
        seen: set[UUID] = set()
        for sighting in sorted(sightings, key=lambda each: (each.anomaly.start, each.series)):
            matches = [each for each in known if following.is_of(each, sighting)]
            if matches:
                stands = await self._follow(matches[0], sighting, suppressed, again=matches[0].id in seen)
                known[known.index(matches[0])] = stands
                seen |= {each.id for each in matches}
                for other in matches[1:]:
                    await self._change(other, following.merged(other, stands))
            elif quiet_until is None or sighting.anomaly.detected_at > quiet_until:
                opened = await self._open(sighting, evidence, suppressed)
                known.append(opened)
                seen.add(opened.id)
        for anomaly in known:
            if anomaly.id not in seen and "merged_into" not in anomaly.evidence:
                await self._keep(anomaly)

    async def _open(self, sighting: Sighting, evidence: Evidence, suppressed: Suppressed) -> CostAnomaly:
        found = sighting.anomaly
        anomaly = following.opened(
            sighting,
            await self._figures(sighting.series, found.start, sighting.last),
            self._session.clock.now(),
            id=new_id(),
            tenant_id=self._tenant_id,
            lane=self._lane,
            evidence=evidence(sighting.series, found.detected_at),
            suppression_id=suppressed(sighting.series, sighting.last),
        )
        if self._lane is Lane.LIVE:
            act = anomaly_act(ReceiptKind.ANOMALY_OPENED, anomaly, SYSTEM)
            receipt = await self._ledger.record(self._session, act)
            anomaly = replace(anomaly, opened_receipt_id=receipt.id)
        await repository.add_anomaly(self._session, anomaly)
        await self._ask_why(anomaly)
        if sighting.ended:
            return await self._keep(anomaly)
        await tell_if_serious(self._session, anomaly)
        return anomaly

    async def _follow(
        self, anomaly: CostAnomaly, sighting: Sighting, suppressed: Suppressed, *, again: bool
    ) -> CostAnomaly:
        """``again``: another sighting of this run belongs to the same anomaly.

        What was over keeps the suppression that it fell under, so that none can be made for it afterwards.
        """
        followed = following.followed(anomaly, sighting, again=again)
        if anomaly.is_open or followed.is_open:
            followed = replace(followed, suppression_id=suppressed(followed.series, followed.last_at))
        followed = await self._change(anomaly, followed)
        await tell_if_serious(self._session, followed)
        return followed

    async def _keep(self, anomaly: CostAnomaly) -> CostAnomaly:
        """Not seen any more: its hours count as they are now, and it is over."""
        return await self._change(anomaly, replace(anomaly, state=AnomalyState.CLOSED))

    async def _change(self, anomaly: CostAnomaly, changed: CostAnomaly) -> CostAnomaly:
        figures = await self._figures(changed.series, changed.started_at, changed.last_at)
        changed = following.refigured(anomaly, changed, figures, self._session.clock.now())
        if changed is anomaly:
            return anomaly
        if not changed.is_open and self._lane is Lane.LIVE:
            act = anomaly_act(ReceiptKind.ANOMALY_CLOSED, changed, SYSTEM)
            receipt = await self._ledger.record(self._session, act)
            changed = replace(changed, closed_receipt_id=receipt.id)
        await repository.change_anomaly(self._session, changed)
        await self._ask_why(changed)
        return changed

    async def _ask_why(self, anomaly: CostAnomaly) -> None:
        """Other figures want another explanation. Asked by revision: one that is being made may miss this."""
        if self._lane is Lane.LIVE and "merged_into" not in anomaly.evidence:
            ids = {"tenant": str(anomaly.tenant_id), "anomaly": str(anomaly.id)}
            key = f"{Job.EXPLAIN_ANOMALY}/{anomaly.id}/{anomaly.revision}"
            await self._session.enqueue(Job.EXPLAIN_ANOMALY, ids, dedupe_key=key)

    async def _figures(self, series: Series, first: datetime, last: datetime) -> Figures:
        return await repository.figures(self._session, self._tenant_id, series, first, last)
