"""Batches and their tenants in and out of the tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.errors import NotFound
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.tables import exports
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.batches.model import (
    DONE,
    LOOKED_AT,
    NOUN,
    Batch,
    BatchOutcome,
    BatchState,
    BatchTenant,
    Bundles,
    StartTrustBatch,
)
from trust_portal.trust.batches.tables import trust_batch_tenants, trust_batches
from trust_portal.trust.report.model import KIND, Acknowledgement

_batches, _tenants = trust_batches.c, trust_batch_tenants.c
_DONE = sorted(each.value for each in DONE)


async def add_batch(session: WriteSession, batch_id: UUID, command: StartTrustBatch, actor: Actor) -> bool:
    """Whether this was the first request for the period."""
    row = await session.execute(
        insert(trust_batches)
        .values(
            tenant_id=VENDOR_ID,
            id=batch_id,
            period=command.period,
            acknowledged=[each.json() for each in command.acknowledgements],
            state=BatchState.PLANNING.value,
            attempt=1,
            requested_at=session.clock.now(),
            requested_by_id=actor.id,
            requested_by_name=actor.name,
        )
        .on_conflict_do_nothing()
        .returning(_batches.id)
    )
    return row.first() is not None


async def find_batch(session: ReadSession, period: str, *, lock: bool = False) -> Batch | None:
    query = select(trust_batches).where(_batches.tenant_id == VENDOR_ID, _batches.period == period)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else _batch(row)


async def get_batch(session: ReadSession, batch_id: UUID, *, lock: bool = False) -> Batch:
    """``NotFound`` where there is none."""
    query = select(trust_batches).where(_batches.tenant_id == VENDOR_ID, _batches.id == batch_id)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound(NOUN)
    return _batch(row)


async def newest_batches(session: ReadSession, limit: int) -> tuple[Batch, ...]:
    rows = await session.execute(
        select(trust_batches).where(_batches.tenant_id == VENDOR_ID).order_by(_batches.id.desc()).limit(limit)
    )
    return tuple(_batch(row) for row in rows)


async def running_batches(session: ReadSession) -> tuple[Batch, ...]:
    rows = await session.execute(
        select(trust_batches)
        .where(_batches.tenant_id == VENDOR_ID, _batches.state == BatchState.RUNNING.value)
        .order_by(_batches.id)
    )
    return tuple(_batch(row) for row in rows)


async def change_batch(session: WriteSession, batch_id: UUID, **values: Any) -> None:
    await session.execute(
        update(trust_batches).where(_batches.tenant_id == VENDOR_ID, _batches.id == batch_id).values(**values)
    )


async def planned_tenants(session: ReadSession, batch_id: UUID) -> tuple[UUID, ...]:
    """Whom the planner wrote down; none before the batch is planned."""
    row = await session.execute(
        select(_batches.planned).where(_batches.tenant_id == VENDOR_ID, _batches.id == batch_id)
    )
    return tuple(row.scalar_one() or ())


async def batch_tenants(session: ReadSession, batch_id: UUID) -> tuple[BatchTenant, ...]:
    """Every tenant of a batch, by key. For the staff scope, which no tenant filter is asked of."""
    rows = await session.execute(
        select(trust_batch_tenants).where(_tenants.batch_id == batch_id).order_by(_tenants.tenant_key)
    )
    return tuple(_tenant(row) for row in rows)


async def count_tenants(session: ReadSession, batch_id: UUID) -> dict[str, int]:
    """Tenants of a batch by outcome, every outcome named. For the staff scope."""
    rows = await session.execute(
        select(_tenants.outcome, func.count().label("tenants"))
        .where(_tenants.batch_id == batch_id)
        .group_by(_tenants.outcome)
    )
    counted = {row.outcome: row.tenants for row in rows}
    return {outcome.value: counted.get(outcome.value, 0) for outcome in BatchOutcome}


async def count_bundles(session: ReadSession, batch_id: UUID) -> Bundles:
    """The bundles of the batch's reports. For the staff scope."""
    of_the_report = and_(
        exports.c.tenant_id == _tenants.tenant_id,
        exports.c.subject_id == _tenants.report_id,
        exports.c.kind == KIND,
    )
    rows = await session.execute(
        select(exports.c.state, func.count().label("bundles"))
        .select_from(trust_batch_tenants.join(exports, of_the_report))
        .where(_tenants.batch_id == batch_id)
        .group_by(exports.c.state)
    )
    counted = {row.state: row.bundles for row in rows}
    made, failed = (counted.pop(each.value, 0) for each in (ExportState.READY, ExportState.FAILED))
    return Bundles(made, sum(counted.values()), failed)


