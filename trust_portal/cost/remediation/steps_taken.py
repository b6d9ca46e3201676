"""Steps of runs by when they were taken, each with what of its run names it: without the plan, which is long."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, literal, select

from trust_portal.cost.remediation.model import RunState, StepKind
from trust_portal.cost.remediation.tables import playbook_runs, playbook_steps
from trust_portal.storage.unit_of_work import ReadSession

_runs, _steps = playbook_runs.c, playbook_steps.c


_KINDS: Final = {each.value: each for each in StepKind}
_STATES: Final = {each.value: each for each in RunState}


class StepTaken(NamedTuple):
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
    rows = (
        await session.execute(
            select(
                _steps.tenant_id,
                _steps.run_id,
                _steps.ordinal,
                _steps.kind,
                _steps.state,
                _steps.at,
                _steps.actor_name,
                _steps.receipt_id,
            )
            .where(
                _steps.tenant_id.in_(tenant_ids),
                _steps.at >= start,
                _steps.at < end,
                _steps.receipt_id.is_not(None),
            )
            .order_by(_steps.at, _steps.run_id, _steps.ordinal)
        )
    ).all()
    runs = await _runs_of(session, rows)
    return tuple(
        StepTaken(
            tenant_id=row.tenant_id,
            run_id=row.run_id,
            ordinal=row.ordinal,
            kind=_KINDS[row.kind],
            state=_STATES[row.state],
            at=row.at,
            actor_name=row.actor_name,
            receipt_id=row.receipt_id,
            playbook=runs[row.tenant_id, row.run_id].playbook,
            target=runs[row.tenant_id, row.run_id].target,
        )
        for row in rows
    )


async def _runs_of(session: ReadSession, steps: Sequence[Row[Any]]) -> dict[tuple[UUID, UUID], Row[Any]]:
    """By tenant and id; a plan is unpacked for each run, not for each of its steps."""
    if not steps:
        return {}
    wanted = literal(list({row.run_id for row in steps}), ARRAY(Uuid(as_uuid=True)))
    rows = await session.execute(
        select(_runs.tenant_id, _runs.id, _runs.playbook, _runs.plan["target"].label("target")).where(
            _runs.tenant_id.in_({row.tenant_id for row in steps}), _runs.id == any_(wanted)
        )
    )
    return {(row.tenant_id, row.id): row for row in rows}
