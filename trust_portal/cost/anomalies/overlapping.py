"""Anomalies by when they were, with the few columns by which they are told of: without their evidence, which is long."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.anomalies.tables import anomalies
from trust_portal.storage.unit_of_work import ReadSession

_COLUMNS = anomalies.c


class AnomalyLine(NamedTuple):
    """As ``CostAnomaly``. ``receipt_id`` is of the last thing on record: closed, explained or opened."""

    id: UUID
    tenant_id: UUID
    subsystem: str
    currency: str
    state: str
    severity: str
    started_at: datetime
    last_at: datetime
    expected: Decimal
    actual: Decimal
    revision: int
    receipt_id: UUID | None


async def lines_overlapping(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> tuple[AnomalyLine, ...]:
    """Live ones of which an hour lies in ``start`` <= time < ``end``, oldest first.

    Over more than one tenant only in the staff scope.
    """
    column = _COLUMNS
    receipt = func.coalesce(column.closed_receipt_id, column.explained_receipt_id, column.opened_receipt_id)
    rows = await session.execute(
        select(
            column.id,
            column.tenant_id,
            column.subsystem,
            column.currency,
            column.state,
            column.severity,
            column.started_at,
            column.last_at,
            column.expected,
            column.actual,
            column.revision,
            receipt.label("receipt_id"),
        )
        .where(*_overlapping(tenant_ids, start, end))
        .order_by(column.started_at, column.id)
    )
    return tuple(AnomalyLine._make(row) for row in rows)


async def tenants_with_anomalies(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> frozenset[UUID]:
    """Those of ``tenant_ids`` that ``lines_overlapping`` has one of."""
    rows = await session.execute(
        select(_COLUMNS.tenant_id).distinct().where(*_overlapping(tenant_ids, start, end))
    )
    return frozenset(rows.scalars())


def _overlapping(
    tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        _COLUMNS.tenant_id.in_(tenant_ids),
        _COLUMNS.lane == Lane.LIVE.value,
        _COLUMNS.started_at < end,
        _COLUMNS.last_at > start - timedelta(hours=1),
    )
