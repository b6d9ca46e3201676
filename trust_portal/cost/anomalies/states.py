"""Where the detector stands with each tenant: read and written for many tenants at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec

from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.anomalies.watching import Watch
from trust_portal.cost.metering.model import Progress, Series
from trust_portal.storage.tenancy import Scope
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: How long the midnights are kept from which late usage is taken up.
ANCHORED: Final = timedelta(days=2)

_Stored = list[tuple[str, str, bytes]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode

_IS_DUE: Final = """
SELECT p.tenant_id, p.revision, p.first_hour, p.closed_through, p.dirty_from
FROM metering_progress p JOIN tenants t ON t.tenant_id = p.tenant_id
WHERE (p.dirty_from IS NOT NULL OR p.closed_through < $1 OR (p.closed_through IS NULL AND p.first_hour <= $1))
  AND (t.offboarded_at IS NULL OR p.dirty_from IS NOT NULL OR p.closed_through IS NULL
       OR t.offboarded_at > p.closed_through)
"""
_DUE: Final = f"{_IS_DUE} AND p.tenant_id > $2 ORDER BY p.tenant_id LIMIT $3"
_DUE_OF: Final = f"{_IS_DUE} AND p.tenant_id = ANY($2::uuid[]) ORDER BY p.tenant_id"
_LATEST: Final = """
SELECT DISTINCT ON (s.tenant_id) s.tenant_id, s.through, s.state
FROM detector_states s JOIN metering_progress p ON p.tenant_id = s.tenant_id
WHERE s.tenant_id = ANY($1::uuid[]) AND s.lane = $2 AND s.detector = $3
  AND (p.dirty_from IS NULL OR s.through < p.dirty_from)
ORDER BY s.tenant_id, s.through DESC
"""
_COSTS: Final = """
SELECT tenant_id, hour, subsystem, currency, cost FROM usage_hours
WHERE tenant_id = ANY($1::uuid[]) AND hour > $2 AND hour <= $3
"""
_CONCERNED: Final = """
SELECT DISTINCT tenant_id FROM anomalies
WHERE tenant_id = ANY($1::uuid[]) AND (state = 'open' OR last_at > $2)
"""
_ADVANCE: Final = """
UPDATE metering_progress p SET closed_through = c.through, dirty_from = NULL
FROM closing c WHERE p.tenant_id = c.tenant_id AND p.revision = c.revision
  AND (p.closed_through IS NULL OR p.closed_through <= c.through)
RETURNING p.tenant_id
"""


class ClosingScope(Scope):
    """One close commits many tenants, and is the only writer of what it writes, as the sequencer is
    of the log; it works under the same role.
    """

    role: ClassVar[str] = "trust_portal_ledger"


@dataclass(frozen=True, slots=True)
class Memory:
    """What the detector remembers of a tenant's series after the hour ``through``."""

    through: datetime
    series: Mapping[Series, bytes]


@dataclass(frozen=True, slots=True)
class Close:
    """What one close found out about one tenant: from ``start`` (exclusive) through ``through``.

    ``revision`` is that of the roll-ups it read. ``redone``: some of these hours were closed before.
    """

    tenant_id: UUID
    revision: int
    start: datetime
    through: datetime
    redone: bool
    watch: Watch
    shadow: Watch | None = None


async def due(session: ReadSession, through: datetime, after: UUID, limit: int) -> tuple[Progress, ...]:
    """Tenants with an hour to close, or to close again, up to ``through``; by id."""
    return _progress(await (await session.driver()).fetch(_DUE, through, after, limit))


async def due_of(session: ReadSession, through: datetime, tenant_ids: Sequence[UUID]) -> tuple[Progress, ...]:
    """The same of ``tenant_ids``."""
    return _progress(await (await session.driver()).fetch(_DUE_OF, through, tenant_ids))


def _progress(rows: Iterable[Any]) -> tuple[Progress, ...]:
    return tuple(Progress(UUID(bytes=row[0].bytes), *row[1:]) for row in rows)


async def memories(
    session: ReadSession, tenant_ids: Sequence[UUID], lane: Lane, detector: str
) -> dict[UUID, Memory]:
    """The latest memory of each tenant that no late usage has made void, of this detector."""
    rows = await (await session.driver()).fetch(_LATEST, tenant_ids, lane.value, detector)
    return {
        row["tenant_id"]: Memory(
            row["through"],
            {Series(name, currency): packed for name, currency, packed in _decode(row["state"])},
        )
        for row in rows
    }


async def costs(
    session: ReadSession, tenant_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, dict[Series, dict[datetime, Decimal]]]:
    """What the hours after ``start`` through ``end`` cost, by tenant and series."""
    found: dict[UUID, dict[Series, dict[datetime, Decimal]]] = {each: {} for each in tenant_ids}
    for tenant_id, hour, name, currency, cost in await (await session.driver()).fetch(
        _COSTS, tenant_ids, start, end
    ):
        found[tenant_id].setdefault(Series(name, currency), {})[hour] = cost
    return found


