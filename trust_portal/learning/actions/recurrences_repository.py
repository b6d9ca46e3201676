"""Incidents that an action should have prevented, in and out of their table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import RecurredAction, Recurrence
from trust_portal.learning.actions.repository import actions_by_id
from trust_portal.learning.actions.tables import prevention_recurrences
from trust_portal.learning.incidents.tables import incidents
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_recurrence(session: WriteSession, action_id: UUID, recurrence: Recurrence, by_id: UUID) -> None:
    """Raises ``Conflict`` (ALREADY_LINKED)."""
    linked = Conflict(
        "this incident is linked with the action already", code="ALREADY_LINKED", field="incident"
    )
    with duplicates_are(linked, prevention_recurrences.name):
        await session.execute(
            insert(prevention_recurrences).values(
                tenant_id=VENDOR_ID,
                action_id=action_id,
                incident_id=recurrence.incident_id,
                note=recurrence.note,
                at=recurrence.at,
                by_id=by_id,
                by_name=recurrence.by,
                receipt_id=recurrence.receipt_id,
            )
        )


async def recurrences_of(session: ReadSession, action_id: UUID) -> tuple[Recurrence, ...]:
    """Incidents that the action should have prevented, oldest first."""
    rows = await session.execute(_recurrences().where(prevention_recurrences.c.action_id == action_id))
    return tuple(_recurrence(row) for row in rows)


async def recurred_actions(session: ReadSession, incident_id: UUID) -> tuple[RecurredAction, ...]:
    """The actions that should have prevented an incident, in the order in which they were linked with it."""
    links = (
        await session.execute(_recurrences().where(prevention_recurrences.c.incident_id == incident_id))
    ).all()
    actions = await actions_by_id(session, [link.action_id for link in links]) if links else {}
    return tuple(RecurredAction(actions[link.action_id], _recurrence(link)) for link in links)


def _recurrences() -> Select[Any]:
    columns = prevention_recurrences.c
    return (
        select(prevention_recurrences, incidents.c.title)
        .join(
            incidents,
            and_(incidents.c.tenant_id == columns.tenant_id, incidents.c.id == columns.incident_id),
        )
        .where(columns.tenant_id == VENDOR_ID)
        .order_by(columns.at, columns.receipt_id)
    )


def _recurrence(row: Row[Any]) -> Recurrence:
    return Recurrence(row.incident_id, row.title, row.at, row.by_name, row.note, row.receipt_id)
