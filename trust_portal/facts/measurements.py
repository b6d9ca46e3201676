"""A period's measurements of one objective, as columns: what reports are computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, select

from trust_portal.facts.tables import measurements
from trust_portal.storage.unit_of_work import ReadSession

Column = NDArray[np.int64]

#: Stands for "this event did not say".
ABSENT: Final = -1

_POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_POSTGRES_EPOCH_MINUTES: Final = int(_POSTGRES_EPOCH.timestamp()) // 60
_MINUTE_MICROSECONDS: Final = 60_000_000
_HEADER_BYTES: Final = 19
_TRAILER_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class MeasurementColumns:
    """One entry per stored event, in order of minute; a minute may be there more than once.

    All columns are int64 and equally long (n). ``minute`` counts minutes since 1970-01-01 UTC,
    ``total`` and ``good`` count events, ``buckets`` holds cumulative counts by canonical bound
    (``0.25``, ``+Inf``). ``ABSENT`` (-1) marks a ``good`` or bucket that an event did not carry.
    """

    minute: Column
    total: Column
    good: Column
    buckets: dict[str, Column] = field(default_factory=dict)
    last_received_at: datetime | None = None

    def __len__(self) -> int:
        return len(self.minute)


@dataclass(frozen=True, slots=True)
class Received:
    """How much of a period is here, and when the latest of it came."""

    count: int
    last_received_at: datetime | None


async def read_measurements(
    session: ReadSession, tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> MeasurementColumns:
    """The events of ``objective`` whose minute lies in ``start`` <= minute < ``end``.

    PostgreSQL's binary COPY of fixed-width columns is a matrix already: it is taken over as such,
    without an object per value.
    """
    bounds = await _bounds(session, tenant_id, objective, start, end)
    buckets = "".join(
        f", coalesce(counts[array_position(bounds, {_literal(bound)})], {ABSENT})" for bound in bounds
    )
    query = (
        f"SELECT minute, received_at, total, coalesce(good, {ABSENT}){buckets} FROM measurements "  # noqa: S608 - the bounds are literals
        "WHERE tenant_id = $1 AND objective = $2 AND minute >= $3 AND minute < $4 "
        "ORDER BY minute, event_key"
    )
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    connection = await session.driver()
    await connection.copy_from_query(query, tenant_id, objective, start, end, output=keep, format="binary")
    table = _as_matrix(b"".join(parts), 4 + len(bounds))
    received = table["f1"]
    return MeasurementColumns(
        minute=table["f0"].astype(np.int64) // _MINUTE_MICROSECONDS + _POSTGRES_EPOCH_MINUTES,
        total=table["f2"].astype(np.int64),
        good=table["f3"].astype(np.int64),
        buckets={bound: table[f"f{4 + at}"].astype(np.int64) for at, bound in enumerate(bounds)},
        last_received_at=_POSTGRES_EPOCH + timedelta(microseconds=int(received.max()))
        if len(received)
        else None,
    )


async def received(
    session: ReadSession, tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> Received:
    """Count and last arrival of what ``read_measurements`` would return.

    A count beyond the one a report was made from means that something came late.
    """
    row = (
        await session.execute(
            select(func.count().label("events"), func.max(measurements.c.received_at).label("last")).where(
                *_of_period(tenant_id, objective, start, end)
            )
        )
    ).one()
    return Received(row.events, row.last)


async def _bounds(
    session: ReadSession, tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> list[str]:
    """Every bucket bound that occurs, rising, ``+Inf`` last."""
    rows = await session.execute(
        select(measurements.c.bounds)
        .where(*_of_period(tenant_id, objective, start, end), measurements.c.bounds.is_not(None))
        .distinct()
    )
    found: set[str] = set()
    for bounds in rows.scalars():
        found.update(bounds)
    return sorted(found, key=lambda bound: float("inf") if bound == "+Inf" else float(bound))


def _of_period(
    tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        measurements.c.tenant_id == tenant_id,
        measurements.c.objective == objective,
        measurements.c.minute >= start,
        measurements.c.minute < end,
    )


def _literal(bound: str) -> str:
    """Bounds were held against their pattern on the way in: digits, a point, ``+Inf``."""
    return "'" + bound.replace("'", "''") + "'"


def _as_matrix(copied: bytes, columns: int) -> NDArray[np.void]:
    """Rows of a binary COPY whose columns are all 8 bytes wide and never null."""
    row = [("count", ">i2")]
    for at in range(columns):
        row += [(f"w{at}", ">i4"), (f"f{at}", ">i8")]
    body = memoryview(copied)[_HEADER_BYTES : len(copied) - _TRAILER_BYTES]
    return np.frombuffer(body, dtype=np.dtype(row))
