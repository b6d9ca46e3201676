"""Of which incidents each commit told something, so that their register follows without missing any.

A row is written in the transaction of the facts themselves and taken away in that of the register.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from trust_portal.facts.events import (
    INCIDENT_DECLARED,
    INCIDENT_MITIGATED,
    INCIDENT_RESOLVED,
    INCIDENT_UPDATED,
    SUBJECT_FIELDS,
)
from trust_portal.facts.rows import Owned
from trust_portal.facts.tables import incident_touches
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

INCIDENT_TYPES = (INCIDENT_DECLARED, INCIDENT_UPDATED, INCIDENT_MITIGATED, INCIDENT_RESOLVED)


@dataclass(frozen=True, slots=True)
class IncidentsTouched:
    """External keys of incidents of which something was told."""

    touches: tuple[UUID, ...]
    keys: frozenset[str]


async def insert_incident_touches(
    session: WriteSession, stored: Collection[Owned], received_at: datetime
) -> None:
    """One row for what ``stored`` tells of incidents, and the job that takes it in."""
    keys = {
        getattr(event.data, SUBJECT_FIELDS[event.type])
        for event in (each.read.event for each in stored)
        if event.type in INCIDENT_TYPES
    }
    if keys:
        await session.execute(
            insert(incident_touches).values(id=new_id(), keys=sorted(keys), received_at=received_at)
        )
        await session.enqueue(Job.FOLLOW_INCIDENTS, {}, dedupe_key=Job.FOLLOW_INCIDENTS.value)


async def waiting_touches(
    session: ReadSession, limit: int, *, without: Collection[UUID] = ()
) -> tuple[UUID, ...]:
    """Ids of what was told and the register has not taken in, the longest waiting first."""
    column = incident_touches.c
    query = select(column.id).order_by(column.received_at, column.id).limit(limit)
    if without:
        query = query.where(column.id.not_in(without))
    return tuple((await session.execute(query)).scalars())


async def waiting_since(session: ReadSession) -> datetime | None:
    """When the longest waiting of what was told came in; None where the register has taken in everything."""
    found: datetime | None = (
        await session.execute(select(func.min(incident_touches.c.received_at)))
    ).scalar_one()
    return found


async def waiting_keys(session: ReadSession, until: datetime | None = None) -> frozenset[str]:
    """Of which incidents something was told that the register has not taken in; ``until``: that came in by then."""
    query = select(func.unnest(incident_touches.c["keys"])).distinct()
    if until is not None:
        query = query.where(incident_touches.c.received_at <= until)
    return frozenset((await session.execute(query)).scalars())


async def incidents_touched(session: ReadSession, ids: Collection[UUID]) -> IncidentsTouched:
    """What of ``ids`` is still to be taken in.

    Read the facts *after* this, in the same transaction: they then have everything the rows stand for.
    """
    query = select(incident_touches).where(incident_touches.c.id.in_(ids))
    rows = (await session.execute(query)).all()
    return IncidentsTouched(tuple(row.id for row in rows), frozenset(key for row in rows for key in row.keys))


async def touches_of(session: ReadSession, key: str) -> IncidentsTouched:
    """What waits of ``key`` alone. Read the facts afterwards, as above."""
    column = incident_touches.c
    found = await session.execute(select(column.id).where(column["keys"] == [key]))
    return IncidentsTouched(tuple(found.scalars()), frozenset({key}))


async def split_touch(session: WriteSession, touch_id: UUID) -> bool:
    """One row for each of its keys in its place; ``False`` where it has but one, or is gone."""
    column = incident_touches.c
    row = (await session.execute(select(incident_touches).where(column.id == touch_id))).one_or_none()
    if row is None or len(row.keys) <= 1:
        return False
    gone = await session.execute(delete(incident_touches).where(column.id == touch_id).returning(column.id))
    if gone.first() is None:
        return False
    parts = [{"id": new_id(), "keys": [key], "received_at": row.received_at} for key in row.keys]
    await session.execute(insert(incident_touches), parts)
    return True


async def settle_incident_touches(session: WriteSession, touched: IncidentsTouched) -> None:
    """Takes the rows away, in the transaction that wrote the register."""
    await session.execute(delete(incident_touches).where(incident_touches.c.id.in_(touched.touches)))
