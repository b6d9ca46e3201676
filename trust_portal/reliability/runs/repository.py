"""Runs and their tenants in and out of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.runs.model import Outcome, Run, RunState, RunTenant
from trust_portal.reliability.runs.tables import sla_run_tenants, sla_runs
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_run(session: WriteSession, run_id: UUID, period: str, actor: Actor) -> bool:
    """Whether this was the first request for the period."""
    row = await session.execute(
        insert(sla_runs)
        .values(
            tenant_id=VENDOR_ID,
            id=run_id,
            period=period,
            state=RunState.PLANNING.value,
            attempt=1,
            requested_at=session.clock.now(),
            requested_by_id=actor.id,
            requested_by_name=actor.name,
        )
        .on_conflict_do_nothing()
        .returning(sla_runs.c.id)
    )
    return row.first() is not None


async def find_run(session: ReadSession, period: str, *, lock: bool = False) -> Run | None:
    query = select(sla_runs).where(sla_runs.c.tenant_id == VENDOR_ID, sla_runs.c.period == period)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else _run(row)


async def get_run(session: ReadSession, run_id: UUID, *, lock: bool = False) -> Run:
    """``NotFound`` where there is none."""
    query = select(sla_runs).where(sla_runs.c.tenant_id == VENDOR_ID, sla_runs.c.id == run_id)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound("run")
    return _run(row)


async def newest_runs(session: ReadSession, limit: int) -> tuple[Run, ...]:
    rows = await session.execute(
        select(sla_runs).where(sla_runs.c.tenant_id == VENDOR_ID).order_by(sla_runs.c.id.desc()).limit(limit)
    )
    return tuple(_run(row) for row in rows)


async def open_runs(session: ReadSession) -> tuple[Run, ...]:
    """Runs that are not complete."""
    rows = await session.execute(
        select(sla_runs)
        .where(sla_runs.c.tenant_id == VENDOR_ID, sla_runs.c.state == RunState.RUNNING.value)
        .order_by(sla_runs.c.id)
    )
    return tuple(_run(row) for row in rows)


async def change_run(session: WriteSession, run_id: UUID, **values: Any) -> None:
    await session.execute(
        update(sla_runs).where(sla_runs.c.tenant_id == VENDOR_ID, sla_runs.c.id == run_id).values(**values)
    )


async def run_tenants(session: ReadSession, run_id: UUID) -> tuple[RunTenant, ...]:
    """Every tenant of a run, by key. For the staff scope, which no tenant filter is asked of."""
    rows = await session.execute(
        select(sla_run_tenants)
        .where(sla_run_tenants.c.run_id == run_id)
        .order_by(sla_run_tenants.c.tenant_key)
    )
    return tuple(_tenant(row) for row in rows)


async def planned_tenants(session: ReadSession, run_id: UUID) -> tuple[UUID, ...]:
    """Whom the planner wrote down; none before the run is planned."""
    row = await session.execute(
        select(sla_runs.c.planned).where(sla_runs.c.tenant_id == VENDOR_ID, sla_runs.c.id == run_id)
    )
    return tuple(row.scalar_one() or ())


async def find_run_tenant(session: ReadSession, tenant_id: UUID, run_id: UUID) -> RunTenant | None:
    """One tenant's row of a run."""
    rows = await session.execute(
        select(sla_run_tenants).where(
            sla_run_tenants.c.tenant_id == tenant_id, sla_run_tenants.c.run_id == run_id
        )
    )
    row = rows.first()
    return None if row is None else _tenant(row)


async def pending(session: ReadSession, run_id: UUID) -> bool:
    """Whether some tenant of a run is still to be covered. For the staff scope."""
    rows = await session.execute(
        select(sla_run_tenants.c.run_id)
        .where(sla_run_tenants.c.run_id == run_id, sla_run_tenants.c.outcome == Outcome.PENDING.value)
        .limit(1)
    )
    return rows.first() is not None


async def plan_tenant(session: WriteSession, planned: RunTenant) -> bool:
    """Whether there is something to do in this attempt: not for a tenant that it has planned already.

    One that was issued is looked at again: its report may not follow from what is known by now.
    """
    insertion = insert(sla_run_tenants).values(
        tenant_id=planned.tenant_id,
        run_id=planned.run_id,
        attempt=planned.attempt,
        tenant_key=planned.tenant_key,
        tenant_name=planned.tenant_name,
        outcome=planned.outcome.value,
        reason=planned.reason,
        due_at=planned.due_at,
        changed_at=planned.changed_at,
    )
    fresh = insertion.excluded
    row = await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["tenant_id", "run_id"],
            set_={
                "attempt": fresh.attempt,
                "outcome": fresh.outcome,
                "reason": fresh.reason,
                "due_at": fresh.due_at,
                "changed_at": fresh.changed_at,
            },
            where=sla_run_tenants.c.attempt < fresh.attempt,
        ).returning(sla_run_tenants.c.run_id)
    )
    return row.first() is not None


async def settle_tenant(
    session: WriteSession, tenant_id: UUID, run_id: UUID, outcome: Outcome, **values: Any
) -> None:
    """Write down what became of a pending tenant; one that is settled already stays as it is."""
    await session.execute(
        update(sla_run_tenants)
        .where(
            sla_run_tenants.c.tenant_id == tenant_id,
            sla_run_tenants.c.run_id == run_id,
            sla_run_tenants.c.outcome == Outcome.PENDING.value,
        )
        .values(outcome=outcome.value, changed_at=session.clock.now(), **values)
    )


def completion(at: datetime, receipt_id: UUID, counts: Mapping[str, int]) -> dict[str, Any]:
    """The columns of a completed run."""
    return {
        "state": RunState.COMPLETE.value,
        "completed_at": at,
        "receipt_id": receipt_id,
        "counts": dict(counts),
    }


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        period=row.period,
        state=RunState(row.state),
        attempt=row.attempt,
        total=row.total,
        requested_at=row.requested_at,
        requested_by_id=row.requested_by_id,
        requested_by=row.requested_by_name,
        completed_at=row.completed_at,
        receipt_id=row.receipt_id,
        counts=row.counts,
    )


def _tenant(row: Row[Any]) -> RunTenant:
    return RunTenant(
        run_id=row.run_id,
        tenant_id=row.tenant_id,
        tenant_key=row.tenant_key,
        tenant_name=row.tenant_name,
        attempt=row.attempt,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        report_id=row.report_id,
        revision=row.revision,
        due_at=row.due_at,
        changed_at=row.changed_at,
    )
