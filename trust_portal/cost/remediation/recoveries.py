"""When something was done about cost, and from when on it is known to have come down."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from trust_portal.cost.remediation.model import StepKind
from trust_portal.cost.remediation.tables import playbook_runs, playbook_steps
from trust_portal.storage.unit_of_work import ReadSession


async def verified_recoveries(
    session: ReadSession, tenant_id: UUID | None, since: datetime
) -> dict[UUID, datetime]:
    """Anomaly → start of the first hour that verified a playbook, for those verified after ``since``.

    Without a tenant of all of them, in the staff scope.
    """
    runs, steps = playbook_runs.c, playbook_steps.c
    query = (
        select(runs.anomaly_id, steps.detail["verification"]["start"].astext.label("start"))
        .select_from(
            playbook_steps.join(
                playbook_runs, (steps.tenant_id == runs.tenant_id) & (steps.run_id == runs.id)
            )
        )
        .where(steps.kind == StepKind.VERIFIED.value, steps.at >= since)
    )
    if tenant_id is not None:
        query = query.where(runs.tenant_id == tenant_id, steps.tenant_id == tenant_id)
    found: dict[UUID, datetime] = {}
    for row in await session.execute(query):
        start = datetime.fromisoformat(row.start)
        found[row.anomaly_id] = min(start, found.get(row.anomaly_id, start))
    return found


async def first_executed(
    session: ReadSession, tenant_id: UUID, since: datetime, until: datetime
) -> datetime | None:
    """When the first playbook was executed for a tenant in ``since`` < time < ``until``, whatever became of it."""
    steps = playbook_steps.c
    found = await session.execute(
        select(func.min(steps.at)).where(
            steps.tenant_id == tenant_id,
            steps.kind == StepKind.EXECUTED.value,
            steps.at > since,
            steps.at < until,
        )
    )
    at: datetime | None = found.scalar_one()
    return at
