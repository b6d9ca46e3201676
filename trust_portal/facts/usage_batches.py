"""What usage each commit brought, so that roll-ups follow without missing any.

A row is written in the transaction of the usage itself and taken away in that of the roll-up. What
commits late simply appears late; nothing is counted by a mark that a slow transaction could slip under.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, or_, select

from trust_portal.facts.events import UsageRecorded
from trust_portal.facts.rows import Owned, corrected_key
from trust_portal.facts.tables import usage, usage_batches
from trust_portal.kernel.ids import new_id
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_WAITING: Final = """
SELECT min(received_at) FROM usage_batches
WHERE tenant_id = $1
  AND (cardinality(corrects) > 0 OR EXISTS (SELECT FROM unnest(hours) AS hour WHERE hour >= $2 AND hour < $3))
"""


@dataclass(frozen=True, slots=True)
class UsageTouched:
    """Hours of a tenant's usage that changed: ``(subsystem, start of the hour in UTC)``."""

    batches: tuple[UUID, ...]
    hours: frozenset[tuple[str, datetime]]


async def insert_usage_batches(
    connection: asyncpg.Connection[Any], stored: Collection[Owned], received_at: datetime
) -> None:
    """One row per tenant and subsystem that ``stored`` has usage of."""
    touched: dict[tuple[UUID, str], tuple[set[datetime], set[bytes]]] = {}
    for each in stored:
        event = each.read.event
        if isinstance(event, UsageRecorded):
            hours, corrected = touched.setdefault((each.tenant_id, event.data.subsystem), (set(), set()))
            hours.add(event.time.replace(minute=0, second=0, microsecond=0))
            if (key := corrected_key(event)) is not None:
                corrected.add(key)
    if touched:
        await connection.executemany(
            "INSERT INTO usage_batches (id, tenant_id, subsystem, hours, corrects, received_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            [
                (
                    new_id(),
                    tenant_id,
                    subsystem,
                    sorted(hours),
                    [UUID(bytes=key) for key in sorted(corrected)],
                    received_at,
                )
                for (tenant_id, subsystem), (hours, corrected) in sorted(touched.items())
            ],
        )


async def tenants_with_usage_touched(session: ReadSession, limit: int) -> tuple[UUID, ...]:
    """Tenants whose roll-ups are behind, the longest waiting first."""
    query = (
        select(usage_batches.c.tenant_id)
        .group_by(usage_batches.c.tenant_id)
        .order_by(func.min(usage_batches.c.received_at))
        .limit(limit)
    )
    return tuple((await session.execute(query)).scalars())


async def tenants_with_usage_waiting(session: ReadSession, since: datetime) -> frozenset[UUID]:
    """Those of which something came in before ``since`` and is not rolled up yet. Over more than one only in the staff scope."""
    query = select(usage_batches.c.tenant_id).where(usage_batches.c.received_at < since).distinct()
    return frozenset((await session.execute(query)).scalars())


async def usage_waiting_since(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> datetime | None:
    """When the longest waiting came in of what was used in ``start`` <= hour < ``end``, or replaces other usage, and is not
    rolled up yet; None where nothing waits.
    """
    driver = await session.driver()
    found: datetime | None = await driver.fetchval(_WAITING, tenant_id, start, end)
    return found


async def usage_hours_touched(session: ReadSession, tenant_id: UUID) -> UsageTouched:
    """What is to be rolled up anew, also the hours whose events were replaced by later ones.

    Read the usage of these hours *after* this, in the same transaction: it then has everything the
    batches stand for.
    """
    rows = (await session.execute(select(usage_batches).where(usage_batches.c.tenant_id == tenant_id))).all()
    hours = {(row.subsystem, hour) for row in rows for hour in row.hours}
    replaced = {key for row in rows for key in row.corrects}
    if replaced:
        query = select(usage.c.subsystem, func.date_trunc("hour", usage.c.time, "UTC").label("hour")).where(
            usage.c.tenant_id == tenant_id,
            # An earlier replacement of the same event counts no more either, wherever it was used.
            or_(usage.c.event_key.in_(replaced), usage.c.corrects.in_(replaced)),
        )
        hours.update((row.subsystem, row.hour) for row in await session.execute(query))
    return UsageTouched(tuple(row.id for row in rows), frozenset(hours))


async def settle_usage_batches(session: WriteSession, tenant_id: UUID, touched: UsageTouched) -> None:
    """Takes the batches away, in the transaction that wrote the roll-ups of their hours."""
    await session.execute(
        delete(usage_batches).where(
            usage_batches.c.tenant_id == tenant_id, usage_batches.c.id.in_(touched.batches)
        )
    )
