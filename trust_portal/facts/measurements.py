"""A period's measurements of one objective, as columns: what reports are computed from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, select

from trust_portal.facts.copied import Run, runs
from trust_portal.facts.tables import measurements
from trust_portal.storage.unit_of_work import ReadSession

Column = NDArray[np.int64]

#: Stands for "this event did not say".
ABSENT: Final = -1

_POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
POSTGRES_EPOCH_MINUTES: Final = int(_POSTGRES_EPOCH.timestamp()) // 60
_MINUTE_MICROSECONDS: Final = 60_000_000
# A correction names an id of its own source, whatever minute it is for. Of several for one event the
# last received counts. As conditions and no joins: a tenant without corrections pays for one look into
# the partial index, and where the corrections are too many to be hashed, each row asks the index for its own.
_COLUMNS: Final = """
    SELECT minute, received_at, total, coalesce(good, -1), bounds, counts FROM measurements AS told
    WHERE tenant_id = $1 AND objective = $2 AND minute >= $3 AND minute < $4
      AND (
        NOT EXISTS (SELECT FROM measurements WHERE tenant_id = $1 AND correction_of IS NOT NULL)
        OR NOT EXISTS (
            SELECT FROM measurements AS later
            WHERE later.tenant_id = $1 AND later.correction_of IS NOT NULL
              AND later.source = told.source AND later.correction_of = told.event_id
              AND later.correction_of <> later.event_id)
        AND (told.correction_of IS NULL OR NOT EXISTS (
            SELECT FROM measurements AS later
            WHERE later.tenant_id = $1 AND later.correction_of IS NOT NULL
              AND later.source = told.source AND later.correction_of = told.correction_of
              AND (later.received_at, later.event_key) > (told.received_at, told.event_key)))
      )
    ORDER BY minute, event_key
"""


@dataclass(frozen=True, slots=True)
class MeasurementColumns:
    """One entry per stored event that no other replaces, in order of minute.

    A minute may be there more than once: two events for it without ``correction_of`` are two claims.

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

    A replaced event is left out, wherever its replacement lies; a correction of an id that is not
    known (yet) stands for itself.
    """
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    connection = await session.driver()
    await connection.copy_from_query(_COLUMNS, tenant_id, objective, start, end, output=keep, format="binary")
    return _joined(list(runs(b"".join(parts))))


def _joined(found: list[Run]) -> MeasurementColumns:
    if not found:
        nothing = np.empty(0, np.int64)
        return MeasurementColumns(nothing, nothing, nothing)
    minute = np.concatenate([run.minute for run in found])
    buckets = {bound: np.full(len(minute), ABSENT, np.int64) for bound in _rising_bounds(found)}
    start = 0
    for run in found:
        for bound, counts in run.buckets.items():
            buckets[bound][start : start + len(counts)] = counts
        start += len(run.minute)
    last = max(int(run.received_at.max()) for run in found)
    return MeasurementColumns(
        minute=minute // _MINUTE_MICROSECONDS + POSTGRES_EPOCH_MINUTES,
        total=np.concatenate([run.total for run in found]),
        good=np.concatenate([run.good for run in found]),
        buckets=buckets,
        last_received_at=_POSTGRES_EPOCH + timedelta(microseconds=last),
    )


def _rising_bounds(found: list[Run]) -> list[str]:
    """Every bucket bound that occurs; ``+Inf`` is last."""
    return sorted({bound for run in found for bound in run.buckets}, key=float)


#: From one name to the next by the primary key: as many looks as there are names, however many minutes.
_NAMES: Final = """
    WITH RECURSIVE named (objective) AS (
        SELECT min(objective) FROM measurements WHERE tenant_id = $1
        UNION ALL
        SELECT (SELECT min(objective) FROM measurements WHERE tenant_id = $1 AND objective > named.objective)
        FROM named WHERE named.objective IS NOT NULL
    )
    SELECT objective, (
        SELECT max(minute) FROM measurements WHERE tenant_id = $1 AND objective = named.objective
    ) AS newest
    FROM named WHERE objective IS NOT NULL
