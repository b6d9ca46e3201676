"""What was permitted to act, as limits and cool-downs count it: in and out of the tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.cost.remediation.model import Act, Run, StepKind
from trust_portal.cost.remediation.tables import playbook_actions, playbook_runs, playbook_steps
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_runs, _steps, _actions = playbook_runs.c, playbook_steps.c, playbook_actions.c


async def last_executed(
    session: ReadSession, tenant_id: UUID, playbook: str, target: dict[str, str], but: UUID
) -> datetime | None:
    """When a run of ``playbook`` other than ``but`` was last permitted to act on ``target``."""
    found = await session.execute(
        select(func.max(_steps.at))
        .select_from(
            playbook_steps.join(
                playbook_runs, (_steps.tenant_id == _runs.tenant_id) & (_steps.run_id == _runs.id)
            )
        )
        .where(
            _steps.tenant_id == tenant_id,
            _runs.tenant_id == tenant_id,
            _runs.playbook == playbook,
            _runs.id != but,
            _runs.plan["target"] == msgspec.to_builtins(target),
            _steps.kind == StepKind.APPROVED.value,
        )
    )
    at: datetime | None = found.scalar_one()
    return at


async def last_acts(session: ReadSession, since: datetime, tenant_id: UUID | None = None) -> tuple[Act, ...]:
    """The last act on each target after ``since``, the newest first; of one tenant, or in the staff scope of all."""
    target = _runs.plan["target"]
    query = (
        select(_runs.tenant_id, _runs.playbook, target.label("target"), func.max(_steps.at).label("at"))
        .select_from(
            playbook_runs.join(
                playbook_steps, (_steps.tenant_id == _runs.tenant_id) & (_steps.run_id == _runs.id)
            )
        )
        .where(_steps.kind == StepKind.APPROVED.value, _steps.at > since)
        .group_by(_runs.tenant_id, _runs.playbook, target)
        .order_by(func.max(_steps.at).desc(), _runs.tenant_id, _runs.playbook)
    )
    if tenant_id is not None:
        query = query.where(_runs.tenant_id == tenant_id, _steps.tenant_id == tenant_id)
    return tuple(Act(row.tenant_id, row.playbook, row.target, row.at) for row in await session.execute(query))


async def add_action(session: WriteSession, run: Run, at: datetime) -> None:
    """Count an act; a run is counted once."""
    await session.execute(
        insert_or(playbook_actions)
        .values(
            run_id=run.id,
            tenant_id=run.tenant_id,
            playbook=run.plan.playbook_id,
            act=run.plan.act,
            currency=run.plan.currency,
            per_day=run.plan.blast_radius.per_day,
            at=at,
        )
        .on_conflict_do_nothing()
    )


async def count_actions(session: ReadSession, since: datetime, playbook: str | None = None) -> int:
    """Acts of all tenants after ``since``; of one playbook or of all."""
    query = select(func.count()).select_from(playbook_actions).where(_actions.at > since)
    if playbook is not None:
        query = query.where(_actions.playbook == playbook)
    found = await session.execute(query)
    return int(found.scalar_one())


async def tenants_of_actions(session: ReadSession, at: datetime, playbook: str, tenant_id: UUID) -> int:
    """How many tenants ``playbook`` acted on in the day before ``at``, on whatever target, with ``tenant_id``."""
    rows = await session.execute(
        select(_actions.tenant_id)
        .distinct()
        .where(_actions.at > at - timedelta(days=1), _actions.playbook == playbook)
    )
    return len({tenant_id, *rows.scalars()})


async def money_of_actions(session: ReadSession, at: datetime, playbook: str, currency: str) -> int:
    """Minor units a day of what the playbook acted upon in the day before ``at``, over all tenants."""
    found = await session.execute(
        select(func.coalesce(func.sum(_actions.per_day), 0)).where(
            _actions.at > at - timedelta(days=1), _actions.playbook == playbook, _actions.currency == currency
        )
    )
    return int(found.scalar_one())
