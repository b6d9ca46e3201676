"""What the figures of the loop need of the anomalies."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from trust_portal.cost.anomalies.model import AnomalyState, Lane, Verdict
from trust_portal.cost.anomalies.tables import anomalies
from trust_portal.cost.detection.model import Direction
from trust_portal.cost.kpis.model import Episode
from trust_portal.cost.remediation.recoveries import verified_recoveries
from trust_portal.storage.unit_of_work import ReadSession


async def episodes(
    session: ReadSession, tenant_id: UUID | None, start: datetime, end: datetime
) -> tuple[Episode, ...]:
    """Live anomalies that began in ``start`` <= time < ``end`` and were not suppressed or merged away.

    Without a tenant of all of them, in the staff scope.
    """
    column = anomalies.c
    query = select(anomalies).where(
        column.lane == Lane.LIVE.value,
        column.started_at >= start,
        column.started_at < end,
        column.suppression_id.is_(None),
        ~column.evidence.has_key("merged_into"),
    )
    if tenant_id is not None:
        query = query.where(column.tenant_id == tenant_id)
    recovered = await verified_recoveries(session, tenant_id, start)
    return tuple(
        Episode(
            currency=row.currency,
            unexplained=row.unexplained,
            started_at=row.started_at,
            last_at=row.last_at,
            detected_at=row.detected_at,
            opened_at=row.opened_at,
            first_explained_at=row.first_explained_at,
            is_open=row.state == AnomalyState.OPEN.value,
            verdict=None if row.verdict is None else Verdict(row.verdict),
            recovered_at=recovered.get(row.id),
            is_drop=row.direction == Direction.DOWN.value,
        )
        for row in await session.execute(query)
    )
