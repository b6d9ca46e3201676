"""From sightings to anomalies: opened once, merged, kept up to date, closed; each with its receipt.

What came late changes the figures of an anomaly and never how many there are: a sighting that
overlaps a known anomaly of its series *is* that anomaly, and one that is not seen any more stays,
with the figures its hours now have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from trust_portal.cost.anomalies import repository
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
            matches = [each for each in known if _is(each, sighting)]
            if matches:
                stands = await self._follow(matches[0], sighting, again=matches[0].id in seen)
                known[known.index(matches[0])] = stands
                seen |= {each.id for each in matches}
                for other in matches[1:]:
                    await self._merge(other, stands)
            elif quiet_until is None or sighting.anomaly.detected_at > quiet_until:
                opened = await self._open(sighting, evidence, suppressed)
                known.append(opened)
                seen.add(opened.id)
        for anomaly in known:
            if anomaly.id not in seen and "merged_into" not in anomaly.evidence:
                await self._keep(anomaly)

    async def _open(self, sighting: Sighting, evidence: Evidence, suppressed: Suppressed) -> CostAnomaly:
        found, now = sighting.anomaly, self._session.clock.now()
        figures = await self._figures(sighting.series, found.start, sighting.last)
        anomaly = CostAnomaly(
            id=new_id(),
            tenant_id=self._tenant_id,
            lane=self._lane,
            series=sighting.series,
            kind=found.reason,
            state=AnomalyState.OPEN,
            severity=found.severity,
            score=found.score,
            confidence=found.confidence,
            started_at=found.start,
            peak_at=found.peak,
            last_at=sighting.last,
            detected_at=found.detected_at,
            figures=figures,
            unexplained=max(figures.excess, Decimal(0)),
            detector=found.detector.name,
            detector_version=found.detector.version,
            evidence=evidence(sighting.series, found.detected_at),
            suppression_id=suppressed(sighting.series, found.detected_at),
            verdict=None,
            revision=1,
            opened_receipt_id=None,
            closed_receipt_id=None,
            explained_receipt_id=None,
            opened_at=now,
            explained_at=None,
            first_explained_at=None,
            closed_at=None,
            changed_at=now,
        )
        if self._lane is Lane.LIVE:
            act = anomaly_act(ReceiptKind.ANOMALY_OPENED, anomaly, SYSTEM)
            receipt = await self._ledger.record(self._session, act)
            anomaly = replace(anomaly, opened_receipt_id=receipt.id)
        await repository.add_anomaly(self._session, anomaly)
        await self._ask_why(anomaly)
        if sighting.ended:
            return await self._change(anomaly, state=AnomalyState.CLOSED)
        await tell_if_serious(self._session, anomaly)
        return anomaly

    async def _follow(self, anomaly: CostAnomaly, sighting: Sighting, *, again: bool) -> CostAnomaly:
        """``again``: another sighting of this run belongs to the same anomaly, so it holds both."""
        found = sighting.anomaly
        # What was seen before the run began is not forgotten; what the run saw replaces the rest.
        first = min(anomaly.started_at, found.start)
        louder = not again or found.score >= anomaly.score
        followed = await self._change(
            anomaly,
            state=AnomalyState.CLOSED if sighting.ended else AnomalyState.OPEN,
            started_at=first,
            last_at=max(anomaly.last_at, sighting.last) if again or anomaly.is_open else sighting.last,
            peak_at=found.peak if louder else anomaly.peak_at,
            score=found.score if louder else anomaly.score,
            confidence=found.confidence if louder else anomaly.confidence,
            severity=found.severity if louder else anomaly.severity,
        )
        await tell_if_serious(self._session, followed)
        return followed

    async def _merge(self, anomaly: CostAnomaly, into: CostAnomaly) -> None:
        """Two anomalies turned out to be one: its figures are counted there."""
        evidence = {**anomaly.evidence, "merged_into": str(into.id)}
        await self._change(anomaly, evidence=evidence, state=AnomalyState.CLOSED)

    async def _keep(self, anomaly: CostAnomaly) -> None:
        """Not seen in this run: its hours count as they are now, and it is over."""
        await self._change(anomaly, state=AnomalyState.CLOSED)

    async def _change(self, anomaly: CostAnomaly, **changes: Any) -> CostAnomaly:
        changed = replace(anomaly, **changes)
        if "merged_into" in changed.evidence:
            figures = Figures(Decimal(0), Decimal(0))
        else:
            figures = await self._figures(changed.series, changed.started_at, changed.last_at)
        explained = anomaly.figures.excess - anomaly.unexplained if anomaly.explained_at else Decimal(0)
        changed = replace(changed, figures=figures, unexplained=max(figures.excess - explained, Decimal(0)))
        if changed == anomaly:
            return anomaly
        now = self._session.clock.now()
        is_over = changed.state is AnomalyState.CLOSED
        closed_at = (anomaly.closed_at or now) if is_over else None
        changed = replace(changed, revision=anomaly.revision + 1, changed_at=now, closed_at=closed_at)
        if is_over and self._lane is Lane.LIVE:
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


def _is(anomaly: CostAnomaly, sighting: Sighting) -> bool:
    return (
        anomaly.series == sighting.series
        and sighting.anomaly.start <= anomaly.last_at
        and anomaly.started_at <= sighting.last
    )
