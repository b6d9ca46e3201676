"""Why did cost spike? The answer for one anomaly: read, and once for all in a receipt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.model import CostAnomaly, Lane
from trust_portal.cost.anomalies.repository import change_anomaly, get_anomaly, timeline
from trust_portal.cost.explanation import repository
from trust_portal.cost.explanation.attribution import attribute_around_acts
from trust_portal.cost.explanation.drivers import Driver, comparable_starts, cost_table, drivers
from trust_portal.cost.explanation.evidence import (
    AdapterBehaviour,
    Candidate,
    Episode,
    FoundCause,
    LinkKind,
)
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.explanation.links import find_links
from trust_portal.cost.explanation.model import Attribution, Table
from trust_portal.cost.explanation.origins import FindOrigins, Origins, Share, read_origins, rows_of
from trust_portal.cost.explanation.receipts import explained_act
from trust_portal.cost.explanation.reported import (
    FindReported,
    Reported,
    home_of,
    read_event,
    read_observations,
)
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.metering.model import PlaceCost
from trust_portal.cost.metering.repository import read_hours, read_places
from trust_portal.cost.remediation.recoveries import first_executed
from trust_portal.errors import NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_HOUR = timedelta(hours=1)
#: Changes that came longer before the onset than this are never linked.
_LOOK_BACK = timedelta(days=2)
_BEFORE, _AFTER = timedelta(hours=24), timedelta(hours=6)


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
        explanation = await self._explain(scope_of(actor, tenant_id), tenant_id, anomaly_id)
        _require_shown(actor, explanation.anomaly)
        await self._access_log.looked(actor, tenant_id, "cost anomaly", str(anomaly_id), purpose="cost")
        return explanation

    async def origins(self, actor: Actor, query: FindOrigins) -> Origins:
        """The usage events behind one figure of the explanation. Raises ``NotFound``."""
        tenant_id, anomaly_id = query.tenant_id, query.anomaly_id
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, str(anomaly_id)))
        scope = scope_of(actor, tenant_id)
        explanation = await self._explain(scope, tenant_id, anomaly_id)
        anomaly = explanation.anomaly
        _require_shown(actor, anomaly)
        spans, rows, share = [(anomaly.started_at, explanation.end)], None, None
        if query.hour is not None:
            spans = [(query.hour, query.hour + _HOUR)]
        else:
            table = explanation.table
            chosen, rows = rows_of(table, explanation.attribution, query.figure, query.where)
            share = Share(
                table.amount(int(table.expected[chosen].sum())), table.amount(int(table.actual[chosen].sum()))
            )
            if query.comparable:
                spans = [
                    (start, start + (explanation.end - anomaly.started_at))
                    for start in explanation.comparable
                ]
        async with self._storage.read(scope, snapshot=True) as session:
            found = await read_origins(session, tenant_id, anomaly.series, spans, query.where, rows)
        await self._access_log.looked(actor, tenant_id, "usage", str(anomaly_id), purpose="cost")
        return replace(found, share=share)

    async def reported(self, actor: Actor, query: FindReported) -> Reported:
        """What was reported behind one of the explanation's links. Raises ``NotFound``."""
        tenant_id, anomaly_id = query.tenant_id, query.anomaly_id
        await self._gate.require(actor, Action.ANOMALY_READ, Resource("anomaly", tenant_id, str(anomaly_id)))
        explanation = await self._explain(scope_of(actor, tenant_id), tenant_id, anomaly_id)
        _require_shown(actor, explanation.anomaly)
        named = (query.source, query.event_id)
        link = next(
            (e for e in explanation.links if (e.reference.source, e.reference.event_id) == named), None
        )
        if link is None:
            raise NotFound("link")
        home, start = home_of(link, tenant_id), explanation.anomaly.started_at
        adapters = [each for each in explanation.candidates if isinstance(each, AdapterBehaviour)]
        async with self._storage.read(home) as session:
            if link.kind is LinkKind.ADAPTER:
                found, total = await read_observations(session, tenant_id, link.key, start, explanation.end)
            else:
                found, total = await read_event(session, home.tenant_id, link), 1
        await self._access_log.looked(actor, tenant_id, "cost anomaly", str(anomaly_id), purpose="cost")
        return Reported(
            link, found, total, next((e for e in adapters if e.reference == link.reference), None)
        )

    async def record(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> UUID | None:
        """Explain it and leave a receipt; the receipt's id.

        Nothing is written, and ``None`` returned, where the explanation on record is newer than the
        anomaly's figures. May be repeated at any time.
        """
        decision = await self._gate.require(
            actor, Action.ANOMALY_EXPLAIN, Resource("anomaly", tenant_id, str(anomaly_id))
        )
        explanation = await self._explain(TenantScope(tenant_id), tenant_id, anomaly_id)
        return await self._save(actor, decision, tenant_id, explanation)

    async def _save(
        self, actor: Actor, decision: Decision, tenant_id: UUID, explanation: Explanation
    ) -> UUID | None:
        seen = explanation.anomaly
        async with self._storage.write(TenantScope(tenant_id)) as session:
            anomaly = await get_anomaly(session, tenant_id, seen.id, lock=True)
            if anomaly.revision != seen.revision:
                return None  # its figures moved meanwhile: whoever moved them asks again
            if anomaly.explained_at is not None and anomaly.explained_at >= anomaly.changed_at:
                return None
            now = session.clock.now()
            receipt = await self._ledger.record(
                session, explained_act(explanation, tenant_id, actor, decision, now)
            )
            await change_anomaly(
                session,
                replace(
                    anomaly,
                    unexplained=explanation.attribution.unexplained,
                    explained_receipt_id=receipt.id,
                    explained_at=now,
                    first_explained_at=anomaly.first_explained_at or now,
                ),
            )
            await session.enqueue(
                Job.PLAN_PLAYBOOKS,
                {"tenant": str(tenant_id), "anomaly": str(anomaly.id)},
                dedupe_key=f"{Job.PLAN_PLAYBOOKS}/{anomaly.id}/{anomaly.revision}",
            )
        return receipt.id

    async def _explain(
        self, scope: StaffScope | TenantScope, tenant_id: UUID, anomaly_id: UUID
    ) -> Explanation:
        candidates: list[Candidate] = []
        async with self._storage.read(scope, snapshot=True) as session:
            anomaly = await get_anomaly(session, tenant_id, anomaly_id)
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("anomaly")
            start, end, series = anomaly.started_at, anomaly.last_at + _HOUR, anomaly.series
            window = await read_places(session, tenant_id, series, [start], end - start)
            comparable, before = await _comparable(session, anomaly)
            early = await _until_acted(session, anomaly, comparable)
            points = await timeline(session, tenant_id, series, start - _BEFORE, end + _AFTER)
            candidates += await repository.read_heavy_operations(
                session, tenant_id, start - _HOUR, end + _HOUR
            )
            candidates += await repository.read_adapters(session, tenant_id, start, end)
        # Changes are the vendor's facts. One transaction after the other: nobody waits holding a connection.
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            candidates += await repository.read_changes(
                session, tenant_id, tenant.key, start - _LOOK_BACK, end
            )
        # Pure work of up to half a second: not in the way of other requests.
        table, attribution, split = await asyncio.to_thread(
            _attribute, window, before, anomaly.figures.expected, early
        )
        excess = {
            point.hour: (point.cost or Decimal(0)) - point.expected
            for point in points
            if point.expected is not None
        }
        episode = Episode(
            tenant.key, series.subsystem, start, anomaly.peak_at, end, excess, falls=anomaly.is_drop
        )
        causes = [FoundCause(each.where, each.share or 0.0) for each in attribution.causes]
        return Explanation(
            anomaly=anomaly,
            table=table,
            attribution=attribution,
            drivers=split,
            links=tuple(find_links(episode, causes, candidates)),
            candidates=tuple(candidates),
            timeline=points,
            comparable=comparable,
            window=window,
            before=before,
        )


def _require_shown(actor: Actor, anomaly: CostAnomaly) -> None:
    """What a detector on trial found is for staff."""
    if anomaly.lane is Lane.SHADOW and not actor.is_staff:
        raise NotFound("anomaly")


async def _comparable(
    session: ReadSession, anomaly: CostAnomaly
) -> tuple[tuple[datetime, ...], tuple[PlaceCost, ...]]:
    """Of the spans that could be compared with, those in which something was used, and what it was."""
    start, length = anomaly.started_at, anomaly.last_at + _HOUR - anomaly.started_at
    tenant_id, series = anomaly.tenant_id, anomaly.series
    for starts in comparable_starts(start, length):
        used = [
            begin
            for begin in starts
            if await read_hours(session, tenant_id, begin, begin + length, series=series)
        ]
        if used:
            return tuple(used), await read_places(session, tenant_id, series, used, length)
    return (), ()


@dataclass(frozen=True, slots=True)
class _Early:
    """An anomaly's hours until a playbook was first executed for its tenant: what they and as many comparable
    hours are made of, and what was expected of them.
    """

    window: tuple[PlaceCost, ...]
    before: tuple[PlaceCost, ...]
    expected: Decimal


async def _until_acted(
    session: ReadSession, anomaly: CostAnomaly, comparable: tuple[datetime, ...]
) -> _Early | None:
    """``None`` where nothing was executed within the anomaly, or in its first hour."""
    tenant_id, series, start = anomaly.tenant_id, anomaly.series, anomaly.started_at
    acted = await first_executed(session, tenant_id, start, anomaly.last_at + _HOUR)
    if acted is None or hour_of(acted) <= start:
        return None
    length = hour_of(acted) - start
    points = await timeline(session, tenant_id, series, start, start + length)
    return _Early(
        await read_places(session, tenant_id, series, [start], length),
        await read_places(session, tenant_id, series, comparable, length),
        sum((each.expected for each in points if each.expected is not None), Decimal(0)),
    )


def _attribute(
    window: tuple[PlaceCost, ...], before: tuple[PlaceCost, ...], expected: Decimal, early: _Early | None
) -> tuple[Table, Attribution, tuple[Driver, ...]]:
    table = cost_table(window, before, expected)
    undisturbed = None if early is None else cost_table(early.window, early.before, early.expected)
    found = attribute_around_acts(table, undisturbed, comparable=bool(before))
    return table, found, drivers(table)
