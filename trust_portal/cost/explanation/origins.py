"""The usage events behind a figure: of a cause, a driver, an hour, the whole anomaly, or what is unexplained.

Their costs add up to the figure exactly. A cause's name may also fit rows that are another cause's;
those are that one's, so what is listed is told apart by rows of the table and not by name alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Text, and_, bindparam, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from trust_portal.cost.explanation.model import UNOWNED, Attribution, Table
from trust_portal.cost.metering.model import Series
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.facts.tables import usage
from trust_portal.facts.usage import replaced
from trust_portal.storage.unit_of_work import ReadSession

#: The largest of a figure's events: enough to see what it is made of.
MOST_EVENTS: Final = 100
_FIXED: Final = {
    "resource": usage.c.resource,
    "operation": usage.c.operation,
    "region": usage.c.region,
    "adapter": func.coalesce(usage.c.adapter, ""),
}

Span = tuple[datetime, datetime]


class Figure(StrEnum):
    """Which kind of figure is opened."""

    PART = "part"  #: everything that has the values of ``where``
    CAUSE = "cause"  #: what the cause of that name explains
    UNEXPLAINED = "unexplained"  #: what no cause explains


@dataclass(frozen=True, slots=True)
class FindOrigins:
    """Query: the events behind one figure of an anomaly.

    ``comparable``: those of the comparable hours, which say how what was expected splits. ``hour``:
    of one hour of the series instead, within the anomaly or not.
    """

    tenant_id: UUID
    anomaly_id: UUID
    figure: Figure = Figure.PART
    where: Mapping[str, str] = field(default_factory=dict)
    comparable: bool = False
    hour: datetime | None = None


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
class Share:
    """What a figure is made of: it adds actual − expected to the excess, exactly."""

    expected: Decimal
    actual: Decimal


@dataclass(frozen=True, slots=True)
class Origins:
    """``events``: the dearest first, at most ``MOST_EVENTS`` of ``total``, which all together cost ``cost``.

    Events that a correction replaced do not count; ``replaced`` says how many there are. ``share`` is the
    figure in the explanation, ``None`` for an hour.
    """

    events: tuple[UsageEvent, ...]
    total: int
    cost: Decimal
    replaced: int
    spans: tuple[Span, ...]
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of an explanation's table by their values: only these, or (``others``) all but these few."""

    dimensions: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]
    others: bool


def rows_of(
    table: Table, found: Attribution, figure: Figure, where: Mapping[str, str]
) -> tuple[NDArray[np.bool_], Rows | None]:
    """The rows a figure stands for, and what tells them apart where ``where`` alone does not.

    ``NotFound`` for a cause that the explanation does not name (any more).
    """
    named = table.rows(where)
    if figure is Figure.PART:
        return named, None
    if figure is Figure.CAUSE:
        places = [place for place, cause in enumerate(found.causes) if dict(cause.where) == dict(where)]
        if not places:
            raise NotFound("cause")
        own = found.owners == places[0]
    else:
        own = found.owners == UNOWNED
    foreign = named & ~own
    if not foreign.any():
        return own, None
    others = int(foreign.sum()) <= int(own.sum())
    listed = np.flatnonzero(foreign if others else own)
    columns = [
        [values[code] for code in codes[listed].tolist()]
        for values, codes in zip(table.values, table.codes, strict=True)
    ]
    return own, Rows(table.dimensions, tuple(zip(*columns, strict=True)), others)


async def read_origins(
    session: ReadSession,
    tenant_id: UUID,
    series: Series,
    spans: Sequence[Span],
    where: Mapping[str, str],
    rows: Rows | None = None,
) -> Origins:
    """Events of the ``spans`` (start <= time < end) that have the values of ``where`` and lie in ``rows``."""
    if not spans or (rows is not None and not rows.places):
        return Origins((), 0, Decimal(0), 0, tuple(spans))
    wanted = [
        usage.c.tenant_id == tenant_id,
        usage.c.subsystem == series.subsystem,
        usage.c.currency == series.currency,
        or_(*(and_(usage.c.time >= start, usage.c.time < end) for start, end in spans)),
        *(_column(name) == value for name, value in where.items()),
    ]
    if rows is not None:
        wanted.append(_among(rows))
    counts = ~replaced(tenant_id)
    sums = await session.execute(
        select(
            func.count().filter(counts).label("total"),
            func.coalesce(func.sum(usage.c.cost).filter(counts), 0).label("cost"),
            func.count().label("everything"),
        )
        .select_from(usage)
        .where(*wanted)
    )
    found = sums.one()
    listed = await session.execute(
        select(usage)
        .where(*wanted, counts)
        .order_by(func.abs(usage.c.cost).desc(), usage.c.time, usage.c.event_key)
        .limit(MOST_EVENTS)
    )
    return Origins(
        tuple(
            UsageEvent(
                row.time, row.resource, row.operation, row.region, row.adapter, row.labels or {}, row.quantity,
                row.unit, row.cost, row.source, row.event_id, row.correction_of,
            )
            for row in listed
        ),
        found.total,
        Decimal(found.cost),
        found.everything - found.total,
        tuple(spans),
    )  # fmt: skip


def _column(dimension: str) -> ColumnElement[str]:
    """A dimension of the attribution's table as a column; every other name is that of a label."""
    if dimension in _FIXED:
        return _FIXED[dimension]
    name = dimension.removeprefix("label:")
    if not name:
        raise InvalidInput("a dimension has a name", field="where")
    return func.coalesce(usage.c.labels[name].astext, "")


def _among(rows: Rows) -> ColumnElement[bool]:
    """Arrays of text, one per dimension: however many rows, there are as many parameters as dimensions."""
    names = [f"d{number}" for number in range(len(rows.dimensions))]
    arrays = [
        bindparam(f"rows_{name}", list(column), type_=ARRAY(Text))
        for name, column in zip(names, zip(*rows.places, strict=True), strict=True)
    ]
    listed = func.unnest(*arrays).table_valued(*(column(name, Text) for name in names)).render_derived()
    same = and_(
        *(
            _column(dimension) == listed.c[name]
            for dimension, name in zip(rows.dimensions, names, strict=True)
        ),
    )
    inside = select(1).select_from(listed).where(same).correlate(usage).exists()
    return ~inside if rows.others else inside