async def tenants_page(
    session: ReadSession, batch_id: UUID, request: PageRequest, outcome: BatchOutcome | None
) -> Page[BatchTenant]:
    """Tenants of a batch as ``LOOKED_AT`` orders them, then by key. For the staff scope."""
    query = select(trust_batch_tenants).where(_tenants.batch_id == batch_id)
    if outcome is not None:
        query = query.where(_tenants.outcome == outcome.value)
    place = {each.value: number for number, each in enumerate(LOOKED_AT)}
    return await keyset_page(
        session,
        query,
        request,
        order=(case(place, value=_tenants.outcome), _tenants.tenant_key),
        parse=(int, str),
        read=_tenant,
        key=lambda each: (str(place[each.outcome.value]), each.tenant_key),
    )


async def find_batch_tenant(session: ReadSession, tenant_id: UUID, batch_id: UUID) -> BatchTenant | None:
    """One tenant's row of a batch."""
    rows = await session.execute(
        select(trust_batch_tenants).where(_tenants.tenant_id == tenant_id, _tenants.batch_id == batch_id)
    )
    row = rows.first()
    return None if row is None else _tenant(row)


async def is_pending(session: ReadSession, batch_id: UUID) -> bool:
    """Whether some tenant of a batch is still to be covered. For the staff scope."""
    rows = await session.execute(
        select(_tenants.batch_id)
        .where(_tenants.batch_id == batch_id, _tenants.outcome == BatchOutcome.PENDING.value)
        .limit(1)
    )
    return rows.first() is not None


async def plan_tenant(session: WriteSession, planned: BatchTenant) -> bool:
    """Whether there is something to do in this attempt: not for a tenant that has its report or is planned."""
    insertion = insert(trust_batch_tenants).values(
        tenant_id=planned.tenant_id,
        batch_id=planned.batch_id,
        attempt=planned.attempt,
        tenant_key=planned.tenant_key,
        tenant_name=planned.tenant_name,
        outcome=planned.outcome.value,
        reason=planned.reason,
        changed_at=planned.changed_at,
    )
    fresh = insertion.excluded
    row = await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["tenant_id", "batch_id"],
            set_={
                "attempt": fresh.attempt,
                "outcome": fresh.outcome,
                "reason": fresh.reason,
                "changed_at": fresh.changed_at,
            },
            where=_tenants.outcome.not_in(_DONE) & (_tenants.attempt < fresh.attempt),
        ).returning(_tenants.batch_id)
    )
    return row.first() is not None


async def planned_at(session: ReadSession, tenant_id: UUID, batch_id: UUID) -> datetime | None:
    """Since when the tenant waits in the batch; None: it does not. For the tenant's scope."""
    rows = await session.execute(
        select(_tenants.changed_at).where(
            _tenants.tenant_id == tenant_id,
            _tenants.batch_id == batch_id,
            _tenants.outcome == BatchOutcome.PENDING.value,
        )
    )
    found: datetime | None = rows.scalar_one_or_none()
    return found


async def settle_tenant(
    session: WriteSession,
    tenant_id: UUID,
    batch_id: UUID,
    outcome: BatchOutcome,
    *,
    reason: str | None = None,
    report_id: UUID | None = None,
) -> None:
    """Write down what became of a pending tenant; one that is settled already stays as it is."""
    await session.execute(
        update(trust_batch_tenants)
        .where(
            _tenants.tenant_id == tenant_id,
            _tenants.batch_id == batch_id,
            _tenants.outcome == BatchOutcome.PENDING.value,
        )
        .values(outcome=outcome.value, reason=reason, report_id=report_id, changed_at=session.clock.now())
    )


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        period=row.period,
        state=BatchState(row.state),
        attempt=row.attempt,
        total=row.total,
        requested_at=row.requested_at,
        requested_by_id=row.requested_by_id,
        requested_by=row.requested_by_name,
        completed_at=row.completed_at,
        receipt_id=row.receipt_id,
        counts=row.counts,
        acknowledgements=tuple(Acknowledgement(**each) for each in row.acknowledged),
    )


def _tenant(row: Row[Any]) -> BatchTenant:
    return BatchTenant(
        batch_id=row.batch_id,
        tenant_id=row.tenant_id,
        tenant_key=row.tenant_key,
        tenant_name=row.tenant_name,
        attempt=row.attempt,
        outcome=BatchOutcome(row.outcome),
        reason=row.reason,
        report_id=row.report_id,
        changed_at=row.changed_at,
    )
