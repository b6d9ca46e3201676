"""Roll-ups in and out of their tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.cost.metering.calculation import HOUR, part_key, runs
from trust_portal.cost.metering.model import HourCost, Part, PlaceCost, Progress, Series
from trust_portal.cost.metering.tables import metering_progress, usage_hours, usage_parts
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def lock_progress(session: WriteSession, tenant_id: UUID) -> Progress | None:
    """Where a tenant stands, held until the commit; ``None`` before its first roll-up."""
    query = select(metering_progress).where(metering_progress.c.tenant_id == tenant_id).with_for_update()
    row = (await session.execute(query)).first()
    return None if row is None else _progress(row)


async def find_progress(session: ReadSession, tenant_id: UUID) -> Progress | None:
    """Where a tenant stands now; ``None`` before its first roll-up."""
    query = select(metering_progress).where(metering_progress.c.tenant_id == tenant_id)
    row = (await session.execute(query)).first()
    return None if row is None else _progress(row)


async def progress_of(session: ReadSession, tenant_ids: Collection[UUID]) -> dict[UUID, Progress]:
    """Where those stand that have a roll-up, by tenant. Over more than one only in the staff scope."""
    query = select(metering_progress).where(metering_progress.c.tenant_id.in_(tenant_ids))
    return {row.tenant_id: _progress(row) for row in await session.execute(query)}


async def recast_since(session: ReadSession, since: datetime) -> dict[UUID, datetime]:
    """By tenant, when what was known of its hours last became another, of those where that was after ``since``.

    Hours that are closed one after the other are no such change. Over more than one only in the staff scope.
    """
    row = metering_progress.c
    query = select(row.tenant_id, row.recast_at).where(row.recast_at > since)
    return {each.tenant_id: each.recast_at for each in await session.execute(query)}


async def advance_progress(session: WriteSession, tenant_id: UUID, first: datetime) -> None:
    """Note that hours from ``first`` on have been rolled up anew.

    If some of them were closed, they are to be closed again.
    """
    insertion = insert_or(metering_progress).values(
        tenant_id=tenant_id,
        revision=1,
        first_hour=first,
        rolled_up_at=session.clock.now(),
        recast_at=session.clock.now(),
    )
    row, fresh = metering_progress.c, insertion.excluded
    known = or_(fresh.first_hour <= row.closed_through, fresh.first_hour < row.first_hour)
    await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["tenant_id"],
            set_={
                "revision": row.revision + 1,
                "first_hour": func.least(row.first_hour, fresh.first_hour),
                # NULL is no hour: LEAST passes over it. The CASE has no ELSE, hence a NULL for open hours.
                "dirty_from": func.least(row.dirty_from, _if_closed(fresh.first_hour)),
                "rolled_up_at": fresh.rolled_up_at,
                "recast_at": case((known, fresh.recast_at), else_=row.recast_at),
            },
        )
    )


def _if_closed(first: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((first <= metering_progress.c.closed_through, first))


async def replace_hours(
    session: WriteSession,
    tenant_id: UUID,
    touched: Collection[tuple[str, datetime]],
    hours: Iterable[HourCost],
    parts: Iterable[Part],
) -> None:
    """Put ``hours`` and ``parts`` in the place of everything there is of the ``touched`` hours."""
    for table in (usage_hours, usage_parts):
        await session.execute(
            delete(table).where(
                table.c.tenant_id == tenant_id,
                or_(
                    *(
                        and_(
                            table.c.subsystem == subsystem,
                            or_(*(table.c.hour.between(a, b) for a, b in _spans(touched, subsystem))),
                        )
                        for subsystem in sorted({name for name, _ in touched})
                    )
                ),
            )
        )
    if rows := [
        {
            "tenant_id": tenant_id,
            "hour": each.hour,
            "subsystem": each.series.subsystem,
            "currency": each.series.currency,
            "cost": each.cost,
            "events": each.events,
        }
        for each in hours
    ]:
        await session.execute(insert(usage_hours), rows)
    if rows := [
        {
            "tenant_id": tenant_id,
            "hour": each.hour,
            "subsystem": each.series.subsystem,
            "currency": each.series.currency,
            "part": part_key(each),
            "resource": each.resource,
            "operation": each.operation,
            "region": each.region,
            "adapter": each.adapter,
            "unit": each.unit,
            "labels": dict(each.labels),
            "quantity": each.quantity,
            "cost": each.cost,
            "events": each.events,
        }
        for each in parts
    ]:
        await session.execute(insert(usage_parts), rows)


def _spans(touched: Collection[tuple[str, datetime]], subsystem: str) -> list[tuple[datetime, datetime]]:
    """First and last hour of each run of consecutive ones."""
    return [(a, b - HOUR) for a, b in runs([hour for name, hour in touched if name == subsystem])]


async def read_hours(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime, *, series: Series | None = None
) -> tuple[HourCost, ...]:
    """The hours in ``start`` <= hour < ``end`` that have usage, in order; of one series or of all."""
    table = usage_hours.c
    query = (
        select(usage_hours)
        .where(table.tenant_id == tenant_id, table.hour >= start, table.hour < end)
        .order_by(table.hour, table.subsystem, table.currency)
    )
    if series is not None:
        query = query.where(table.subsystem == series.subsystem, table.currency == series.currency)
    return tuple(
        HourCost(row.hour, Series(row.subsystem, row.currency), row.cost, row.events)
        for row in await session.execute(query)
    )


async def read_parts(
    session: ReadSession, tenant_id: UUID, series: Series, start: datetime, end: datetime
) -> tuple[Part, ...]:
    """What the hours of ``start`` <= hour < ``end`` are made of, by hour."""
    table = usage_parts.c
    query = (
        select(usage_parts)
        .where(
            table.tenant_id == tenant_id,
            table.subsystem == series.subsystem,
            table.currency == series.currency,
            table.hour >= start,
            table.hour < end,
        )
        .order_by(table.hour, table.part)
    )
    return tuple(
        Part(
            row.hour, series, row.resource, row.operation, row.region, row.adapter, row.unit,
            row.labels, row.quantity, row.cost, row.events,
        )
        for row in await session.execute(query)
    )  # fmt: skip


_PLACES: Final = """
SELECT resource, operation, region, adapter, labels::text, sum(cost)
FROM unnest($4::timestamptz[]) AS used (hour) JOIN usage_parts USING (hour)
WHERE tenant_id = $1 AND subsystem = $2 AND currency = $3
GROUP BY resource, operation, region, adapter, labels
"""


async def read_places(
    session: ReadSession, tenant_id: UUID, series: Series, starts: Sequence[datetime], length: timedelta
) -> tuple[PlaceCost, ...]:
    """What the hours of all spans of ``length`` from ``starts`` are made of, summed up by place, in order.

    Whole hours; one that lies in two spans counts twice. Exact: PostgreSQL's ``numeric`` sums keep every digit.
    """
    hours = [start + n * HOUR for start in starts for n in range(int(length / HOUR))]
    rows = await (await session.driver()).fetch(_PLACES, tenant_id, series.subsystem, series.currency, hours)
    # Few labels stand at many places; PostgreSQL writes equal ones alike.
    labels = {text: json.loads(text) for text in {row["labels"] for row in rows}}
    order = {text: sorted(labels[text].items()) for text in labels}
    rows.sort(
        key=lambda row: (*row[:3], row["adapter"] is not None, row["adapter"] or "", order[row["labels"]])
    )
    return tuple(
        PlaceCost(resource, operation, region, adapter, labels[text], cost)
        for resource, operation, region, adapter, text, cost in rows
    )


async def read_all_parts(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[Part, ...]:
    """What all series are made of in ``start`` <= hour < ``end``, hour by hour."""
    table = usage_parts.c
    query = select(usage_parts).where(table.tenant_id == tenant_id, table.hour >= start, table.hour < end)
    return tuple(
        Part(
            row.hour, Series(row.subsystem, row.currency), row.resource, row.operation, row.region,
            row.adapter, row.unit, row.labels, row.quantity, row.cost, row.events,
        )
        for row in await session.execute(query)
    )  # fmt: skip


async def read_part_sums(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[Part, ...]:
    """What all series of ``start`` <= hour < ``end`` are made of, the hours summed up (``hour`` is ``start``)."""
    table = usage_parts.c
    places = (
        table.subsystem, table.currency, table.resource, table.operation, table.region, table.adapter,
        table.unit, table.labels,
    )  # fmt: skip
    query = (
        select(
            *places,
            func.sum(table.quantity).label("quantity"),
            func.sum(table.cost).label("cost"),
            func.sum(table.events).label("events"),
        )
        .where(table.tenant_id == tenant_id, table.hour >= start, table.hour < end)
        .group_by(*places)
        .order_by(*places)
    )
    return tuple(
        Part(
            start, Series(row.subsystem, row.currency), row.resource, row.operation, row.region, row.adapter,
            row.unit, row.labels, row.quantity, row.cost, int(row.events),
        )
        for row in await session.execute(query)
    )  # fmt: skip


def _progress(row: Row[Any]) -> Progress:
    return Progress(row.tenant_id, row.revision, row.first_hour, row.closed_through, row.dirty_from)
