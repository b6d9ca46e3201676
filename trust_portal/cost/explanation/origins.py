"""The usage events behind a figure: of a cause, a driver, or the whole anomaly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from trust_portal.cost.metering.model import Series
from trust_portal.errors import InvalidInput
from trust_portal.facts.tables import usage
from trust_portal.storage.unit_of_work import ReadSession

#: The largest of a figure's events: enough to see what it is made of.
MOST_EVENTS: Final = 100
_FIXED: Final = {
    "resource": usage.c.resource,
    "operation": usage.c.operation,
    "region": usage.c.region,
    "adapter": func.coalesce(usage.c.adapter, ""),
}


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """As it was delivered; ``correction_of`` is the id of the event that it replaces."""

    time: datetime
    resource: str
    operation: str
    region: str
    adapter: str | None
    labels: Mapping[str, str]
    quantity: Decimal
    unit: str
    cost: Decimal
    source: str
    event_id: str
    correction_of: str | None


@dataclass(frozen=True, slots=True)
class Origins:
    """``events``: the dearest first, at most ``MOST_EVENTS`` of ``total``."""

    events: tuple[UsageEvent, ...]
    total: int


async def read_origins(
    session: ReadSession,
    tenant_id: UUID,
    series: Series,
    start: datetime,
    end: datetime,
    where: Mapping[str, str],
) -> Origins:
    """Events of ``start`` <= time < ``end`` in the part that ``where`` names, corrections included."""
    wanted = (
        usage.c.tenant_id == tenant_id,
        usage.c.subsystem == series.subsystem,
        usage.c.currency == series.currency,
        usage.c.time >= start,
        usage.c.time < end,
        *(_column(name) == value for name, value in where.items()),
    )
    total = (await session.execute(select(func.count()).select_from(usage).where(*wanted))).scalar_one()
    rows = await session.execute(
        select(usage)
        .where(*wanted)
        .order_by(func.abs(usage.c.cost).desc(), usage.c.time, usage.c.event_key)
        .limit(MOST_EVENTS)
    )
    return Origins(
        tuple(
            UsageEvent(
                row.time, row.resource, row.operation, row.region, row.adapter, row.labels or {}, row.quantity,
                row.unit, row.cost, row.source, row.event_id, row.correction_of,
            )
            for row in rows
        ),
        total,
    )  # fmt: skip


def _column(dimension: str) -> ColumnElement[str]:
    """A dimension of the attribution's table as a column; every other name is that of a label."""
    if dimension in _FIXED:
        return _FIXED[dimension]
    name = dimension.removeprefix("label:")
    if not name:
        raise InvalidInput("a dimension has a name", field="where")
    return func.coalesce(usage.c.labels[name].astext, "")
