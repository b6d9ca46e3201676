"""Back-tests that were asked for, and their parts, in and out of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.cost.trials.model import BackTestRun, RunState
from trust_portal.cost.trials.tables import backtest_parts, backtest_runs
from trust_portal.errors import NotFound
from trust_portal.kernel.actor_record import actor_from_json, actor_to_json
from trust_portal.kernel.canonical import Json
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_run(session: WriteSession, run: BackTestRun) -> bool:
    """Whether it was added: the same is not run twice at a time."""
    row = await session.execute(
        insert(backtest_runs)
        .values(
            tenant_id=run.tenant_id,
            id=run.id,
            detector=run.detector,
            live=run.live,
            weeks=run.weeks,
            starts_at=run.start,
            ends_at=run.end,
            state=run.state.value,
            asked_at=run.asked_at,
            asked_by=actor_to_json(run.asked_by),
            policies=list(run.policies),
            policy_version=run.policy_version,
        )
        .on_conflict_do_nothing()
        .returning(backtest_runs.c.id)
    )
    return row.first() is not None


async def find_running(session: ReadSession, like: BackTestRun) -> BackTestRun | None:
    """The one at work on the same question."""
    table = backtest_runs.c
    query = select(backtest_runs).where(
        table.tenant_id == like.tenant_id,
        table.detector == like.detector,
        table.live == like.live,
        table.weeks == like.weeks,
        table.state == RunState.RUNNING.value,
    )
    row = (await session.execute(query)).first()
    return None if row is None else _run(row)


async def get_run(session: ReadSession, tenant_id: UUID, id_: UUID, *, lock: bool = False) -> BackTestRun:
    """``NotFound`` where there is none."""
    table = backtest_runs.c
    query = select(backtest_runs).where(table.tenant_id == tenant_id, table.id == id_)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound("back-test")
    return _run(row)


async def unfinished_runs(session: ReadSession, tenant_id: UUID, limit: int) -> tuple[BackTestRun, ...]:
    """Those that run or failed, newest first, with how far they are; in the staff scope."""
    table = backtest_runs.c
    query = (
        select(backtest_runs)
        .where(table.tenant_id == tenant_id, table.state != RunState.DONE.value)
        .order_by(table.asked_at.desc(), table.id.desc())
        .limit(limit)
    )
    return tuple([await counted(session, _run(row)) for row in await session.execute(query)])


async def counted(session: ReadSession, run: BackTestRun) -> BackTestRun:
    """With how many of its parts there are; in the staff scope."""
    query = select(func.count()).select_from(backtest_parts).where(backtest_parts.c.run_id == run.id)
    return replace(run, done=(await session.execute(query)).scalar_one())


async def change_run(session: WriteSession, run: BackTestRun, **values: object) -> None:
    table = backtest_runs.c
    await session.execute(
        update(backtest_runs).where(table.tenant_id == run.tenant_id, table.id == run.id).values(**values)
    )


async def add_part(
    session: WriteSession, tenant_id: UUID, run_id: UUID, document: Mapping[str, Json]
) -> None:
    """The first to say what a tenant's part came to has said it."""
    await session.execute(
        insert(backtest_parts)
        .values(tenant_id=tenant_id, run_id=run_id, document=dict(document), made_at=session.clock.now())
        .on_conflict_do_nothing()
    )


async def has_part(session: ReadSession, tenant_id: UUID, run_id: UUID) -> bool:
    table = backtest_parts.c
    query = select(table.run_id).where(table.tenant_id == tenant_id, table.run_id == run_id)
    return (await session.execute(query)).first() is not None


async def parts(session: ReadSession, run_id: UUID) -> dict[UUID, dict[str, Any]]:
    """By tenant; in the staff scope."""
    query = select(backtest_parts.c.tenant_id, backtest_parts.c.document).where(
        backtest_parts.c.run_id == run_id
    )
    return {row.tenant_id: row.document for row in await session.execute(query)}


def _run(row: Row[Any]) -> BackTestRun:
    return BackTestRun(
        id=row.id,
        tenant_id=row.tenant_id,
        detector=row.detector,
        live=row.live,
        weeks=row.weeks,
        start=row.starts_at,
        end=row.ends_at,
        asked_at=row.asked_at,
        asked_by=actor_from_json(row.asked_by),
        policies=tuple(row.policies),
        policy_version=row.policy_version,
        state=RunState(row.state),
        planned=None if row.planned is None else tuple(row.planned),
        with_usage=row.with_usage,
        finished_at=row.finished_at,
        failure=row.failure,
    )
