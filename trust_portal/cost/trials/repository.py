"""Back-tests in and out of their table; finds and verdicts out of the anomalies."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select

from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.anomalies.tables import anomalies, detector_backtests
from trust_portal.cost.detection.model import Direction
from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.tables import usage_hours
from trust_portal.cost.trials.comparison import Find
from trust_portal.cost.trials.model import BackTest
from trust_portal.cost.trials.quality import Judgement
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_JUDGED: Final = """
SELECT a.lane, a.detector || '@' || a.detector_version AS detector, a.tenant_id, a.subsystem,
  count(*) FILTER (WHERE coalesce(a.verdict, l.verdict) = 'real') AS real,
  count(*) FILTER (WHERE coalesce(a.verdict, l.verdict) = 'planned') AS planned,
  count(*) FILTER (WHERE coalesce(a.verdict, l.verdict) = 'false') AS false,
  count(*) FILTER (WHERE coalesce(a.verdict, l.verdict) IS NULL) AS unjudged
FROM anomalies a LEFT JOIN LATERAL (
  SELECT b.verdict FROM anomalies b
  WHERE a.lane = 'shadow' AND b.lane = 'live' AND b.tenant_id = a.tenant_id AND b.subsystem = a.subsystem
    AND b.currency = a.currency AND b.verdict IS NOT NULL
    AND b.started_at <= a.last_at AND a.started_at <= b.last_at
  ORDER BY b.started_at, b.id LIMIT 1
) l ON true
WHERE a.started_at >= $1 AND a.started_at < $2 AND ($3::uuid IS NULL OR a.tenant_id = $3)
  AND NOT a.evidence ? 'merged_into'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


async def add_back_test(session: WriteSession, test: BackTest, actor: Actor) -> None:
    await session.execute(
        insert(detector_backtests).values(
            tenant_id=test.tenant_id,
            id=test.id,
            detector=test.detector,
            live=test.live,
            weeks=test.weeks,
            starts_at=test.start,
            ends_at=test.end,
            document=dict(test.document),
            digest=test.digest,
            ran_at=test.ran_at,
            ran_by_id=actor.id,
            ran_by_name=test.ran_by,
            receipt_id=test.receipt_id,
        )
    )


async def get_back_test(session: ReadSession, tenant_id: UUID, id_: UUID) -> BackTest:
    """``NotFound`` where there is none."""
    table = detector_backtests.c
    query = select(detector_backtests).where(table.tenant_id == tenant_id, table.id == id_)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("back-test")
    return _back_test(row)


async def newest_back_tests(session: ReadSession, tenant_id: UUID, limit: int) -> tuple[BackTest, ...]:
    table = detector_backtests.c
    query = (
        select(detector_backtests)
        .where(table.tenant_id == tenant_id)
        .order_by(table.ran_at.desc(), table.id.desc())
        .limit(limit)
    )
    return tuple(_back_test(row) for row in await session.execute(query))


async def has_usage(session: ReadSession, tenant_id: UUID | None, start: datetime, end: datetime) -> bool:
    """Whether there is any in ``start`` < hour <= ``end``; without a tenant anybody's, in the staff scope."""
    hours = usage_hours.c
    query = select(hours.hour).where(hours.hour > start, hours.hour <= end).limit(1)
    if tenant_id is not None:
        query = query.where(hours.tenant_id == tenant_id)
    return (await session.execute(query)).first() is not None


async def busiest_tenants(
    session: ReadSession, start: datetime, end: datetime, most: int
) -> tuple[tuple[UUID, ...], int]:
    """Tenants with usage in ``start`` < hour <= ``end``, those with the most hours first; how many there are."""
    hours = usage_hours.c
    query = (
        select(hours.tenant_id, func.count().over().label("tenants"))
        .where(hours.hour > start, hours.hour <= end)
        .group_by(hours.tenant_id)
        .order_by(func.count().desc(), hours.tenant_id)
        .limit(most)
    )
    rows = (await session.execute(query)).all()
    return tuple(row.tenant_id for row in rows), rows[0].tenants if rows else 0


async def finds(
    session: ReadSession, tenant_id: UUID | None, lane: Lane, start: datetime, end: datetime
) -> tuple[tuple[Find, str | None], ...]:
    """Anomalies on record that began in ``start`` <= time < ``end``, each with its verdict, oldest first.

    Without a tenant those of all, in the staff scope.
    """
    column = anomalies.c
    query = (
        select(anomalies)
        .where(
            column.lane == lane.value,
            column.started_at >= start,
            column.started_at < end,
            ~column.evidence.has_key("merged_into"),
        )
        .order_by(column.started_at, column.id)
    )
    if tenant_id is not None:
        query = query.where(column.tenant_id == tenant_id)
    return tuple(
        (
            Find(
                row.tenant_id, Series(row.subsystem, row.currency), Direction(row.direction), row.started_at,
                row.last_at, Decimal(row.excess), row.id,
            ),
            row.verdict,
        )
        for row in await session.execute(query)
    )  # fmt: skip


async def judgements(
    session: ReadSession, tenant_id: UUID | None, start: datetime, end: datetime
) -> tuple[Judgement, ...]:
    """Of anomalies that began in ``start`` <= time < ``end``, by lane, detector, tenant and subsystem."""
    rows = await (await session.driver()).fetch(_JUDGED, start, end, tenant_id)
    return tuple(
        Judgement(
            Lane(row["lane"]), row["detector"], UUID(bytes=row["tenant_id"].bytes), row["subsystem"],
            row["real"], row["planned"], row["false"], row["unjudged"],
        )
        for row in rows
    )  # fmt: skip


def _back_test(row: Row[Any]) -> BackTest:
    return BackTest(
        id=row.id,
        tenant_id=row.tenant_id,
        detector=row.detector,
        live=row.live,
        weeks=row.weeks,
        start=row.starts_at,
        end=row.ends_at,
        document=row.document,
        digest=row.digest,
        ran_at=row.ran_at,
        ran_by=row.ran_by_name,
        receipt_id=row.receipt_id,
    )
