"""Reminders on record, and which of them somebody took note of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.tables import people
from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.actions.model import Reminder
from trust_portal.learning.actions.reminders import Rung, Skip, occasion
from trust_portal.learning.actions.tables import (
    escalation_acknowledgements,
    prevention_actions,
    prevention_reminders,
    prevention_standings,
)
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind, ToldReminder
from trust_portal.notify.model import Way
from trust_portal.notify.ways import ways_of
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_REMINDERS = prevention_reminders.c
_STANDINGS = prevention_standings.c
_ESCALATING: Final = [each.value for each in Rung if each.escalates]
#: What was replaced while what took its place, step by step, is open: few, whatever else is open.
_REPLACED = (
    select(prevention_actions.c.replaces.label("id"))
    .join(
        prevention_standings,
        and_(
            _STANDINGS.tenant_id == prevention_actions.c.tenant_id,
            _STANDINGS.action_id == prevention_actions.c.id,
        ),
    )
    .where(
        prevention_actions.c.tenant_id == VENDOR_ID,
        prevention_actions.c.replaces.is_not(None),
        _STANDINGS.ended_at.is_(None),
    )
    .cte("replaced", recursive=True)
)
_REPLACED = _REPLACED.union(
    select(prevention_actions.c.replaces)
    .join(_REPLACED, prevention_actions.c.id == _REPLACED.c.id)
    .where(prevention_actions.c.tenant_id == VENDOR_ID, prevention_actions.c.replaces.is_not(None))
)
#: What is not done yet: it is open, or what took its place is. Asked of each reminder by itself, so that a page of
#: the oldest ends with its last.
_OWED: Final = or_(
    exists().where(
        _STANDINGS.tenant_id == VENDOR_ID,
        _STANDINGS.action_id == _REMINDERS.action_id,
        _STANDINGS.ended_at.is_(None),
    ),
    _REMINDERS.action_id.in_(select(_REPLACED.c.id)),
)
_NOTED_OF = escalation_acknowledgements.alias("noted_of")
#: Not by a null beside it, of which PostgreSQL expects none, and then reads all of them for the first ten.
_NOTED: Final = exists().where(
    _NOTED_OF.c.tenant_id == VENDOR_ID,
    _NOTED_OF.c.action_id == _REMINDERS.action_id,
    _NOTED_OF.c.ordinal == _REMINDERS.ordinal,
    _NOTED_OF.c.rung == _REMINDERS.rung,
)
_OF_KIND: Final[Mapping[ReminderKind, ColumnElement[bool]]] = {
    ReminderKind.SENT: and_(_REMINDERS.skipped.is_(None), func.cardinality(_REMINDERS.told) > 0),
    ReminderKind.ESCALATED: and_(_REMINDERS.skipped.is_(None), _REMINDERS.rung.in_(_ESCALATING)),
    ReminderKind.WAITING: and_(
        _REMINDERS.to_pmo,
        _REMINDERS.rung.in_(_ESCALATING),
        ~_NOTED,
        _OWED,
    ),
    ReminderKind.SKIPPED: func.cardinality(_REMINDERS.told) == 0,
}


async def record_sent(session: WriteSession, action_id: UUID, reminder: Reminder) -> bool:
    """False where this rung of this due date is on record already: then nobody is to be told."""
    return bool(await _record(session, action_id, [reminder]))


async def record_skipped(session: WriteSession, action_id: UUID, reminders: Sequence[Reminder]) -> None:
    """Rungs that nobody is told of; what is on record already stays as it is."""
    await _record(session, action_id, reminders)


async def recorded(session: ReadSession, action_id: UUID, ordinal: int) -> frozenset[Rung]:
    """The rungs of one due date that are on record."""
    rows = await session.execute(
        select(_REMINDERS.rung).where(
            _REMINDERS.tenant_id == VENDOR_ID,
            _REMINDERS.action_id == action_id,
            _REMINDERS.ordinal == ordinal,
        )
    )
    return frozenset(Rung(row.rung) for row in rows)


async def recorded_of(
    session: ReadSession, action_ids: Collection[UUID]
) -> Mapping[tuple[UUID, int], frozenset[Rung]]:
    """The same for many, by action and due date."""
    found: dict[tuple[UUID, int], set[Rung]] = {}
    rows = await session.execute(
        select(_REMINDERS.action_id, _REMINDERS.ordinal, _REMINDERS.rung).where(
            _REMINDERS.tenant_id == VENDOR_ID, _REMINDERS.action_id.in_(list(action_ids))
        )
    )
    for row in rows:
        found.setdefault((row.action_id, row.ordinal), set()).add(Rung(row.rung))
    return {key: frozenset(rungs) for key, rungs in found.items()}


async def reminders_of(session: ReadSession, action_id: UUID) -> tuple[Reminder, ...]:
    """Every reminder of an action, in the order of their times."""
    query = _query().where(_REMINDERS.action_id == action_id)
    rows = await session.execute(query.order_by(_REMINDERS.ordinal, _REMINDERS.came_at, _REMINDERS.rung))
    return tuple(_reminder(row) for row in rows)


async def reminders_page(
    session: ReadSession, wanted: ReminderFilter, request: PageRequest
) -> Page[ToldReminder]:
    """By when they were put on record, of one moment by when they came; each with the ways it went.

    The newest first; but of those that wait for the PMO the oldest.
    """
    actions, owners = prevention_actions.c, people.c
    query = (
        _query()
        .add_columns(actions.title, actions.owner_id, owners.name.label("owner"))
        .join(
            prevention_actions,
            and_(actions.tenant_id == _REMINDERS.tenant_id, actions.id == _REMINDERS.action_id),
        )
        .join(people, and_(owners.tenant_id == actions.tenant_id, owners.id == actions.owner_id))
    )
    if wanted.kind is not None:
        query = query.where(_OF_KIND[wanted.kind])
    if wanted.owner_id is not None:
        query = query.where(actions.owner_id == wanted.owner_id)
    if wanted.action_id is not None:
        query = query.where(_REMINDERS.action_id == wanted.action_id)
    page = await keyset_page(
        session,
        query,
        request,
        order=(
            _REMINDERS.at,
            _REMINDERS.came_at,
            _REMINDERS.action_id,
            _REMINDERS.ordinal,
            _REMINDERS.rung,
        ),
        parse=(datetime.fromisoformat, datetime.fromisoformat, UUID, int, str),
        read=lambda row: ToldReminder(row.action_id, row.title, row.owner_id, row.owner, _reminder(row)),
        key=lambda each: (
            each.reminder.at.isoformat(),
            each.reminder.came_at.isoformat(),
            str(each.action_id),
            str(each.reminder.ordinal),
            each.reminder.rung.value,
        ),
        descending=wanted.kind is not ReminderKind.WAITING,
    )
    ways = await ways_of(session, VENDOR_ID, [each.occasion for each in page.items])
    items = tuple(replace(each, ways=ways.get(each.occasion, ())) for each in page.items)
    return Page(items, page.cursors, page.has_next, page.has_previous)


async def ways_of_reminders(
    session: ReadSession, action_id: UUID, reminders: Sequence[Reminder]
) -> Mapping[tuple[int, Rung], tuple[Way, ...]]:
    """By which ways those of one action went, by due date and rung."""
    keys = {(each.ordinal, each.rung): occasion(action_id, each.ordinal, each.rung) for each in reminders}
    ways = await ways_of(session, VENDOR_ID, list(keys.values()))
    return {key: ways.get(announced, ()) for key, announced in keys.items()}


async def count_waiting(session: ReadSession) -> int:
    """How many escalations nobody took note of."""
    query = _query().where(_OF_KIND[ReminderKind.WAITING]).with_only_columns(func.count())
    return int((await session.execute(query)).scalar_one())


async def acknowledge(
    session: WriteSession,
    action_id: UUID,
    escalation: Reminder,
    note: str,
    *,
    by_id: UUID,
    by: str,
    receipt_id: UUID,
) -> None:
    """Raises ``Conflict`` (ALREADY_ACKNOWLEDGED)."""
    already = Conflict("somebody took note of this escalation already", code="ALREADY_ACKNOWLEDGED")
    with duplicates_are(already, escalation_acknowledgements.name):
        await session.execute(
            insert(escalation_acknowledgements).values(
                tenant_id=VENDOR_ID,
                action_id=action_id,
                ordinal=escalation.ordinal,
                rung=escalation.rung.value,
                note=note,
                at=session.clock.now(),
                by_id=by_id,
                by_name=by,
                receipt_id=receipt_id,
            )
        )


async def _record(session: WriteSession, action_id: UUID, reminders: Sequence[Reminder]) -> int:
    if not reminders:
        return 0
    rows = await session.execute(
        upsert(prevention_reminders)
        .values(
            [
                {
                    "tenant_id": VENDOR_ID,
                    "action_id": action_id,
                    "ordinal": each.ordinal,
                    "rung": each.rung.value,
                    "due": each.due,
                    "came_at": each.came_at,
                    "at": each.at,
                    "skipped": None if each.skipped is None else each.skipped.value,
                    "told": list(each.told),
                    "to_pmo": each.to_pmo,
                }
                for each in reminders
            ]
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "action_id", "ordinal", "rung"])
        .returning(_REMINDERS.rung)
    )
    return len(rows.all())


def _query() -> Select[Any]:
    noted = escalation_acknowledgements.c
    return (
        select(
            prevention_reminders,
            noted.at.label("noted_at"),
            noted.by_name.label("noted_by"),
            noted.note.label("noted"),
        )
        .outerjoin(
            escalation_acknowledgements,
            and_(
                noted.tenant_id == _REMINDERS.tenant_id,
                noted.action_id == _REMINDERS.action_id,
                noted.ordinal == _REMINDERS.ordinal,
                noted.rung == _REMINDERS.rung,
            ),
        )
        .where(_REMINDERS.tenant_id == VENDOR_ID)
    )


def _reminder(row: Row[Any]) -> Reminder:
    due: date = row.due
    at: datetime = row.at
    return Reminder(
        ordinal=row.ordinal,
        due=due,
        rung=Rung(row.rung),
        came_at=row.came_at,
        at=at,
        skipped=None if row.skipped is None else Skip(row.skipped),
        told=tuple(row.told),
        to_pmo=row.to_pmo,
        acknowledged_at=row.noted_at,
        acknowledged_by=row.noted_by,
        acknowledgement=row.noted,
    )
