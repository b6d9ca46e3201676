"""Steps of runs by when they were taken, each with what of its run names it: without the plan, which is long."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select

from trust_portal.cost.remediation.model import RunState, StepKind
from trust_portal.cost.remediation.tables import playbook_runs, playbook_steps
from trust_portal.storage.unit_of_work import ReadSession

_runs, _steps = playbook_runs.c, playbook_steps.c


@dataclass(frozen=True, slots=True)
class StepTaken:
    """``playbook`` is the id; ``target`` what the run acts upon."""

    tenant_id: UUID
    run_id: UUID
    ordinal: int
    kind: StepKind
    state: RunState
    at: datetime
    actor_name: str
    receipt_id: UUID
    playbook: str
    target: Mapping[str, str]


async def steps_between(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> tuple[StepTaken, ...]:
    """Those with a receipt in ``start`` <= time < ``end``, as they happened.

    Over more than one tenant only in the staff scope.
    """
    of_its_run = and_(_runs.tenant_id == _steps.tenant_id, _runs.id == _steps.run_id)
    rows = await session.execute(
        select(
            _steps.tenant_id,
            _steps.run_id,
            _steps.ordinal,
            _steps.kind,
            _steps.state,
            _steps.at,
            _steps.actor_name,
            _steps.receipt_id,
            _runs.playbook,
            _runs.plan["target"].label("target"),
        )
        .select_from(playbook_steps.join(playbook_runs, of_its_run))
        .where(
            _steps.tenant_id.in_(tenant_ids),
            _steps.at >= start,
            _steps.at < end,
            _steps.receipt_id.is_not(None),
        )
        .order_by(_steps.at, _steps.run_id, _steps.ordinal)
    )
    return tuple(
        StepTaken(
            tenant_id=row.tenant_id,
            run_id=row.run_id,
            ordinal=row.ordinal,
            kind=StepKind(row.kind),
            state=RunState(row.state),
            at=row.at,
            actor_name=row.actor_name,
            receipt_id=row.receipt_id,
            playbook=row.playbook,
            target=row.target,
        )
        for row in rows
    )