async def concerned(session: ReadSession, tenant_ids: Sequence[UUID], start: datetime) -> frozenset[UUID]:
    """Tenants with an anomaly that is open or reaches beyond ``start``."""
    rows = await (await session.driver()).fetch(_CONCERNED, tenant_ids, start)
    return frozenset(row[0] for row in rows)


async def save(
    session: WriteSession, detector: str, shadow: str | None, closes: Sequence[Close]
) -> frozenset[UUID]:
    """Write what the closes came to; the tenants for which it was not out of date meanwhile.

    ``detector`` and ``shadow`` are the names of those that watched.

    Roll-ups count a revision; a close that read an earlier one is left out, to be done again, as is one that
    another has overtaken.
    """
    driver = await session.driver()
    await driver.execute(
        "CREATE TEMP TABLE closing (tenant_id uuid, revision bigint, start timestamptz, through timestamptz,"
        " redone boolean) ON COMMIT DROP;"
        "CREATE TEMP TABLE closing_states (tenant_id uuid, through timestamptz, state bytea) ON COMMIT DROP;"
        "CREATE TEMP TABLE closing_expectations (tenant_id uuid, hour timestamptz, subsystem text,"
        " currency text, expected numeric) ON COMMIT DROP"
    )
    await driver.copy_records_to_table(
        "closing",
        records=[(each.tenant_id, each.revision, each.start, each.through, each.redone) for each in closes],
        schema_name="pg_temp",
    )
    saved = frozenset(row[0] for row in await driver.fetch(_ADVANCE))
    kept = [each for each in closes if each.tenant_id in saved]
    if len(kept) < len(closes):
        await driver.execute("DELETE FROM closing WHERE NOT tenant_id = ANY($1::uuid[])", list(saved))
    await _save_states(session, Lane.LIVE, detector, kept)
    if shadow is not None:
        await _save_states(session, Lane.SHADOW, shadow, kept)
    await _save_expectations(session, kept)
    await driver.execute("DROP TABLE closing, closing_states, closing_expectations")
    return saved


async def _save_states(session: WriteSession, lane: Lane, detector: str, closes: Sequence[Close]) -> None:
    driver = await session.driver()
    await driver.execute(
        "DELETE FROM detector_states s USING closing c WHERE s.tenant_id = c.tenant_id AND s.lane = $1"
        " AND (s.through > c.start OR s.through < c.through - $2::interval"
        " OR extract(hour FROM s.through AT TIME ZONE 'UTC') <> 0)",
        lane.value,
        ANCHORED,
    )
    watches = [(each, each.watch if lane is Lane.LIVE else each.shadow) for each in closes]
    await driver.copy_records_to_table(
        "closing_states",
        records=[
            (each.tenant_id, through, _packed(memory))
            for each, seen in watches
            if seen is not None
            for through, memory in {**seen.anchors, each.through: seen.memories}.items()
        ],
        schema_name="pg_temp",
    )
    await driver.execute(
        "INSERT INTO detector_states (tenant_id, lane, through, detector, state)"
        " SELECT tenant_id, $1, through, $2, state FROM closing_states"
        " ON CONFLICT (tenant_id, lane, through)"
        " DO UPDATE SET detector = excluded.detector, state = excluded.state",
        lane.value,
        detector,
    )
    await driver.execute("TRUNCATE closing_states")


async def _save_expectations(session: WriteSession, closes: Sequence[Close]) -> None:
    driver = await session.driver()
    if any(each.redone for each in closes):
        await driver.execute(
            "DELETE FROM cost_expectations e USING closing c"
            " WHERE c.redone AND e.tenant_id = c.tenant_id AND e.hour > c.start"
        )
    await driver.copy_records_to_table(
        "closing_expectations",
        records=[
            (each.tenant_id, hour, series.subsystem, series.currency, expected)
            for each in closes
            for hour, series, expected in each.watch.expected
        ],
        schema_name="pg_temp",
    )
    await driver.execute(
        "INSERT INTO cost_expectations (tenant_id, hour, subsystem, currency, expected)"
        " SELECT tenant_id, hour, subsystem, currency, expected FROM closing_expectations"
        " ON CONFLICT (tenant_id, hour, subsystem, currency) DO UPDATE SET expected = excluded.expected"
    )


def anchors(through: datetime) -> frozenset[datetime]:
    """The midnights before ``through`` that are kept."""
    midnight = through.replace(hour=0)
    days = range(ANCHORED.days + 1)
    found = (midnight - timedelta(days=day) for day in days)
    return frozenset(each for each in found if through - ANCHORED <= each < through)


def _packed(memory: Mapping[Series, bytes]) -> bytes:
    return _encode([(series.subsystem, series.currency, packed) for series, packed in memory.items()])
