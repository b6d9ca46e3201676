"""Why did cost spike? The answer for one anomaly: read, and once for all in a receipt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.explanation import repository
from trust_portal.cost.explanation.attribution import attribute_to_parts
from trust_portal.cost.explanation.drivers import Driver, cost_table, drivers
from trust_portal.cost.explanation.evidence import Candidate, Episode, FoundCause, Link
from trust_portal.cost.explanation.links import find_links
from trust_portal.cost.explanation.model import Attribution
from trust_portal.cost.explanation.receipts import explained_act
from trust_portal.cost.explanation.repository import Occurrence
from trust_portal.cost.metering.model import Part
from trust_portal.cost.metering.repository import read_hours, read_parts
from trust_portal.errors import NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)
#: Changes that came longer before the onset than this are never linked.
_LOOK_BACK = timedelta(days=2)
_BEFORE, _AFTER = timedelta(hours=24), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class TimelineHour:
    """``expected`` None: nothing was expected of this hour."""

    hour: datetime
    cost: Decimal
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about why an anomaly happened.

    ``comparable`` are the starts of the spans that say how cost used to split; each is as long as the
    anomaly. A cause or driver opens its events by the anomaly's series, its hours (``started_at`` to
    ``end``) and its ``where``; a link by its reference. ``receipt_id``: of the explanation on record.
    """

    occurrence: Occurrence
    attribution: Attribution
    drivers: tuple[Driver, ...]
    links: tuple[Link, ...]
    candidates: tuple[Candidate, ...]
    timeline: tuple[TimelineHour, ...]
    comparable: tuple[datetime, ...]
    window: tuple[Part, ...]
    before: tuple[Part, ...]

    @property
    def receipt_id(self) -> UUID | None:
        return self.occurrence.receipt_id


class Explanations:
    """Explains anomalies of any tenant to whoever may read them."""

    def __init__(self, storage: Storage, *, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def explain(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> Explanation:
        """The explanation from what is known now. Raises ``NotFound``."""
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, str(anomaly_id)))
        async with self._storage.read(scope_of(actor, tenant_id), snapshot=True) as session:
            explanation = await self._explain(session, tenant_id, anomaly_id)
        await self._access_log.trace_staff(actor, tenant_id, "cost anomaly", str(anomaly_id), purpose="cost")
        return explanation

    async def record(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> UUID | None:
        """Explain it and leave a receipt; the receipt's id.

        Nothing is written, and ``None`` returned, where the explanation on record is newer than the
        anomaly's figures. May be repeated at any time.
        """
        decision = await self._gate.require(
            actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, str(anomaly_id))
        )
        async with self._storage.read(TenantScope(tenant_id), snapshot=True) as session:
            explanation = await self._explain(session, tenant_id, anomaly_id)
        return await self._save(actor, decision, tenant_id, explanation)

    async def _save(
        self, actor: Actor, decision: Decision, tenant_id: UUID, explanation: Explanation
    ) -> UUID | None:
        occurrence = explanation.occurrence
        async with self._storage.write(TenantScope(tenant_id)) as session:
            current = await repository.lock_occurrence(session, tenant_id, occurrence.id)
            if current is None or current.revision != occurrence.revision:
                return None  # its figures moved meanwhile: whoever moved them asks again
            if current.explained_at is not None and current.explained_at >= current.changed_at:
                return None
            act = explained_act(explanation, tenant_id, actor, decision, session.clock.now())
            receipt = await self._ledger.record(session, act)
            await repository.mark_explained(
                session, tenant_id, occurrence.id, explanation.attribution.unexplained, receipt.id
            )
        return receipt.id

    async def _explain(self, session: ReadSession, tenant_id: UUID, anomaly_id: UUID) -> Explanation:
        occurrence = await repository.find_occurrence(session, tenant_id, anomaly_id)
        tenant = await find_tenant(session, tenant_id)
        if occurrence is None or tenant is None:
            raise NotFound("anomaly")
        start, end, series = occurrence.started_at, occurrence.end, occurrence.series
        window = await read_parts(session, tenant_id, series, start, end)
        comparable, before = await self._comparable(session, tenant_id, occurrence)
        hours = await read_hours(session, tenant_id, start - _BEFORE, end + _AFTER, series=series)
        expected = await repository.read_expectations(
            session, tenant_id, series, start - _BEFORE, end + _AFTER
        )
        timeline = tuple(TimelineHour(each.hour, each.cost, expected.get(each.hour)) for each in hours)
        candidates: list[Candidate] = []
        async with self._storage.read(TenantScope(VENDOR_ID)) as vendor:
            candidates += await repository.read_changes(
                vendor, tenant_id, tenant.key, start - _LOOK_BACK, end
            )
        candidates += await repository.read_heavy_operations(session, tenant_id, start - _HOUR, end + _HOUR)
        candidates += await repository.read_adapters(session, tenant_id, start, end)
        # Pure work of up to half a second: not in the way of other requests.
        attribution, split = await asyncio.to_thread(_attribute, window, before, occurrence.expected)
        episode = Episode(
            tenant.key,
            series.subsystem,
            start,
            occurrence.peak_at,
            end,
            {each.hour: each.cost - each.expected for each in timeline if each.expected is not None},
        )
        causes = [FoundCause(each.where, each.share or 0.0) for each in attribution.causes]
        return Explanation(
            occurrence=occurrence,
            attribution=attribution,
            drivers=split,
            links=tuple(find_links(episode, causes, candidates)),
            candidates=tuple(candidates),
            timeline=timeline,
            comparable=comparable,
            window=window,
            before=before,
        )

    @staticmethod
    async def _comparable(
        session: ReadSession, tenant_id: UUID, occurrence: Occurrence
    ) -> tuple[tuple[datetime, ...], tuple[Part, ...]]:
        """The same hours of the four weeks before; where there was nothing yet, the time just before.

        Spans that reach into the anomaly itself are left out.
        """
        start, length = occurrence.started_at, occurrence.end - occurrence.started_at
        weeks = [start - number * _WEEK for number in range(1, 5)]
        for starts in (weeks, [start - number * length for number in range(1, 5)]):
            used: list[datetime] = []
            parts: list[Part] = []
            for begin in starts:
                if begin + length > start:
                    continue
                found = await read_parts(session, tenant_id, occurrence.series, begin, begin + length)
                if found:
                    used.append(begin)
                    parts += found
            if parts:
                return tuple(used), tuple(parts)
        return (), ()


def _attribute(
    window: tuple[Part, ...], before: tuple[Part, ...], expected: Decimal
) -> tuple[Attribution, tuple[Driver, ...]]:
    table = cost_table(window, before, expected)
    return attribute_to_parts(table, comparable=bool(before)), drivers(table)
