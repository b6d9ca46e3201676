"""What a tenant used and what it cost, summed up per hour and dimension. Exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_

from trust_portal.facts.tables import usage
from trust_portal.storage.unit_of_work import ReadSession

_later = usage.alias("later")


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """One hour of one combination of dimensions; ``cost`` is in major units of ``currency``."""

    hour: datetime
    resource: str
    operation: str
    region: str
    adapter: str | None
    labels: Mapping[str, str]
    unit: str
    currency: str
    quantity: Decimal
    cost: Decimal
    events: int


async def read_usage(
    session: ReadSession, tenant_id: UUID, subsystem: str, start: datetime, end: datetime
) -> tuple[UsageTotal, ...]:
    """What was used in ``start`` <= time < ``end``, by hour and dimensions.

    A replaced event does not count, wherever and whenever its replacement was used; of several
    replacements of one event the last received counts.
    """
    hour = func.date_trunc("hour", usage.c.time, "UTC").label("hour")
    dimensions = (
        hour,
        usage.c.resource,
        usage.c.operation,
        usage.c.region,
        usage.c.adapter,
        usage.c.labels,
        usage.c.unit,
        usage.c.currency,
    )
    query = (
        select(
            *dimensions,
            func.sum(usage.c.quantity).label("quantity"),
            func.sum(usage.c.cost).label("cost"),
            func.count().label("events"),
        )
        .where(
            usage.c.tenant_id == tenant_id,
            usage.c.subsystem == subsystem,
            usage.c.time >= start,
            usage.c.time < end,
            ~replaced(tenant_id),
        )
        .group_by(*dimensions)
        .order_by(*dimensions)
    )
    return tuple(
        UsageTotal(
            row.hour, row.resource, row.operation, row.region, row.adapter, row.labels or {}, row.unit,
            row.currency, row.quantity, row.cost, row.events,
        )
        for row in await session.execute(query)
    )  # fmt: skip


def replaced(tenant_id: UUID) -> ColumnElement[bool]:
    """Whether a row of ``usage`` does not count any more."""
    return exists().where(
        _later.c.tenant_id == tenant_id,
        or_(
            _later.c.corrects == usage.c.event_key,
            and_(
                _later.c.corrects == usage.c.corrects,
                tuple_(_later.c.received_at, _later.c.event_key)
                > tuple_(usage.c.received_at, usage.c.event_key),
            ),
        ),
    )
