"""Runs and their steps in and out of their tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, insert, select

from trust_portal.cost.remediation.intent import approval_kind
from trust_portal.cost.remediation.model import MOVING, Plan, Run, RunFilter, RunState, Step, StepKind
from trust_portal.cost.remediation.tables import playbook_runs, playbook_steps
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Somebody else took the run on meanwhile: read it again.
MOVED_ON: Final = "MOVED_ON"

_runs, _steps = playbook_runs.c, playbook_steps.c
_later = playbook_steps.alias("later")


def plan_json(plan: Plan) -> dict[str, Json]:
    """A plan as it is signed and stored; amounts are decimal strings."""
    found: dict[str, Json] = msgspec.to_builtins(plan)
    return found


async def add_run(
    session: WriteSession, run: Run, actor: Actor, supersedes: UUID | None, receipt_id: UUID
) -> None:
    """A run with its first step. ``Conflict`` (``MOVED_ON``) where its place is taken."""
    plan = plan_json(run.plan)
    with duplicates_are(Conflict("this was planned meanwhile", code=MOVED_ON), "playbook_runs"):
        await session.execute(
            insert(playbook_runs).values(
                tenant_id=run.tenant_id,
                id=run.id,
                anomaly_id=run.plan.anomaly,
                playbook=run.plan.playbook_id,
                plan=plan,
                digest=digest(plan),
                planned_at=run.planned_at,
                planned_by_id=actor.id,
                planned_by_name=actor.name,
                supersedes=supersedes,
            )
        )
    await session.execute(insert(playbook_steps).values(_step_row(run, run.steps[0], actor, receipt_id)))


async def add_step(session: WriteSession, run: Run, step: Step, actor: Actor) -> None:
    """The next step of ``run``. ``Conflict`` (``MOVED_ON``) where the run has one already.

    The state it may follow is the database's to hold (``tables.TRANSITIONS``).
    """
    with duplicates_are(Conflict("this run has moved on meanwhile", code=MOVED_ON), "playbook_steps"):
        await session.execute(insert(playbook_steps).values(_step_row(run, step, actor, step.receipt_id)))


async def get_run(session: ReadSession, tenant_id: UUID, run_id: UUID) -> Run:
    """``NotFound`` where there is none."""
    query = select(playbook_runs).where(_runs.tenant_id == tenant_id, _runs.id == run_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("playbook run")
    (run,) = await _with_steps(session, [row])
    return run


async def runs_of_anomaly(session: ReadSession, tenant_id: UUID, anomaly_id: UUID) -> tuple[Run, ...]:
    """The newest first."""
    rows = await session.execute(
        select(playbook_runs)
        .where(_runs.tenant_id == tenant_id, _runs.anomaly_id == anomaly_id)
        .order_by(_runs.planned_at.desc(), _runs.id.desc())
    )
    return await _with_steps(session, rows.all())


async def runs_between(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[Run, ...]:
    """Those of which a step happened in ``start`` <= time < ``end``, the oldest first."""
    stepped = select(_steps.run_id).where(_steps.tenant_id == tenant_id, _steps.at >= start, _steps.at < end)
    rows = await session.execute(
        select(playbook_runs)
        .where(_runs.tenant_id == tenant_id, _runs.id.in_(stepped))
        .order_by(_runs.planned_at, _runs.id)
    )
    return await _with_steps(session, rows.all())


async def run_of_approval(session: ReadSession, tenant_id: UUID, approval_id: UUID) -> UUID:
    """The run that a request for approval was opened for."""
    found = await session.execute(
        select(_steps.run_id)
        .where(_steps.tenant_id == tenant_id, _steps.approval_id == approval_id)
        .order_by(_steps.ordinal)
        .limit(1)
    )
    run_id = found.scalar_one_or_none()
    if run_id is None:
        raise NotFound("playbook run")
    return UUID(str(run_id))


async def runs_page(session: ReadSession, wanted: RunFilter, request: PageRequest) -> Page[Run]:
    """Newest first. Over all tenants only in the staff scope."""
    query: Select[Any] = select(playbook_runs).where(*_conditions(wanted))
    page = await keyset_page(
        session,
        query,
        request,
        order=(_runs.planned_at, _runs.id),
        parse=(datetime.fromisoformat, UUID),
        read=lambda row: row,
        key=lambda row: (rfc3339(row.planned_at), str(row.id)),
        descending=True,
    )
    return Page(await _with_steps(session, page.items), page.cursors, page.has_next, page.has_previous)


async def moving_runs(session: ReadSession) -> tuple[tuple[UUID, UUID], ...]:
    """(tenant, run) of all that something may still happen to by itself; in the staff scope."""
    rows = await session.execute(
        select(_steps.tenant_id, _steps.run_id)
        .where(_steps.state.in_([each.value for each in MOVING]), _is_last())
        .order_by(_steps.tenant_id, _steps.run_id)
    )
    return tuple((row.tenant_id, row.run_id) for row in rows)


async def count_states(session: ReadSession, wanted: RunFilter) -> dict[tuple[str, str], int]:
    """How many runs there are, by playbook and state."""
    query: Select[Any] = (
        select(_runs.playbook, _steps.state, func.count().label("found"))
        .select_from(
            playbook_runs.join(
                playbook_steps, (_steps.tenant_id == _runs.tenant_id) & (_steps.run_id == _runs.id)
            )
        )
        .where(_is_last(), *_conditions(wanted))
        .group_by(_runs.playbook, _steps.state)
    )
    if wanted.tenant_id is not None:
        query = query.where(_steps.tenant_id == wanted.tenant_id)
    return {(row.playbook, row.state): row.found for row in await session.execute(query)}


def _is_last() -> ColumnElement[bool]:
    return ~(
        select(_later.c.ordinal)
        .where(
            _later.c.tenant_id == _steps.tenant_id,
            _later.c.run_id == _steps.run_id,
            _later.c.ordinal == _steps.ordinal + 1,
        )
        .correlate(playbook_steps)
        .exists()
    )


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.tenant_id is not None:
        found.append(_runs.tenant_id == wanted.tenant_id)
    if wanted.anomaly_id is not None:
        found.append(_runs.anomaly_id == wanted.anomaly_id)
    if wanted.playbook is not None:
        found.append(_runs.playbook == wanted.playbook)
    if wanted.state is not None:
        found.append(
            select(_steps.ordinal)
            .where(
                _steps.tenant_id == _runs.tenant_id,
                _steps.run_id == _runs.id,
                _steps.state == wanted.state.value,
                _is_last(),
            )
            .exists()
        )
    return found


async def _with_steps(session: ReadSession, rows: Collection[Row[Any]]) -> tuple[Run, ...]:
    if not rows:
        return ()
    found = await session.execute(
        select(playbook_steps)
        .where(
            _steps.tenant_id.in_({row.tenant_id for row in rows}),
            _steps.run_id.in_([row.id for row in rows]),
        )
        .order_by(_steps.ordinal)
    )
    steps: dict[UUID, list[Step]] = {}
    for row in found:
        steps.setdefault(row.run_id, []).append(_step(row))
    return tuple(_run(row, steps[row.id]) for row in rows)


def _run(row: Row[Any], steps: Iterable[Step]) -> Run:
    return Run(
        id=row.id,
        tenant_id=row.tenant_id,
        plan=msgspec.convert(row.plan, Plan),
        planned_at=row.planned_at,
        planned_by_id=row.planned_by_id,
        planned_by=row.planned_by_name,
        steps=tuple(steps),
    )


def _step(row: Row[Any]) -> Step:
    return Step(
        ordinal=row.ordinal,
        kind=StepKind(row.kind),
        state=RunState(row.state),
        at=row.at,
        actor_name=row.actor_name,
        detail=row.detail,
        receipt_id=row.receipt_id,
        approval_id=row.approval_id,
        allowed_by=row.allowed_by,
    )


def _step_row(run: Run, step: Step, actor: Actor, receipt_id: UUID | None) -> dict[str, Any]:
    first = step.ordinal == 1
    asks = step.approval_id is not None or step.kind is StepKind.APPROVED
    return {
        "tenant_id": run.tenant_id,
        "run_id": run.id,
        "ordinal": step.ordinal,
        "kind": step.kind.value,
        "state": step.state.value,
        "previous": None if first else run.last.ordinal,
        "previous_state": None if first else run.state.value,
        "at": step.at,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "detail": dict(step.detail),
        "receipt_id": receipt_id,
        "approval_id": step.approval_id,
        "approval_kind": approval_kind(run.plan).value if asks else None,
        "allowed_by": step.allowed_by,
    }
