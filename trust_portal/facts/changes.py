"""Deploys and steps of flags, as they were told: the vendor's facts, which may name several tenants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, select, union_all

from trust_portal.facts import events
from trust_portal.facts.operations_model import FactSource
from trust_portal.facts.tables import facts
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession

_TYPES: Final = (events.CHANGE_DEPLOYED, events.CHANGE_FLAG)


@dataclass(frozen=True, slots=True)
class ReportedChange:
    """``key`` is the event's. ``tenants`` None: it reached all."""

    key: UUID
    type: str
    subject: str
    time: datetime
    body: Mapping[str, Any]
    tenants: tuple[UUID, ...] | None
    origin: FactSource


async def read_changes(
    session: ReadSession, start: datetime, end: datetime, *, limit: int
) -> tuple[tuple[ReportedChange, ...], int]:
    """The last ``limit`` in ``start`` <= time < ``end``, as they happened, and how many there are in all.

    In the vendor's scope or the staff's.
    """
    column = facts.c
    wanted = and_(column.tenant_id == VENDOR_ID, column.time >= start, column.time < end)
    # The last of each type are found from the end of the index; of both together all would have to be sorted.
    last = [
        select(facts)
        .where(wanted, column.type == type_)
        .order_by(column.time.desc(), column.event_key.desc())
        .limit(limit)
        .subquery()
        for type_ in _TYPES
    ]
    either = union_all(*(select(each) for each in last)).subquery()
    rows = (
        await session.execute(
            select(either).order_by(either.c.time.desc(), either.c.event_key.desc()).limit(limit)
        )
    ).all()
    total = len(rows)
    if total == limit:
        counting = select(func.count()).select_from(facts).where(wanted, column.type.in_(_TYPES))
        total = (await session.execute(counting)).scalar_one()
    found = [
        ReportedChange(
            row.event_key,
            row.type,
            row.subject,
            row.time,
            row.body,
            None if row.tenants is None else tuple(row.tenants),
            FactSource(row.source, row.event_id, row.digest, row.received_at),
        )
        for row in reversed(rows)
    ]
    return tuple(found), total
