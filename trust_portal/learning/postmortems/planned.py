"""The prevention actions that a postmortem rests on, as its document names them."""

from __future__ import annotations

from uuid import UUID

from trust_portal.learning.actions.repository import actions_of
from trust_portal.learning.postmortems.model import Person, PlannedAction
from trust_portal.storage.unit_of_work import ReadSession


async def planned_actions(session: ReadSession, postmortem_id: UUID) -> tuple[PlannedAction, ...]:
    """Those that are open or done, in the order in which they were planned."""
    return tuple(
        PlannedAction(
            id=each.id,
            title=each.title,
            type=each.type.value,
            owner=Person(each.owner_id, each.owner),
            term=each.term,
            due=None if each.due is None else each.due.isoformat(),
            link=each.link,
        )
        for each in await actions_of(session, postmortem_id)
    )