"""


async def newest_measured(session: ReadSession, tenant_id: UUID) -> dict[str, datetime]:
    """Every objective that an event of the tenant's ever named, by key, and the newest minute of each."""
    connection = await session.driver()
    return {row["objective"]: row["newest"] for row in await connection.fetch(_NAMES, tenant_id)}


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What the measurements of one tenant, of all its objectives, come to in a span of time.

    As they were told: what was corrected since counts twice. Of a latency objective a call has ``failed`` that was not
    within its bound. ``unsaid`` counts events of which neither that nor good ones are said; ``slow`` those with calls
    beyond the lowest of their buckets, which some contract may call late. ``objectives`` are those with a measured
    minute, and ``fewest`` the minutes measured of the one measured least: none, where one was last measured in the hour
    before.
    """

    failed: int
    unsaid: int
    slow: int
    fewest: int
    objectives: frozenset[str]


#: What was measured as long before is expected to be measured.
_BEFORE: Final = timedelta(hours=1)
#: $4 and $5 name latency objectives, $6 their bounds; from $7 on something is expected to be measured.
_TOLD_OF: Final = """
    WITH within (tenant_id, objective, bound) AS MATERIALIZED (
        SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[])
    ), told AS (
        SELECT tenant_id, objective, minute, minute >= $2 AS inside, total, coalesce(counts[1] < total, false) AS slow,
               coalesce(counts[array_position(bounds, bound)], good) AS good
        FROM measurements LEFT JOIN within USING (tenant_id, objective)
        WHERE tenant_id = ANY($1::uuid[]) AND minute >= $7 AND minute < $3
    ), of_objective AS (
        SELECT tenant_id, objective, coalesce(sum(total - good) FILTER (WHERE inside), 0) AS failed,
               count(*) FILTER (WHERE inside AND good IS NULL) AS unsaid,
               count(*) FILTER (WHERE inside AND slow) AS slow, count(DISTINCT minute) FILTER (WHERE inside) AS minutes
        FROM told GROUP BY tenant_id, objective
    )
    SELECT tenant_id, sum(failed)::bigint AS failed, sum(unsaid)::bigint AS unsaid, sum(slow)::bigint AS slow,
           min(minutes) AS fewest, coalesce(array_agg(objective) FILTER (WHERE minutes > 0), '{}') AS objectives
    FROM of_objective GROUP BY tenant_id
"""


async def told_of(
    session: ReadSession,
    tenant_ids: Collection[UUID],
    start: datetime,
    end: datetime,
    bounds: Mapping[tuple[UUID, str], str],
) -> dict[UUID, ToldOf]:
    """By tenant, for ``start`` <= minute < ``end``; of whom nothing was measured, nor in the hour before, is left out. In the
    staff scope.

    ``bounds``: of latency objectives, by tenant and key, within how many seconds a call is good.
    """
    connection = await session.driver()
    of = list(bounds)
    rows = await connection.fetch(
        _TOLD_OF,
        list(tenant_ids),
        start,
        end,
        [id_ for id_, _ in of],
        [key for _, key in of],
        list(bounds.values()),
        start - _BEFORE,
    )
    return {
        row["tenant_id"]: ToldOf(
            row["failed"], row["unsaid"], row["slow"], row["fewest"], frozenset(row["objectives"])
        )
        for row in rows
    }


async def objectives_measured(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[str, ...]:
    """The objectives with an event for a minute in ``start`` <= minute < ``end``, by key."""
    rows = await session.execute(
        select(measurements.c.objective)
        .distinct()
        .where(
            measurements.c.tenant_id == tenant_id,
            measurements.c.minute >= start,
            measurements.c.minute < end,
        )
        .order_by(measurements.c.objective)
    )
    return tuple(rows.scalars())


async def received(
    session: ReadSession, tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> Received:
    """Count and last arrival of the period's events, replaced ones too.

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


def _of_period(
    tenant_id: UUID, objective: str, start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        measurements.c.tenant_id == tenant_id,
        measurements.c.objective == objective,
        measurements.c.minute >= start,
        measurements.c.minute < end,
    )
