"""The measurements of one objective of several tenants at once, packed by the database into one value each.

As many bytes as the numbers have and a row for each tenant, where a COPY has a row for each minute: for whoever
reads the same period of many. What they say is what ``measurements.read_measurements`` says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np

from trust_portal.facts.measurements import (
    ABSENT,
    POSTGRES_EPOCH_MINUTES,
    Column,
    MeasurementColumns,
    read_measurements,
)
from trust_portal.storage.unit_of_work import ReadSession

_MINUTE_MICROSECONDS: Final = 60_000_000
#: Which event replaces which is asked for one tenant at a time (``read_measurements``); few have such.
_CORRECTED: Final = """
    SELECT DISTINCT tenant_id FROM measurements WHERE tenant_id = ANY($1) AND correction_of IS NOT NULL
"""
# Numbers as the wire has them: minute, total, good, and the array of counts where there are buckets.
_PACKED: Final = """
    SELECT tenant_id, bounds, string_agg(
        timestamptz_send(minute) || int8send(total) || int8send(coalesce(good, -1))
        || CASE WHEN cardinality(bounds) > 0 THEN array_send(counts) ELSE ''::bytea END,
        ''::bytea) AS told
    FROM measurements
    WHERE tenant_id = ANY($1) AND objective = $2 AND minute >= $3 AND minute < $4
    GROUP BY tenant_id, bounds
"""
_NUMBERS: Final = 24
_ARRAY_HEADER: Final = 20
_ELEMENT: Final = 12


async def measurements_of(
    session: ReadSession, tenant_ids: Collection[UUID], objective: str, start: datetime, end: datetime
) -> dict[UUID, MeasurementColumns]:
    """By tenant, also where there are none. Over more than one tenant only in the staff scope.

    ``last_received_at`` is left out. So much is held in memory at once: ask for a few tenants at a time.
    """
    connection = await session.driver()
    corrected = {row["tenant_id"] for row in await connection.fetch(_CORRECTED, list(tenant_ids))}
    plain = [each for each in tenant_ids if each not in corrected]
    told: dict[UUID, list[Any]] = {each: [] for each in plain}
    for row in await connection.fetch(_PACKED, plain, objective, start, end) if plain else ():
        told[row["tenant_id"]].append(row)
    found = {each: _columns(rows) for each, rows in told.items()}
    for each in corrected:
        found[each] = await read_measurements(session, each, objective, start, end)
    return found


def _columns(rows: Sequence[Any]) -> MeasurementColumns:
    """The rows of one tenant, one for each set of bounds, as columns in order of minute."""
    parts = [_unpacked(row["told"], row["bounds"] or ()) for row in rows]
    if not parts:
        nothing = np.empty(0, np.int64)
        return MeasurementColumns(nothing, nothing, nothing)
    minute, total, good = (np.concatenate([part[0][each] for part in parts]) for each in range(3))
    bounds = sorted({bound for _, counts in parts for bound in counts}, key=float)
    buckets = {
        bound: np.concatenate(
            [counts.get(bound, np.full(len(numbers[0]), ABSENT, np.int64)) for numbers, counts in parts]
        )
        for bound in bounds
    }
    order = np.argsort(minute, kind="stable")
    return MeasurementColumns(
        minute=minute[order] // _MINUTE_MICROSECONDS + POSTGRES_EPOCH_MINUTES,
        total=total[order],
        good=good[order],
        buckets={bound: counts[order] for bound, counts in buckets.items()},
    )


def _unpacked(told: bytes, bounds: Sequence[str]) -> tuple[list[Column], dict[str, Column]]:
    """Minute (microseconds since 2000-01-01 UTC), total and good; and counts by bound."""
    width = _NUMBERS + (_ARRAY_HEADER + _ELEMENT * len(bounds) if bounds else 0)
    counts_at = [_NUMBERS + _ARRAY_HEADER + _ELEMENT * each + 4 for each in range(len(bounds))]
    offsets = [0, 8, 16, *counts_at]
    layout = np.dtype(
        {
            "names": list(map(str, offsets)),
            "formats": [">i8"] * len(offsets),
            "offsets": offsets,
            "itemsize": width,
        }
    )
    table = np.frombuffer(told, layout)
    minute, total, good, *counts = (table[str(each)].astype(np.int64) for each in offsets)
    return [minute, total, good], dict(zip(bounds, counts, strict=True))
