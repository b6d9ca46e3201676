"""Prevention actions with their steps in and out of their tables. All of them are the vendor's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Exists, Row, Select, and_, exists, insert, select, text

from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import holders
from trust_portal.access.tables import people
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import (
    ENDS_AS,
    NOUN,
    STANDING,
    ActionState,
    ActionType,
    PreventionAction,
    Step,
    StepAct,
)
from trust_portal.learning.actions.standings import add_standing, change_standing
from trust_portal.learning.actions.tables import (
    prevention_action_steps,
    prevention_actions,
)
from trust_portal.learning.postmortems.tables import postmortem_versions, postmortems
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_STEPS = prevention_action_steps.c
_ENDINGS = [each.value for each in ENDS_AS]
#: Names the advisory locks of planning, beside the one-number locks of the other rooms.
_PLANNING = 0x504C414E


async def lock_actions_of(session: WriteSession, postmortem_id: UUID) -> None:
    """Until the commit nobody else plans an action of this postmortem, so that they can be counted.

    An advisory lock, because a postmortem's row is never written again and cannot be locked by who may not.
    """
    key = int.from_bytes(postmortem_id.bytes[-4:], signed=True)
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:planning, :postmortem)"),
        {"planning": _PLANNING, "postmortem": key},
    )


async def incident_of_postmortem(session: ReadSession, postmortem_id: UUID) -> UUID:
    """``NotFound`` if there is no such postmortem."""
    columns = postmortems.c
    query = select(columns.incident_id).where(columns.tenant_id == VENDOR_ID, columns.id == postmortem_id)
    found: UUID | None = (await session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("postmortem", field="postmortem")
    return found


async def is_signed(session: ReadSession, postmortem_id: UUID) -> bool:
    """Whether any version of a postmortem was ever signed."""
    columns = postmortem_versions.c
    query = select(columns.version).where(
        columns.tenant_id == VENDOR_ID, columns.postmortem_id == postmortem_id
    )
    return (await session.execute(query.limit(1))).first() is not None


async def add_action(session: WriteSession, action: PreventionAction, by_id: UUID) -> None:
    """A new action, without steps."""
    await session.execute(
        insert(prevention_actions).values(
            tenant_id=VENDOR_ID,
            id=action.id,
            postmortem_id=action.postmortem_id,
            incident_id=action.incident_id,
            title=action.title,
            type=action.type.value,
            owner_id=action.owner_id,
            term=action.term,
            country=action.calendar.country,
            subdivision=action.calendar.subdivision,
            time_zone=action.calendar.time_zone,
            link=action.link,
            created_at=action.created_at,
            by_id=by_id,
            by_name=action.created_by,
            receipt_id=action.receipt_id,
            replaces=action.replaces,
            agreed_before=action.agreed_before,
            moves_before=action.moves_before,
        )
    )
    await add_standing(session, action)


async def add_step(session: WriteSession, action: PreventionAction, step: Step) -> PreventionAction:
    """The action with its next step. Raises ``Conflict`` (ACTION_CHANGED) where another took its place meanwhile."""
    before = action.steps[-1] if action.steps else None
    meanwhile = Conflict("somebody was faster; look at what became of this action", code="ACTION_CHANGED")
    with duplicates_are(meanwhile, prevention_action_steps.name):
        await session.execute(
            insert(prevention_action_steps).values(
                tenant_id=VENDOR_ID,
                action_id=action.id,
                ordinal=step.ordinal,
                act=step.act.value,
                previous=None if before is None else before.ordinal,
                previous_act=None if before is None else before.act.value,
                owner_id=action.owner_id,
                due=step.due,
                time_zone=step.time_zone,
                note=step.note,
                evidence=step.evidence,
                sha256=step.sha256,
                successor_id=step.successor_id,
                agreed=action.agreed if step.act is StepAct.SUPERSEDE else None,
                at=step.at,
                by_id=step.by_id,
                by_name=step.by,
                receipt_id=step.receipt_id,
            )
        )
    changed = replace(action, steps=(*action.steps, step))
    await change_standing(session, changed)
    return changed


async def find_action(session: ReadSession, action_id: UUID) -> PreventionAction:
    """``NotFound`` if there is no such action."""
    found = await _actions(session, actions_query().where(prevention_actions.c.id == action_id))
    if not found:
        raise NotFound(NOUN)
    return found[0]


async def actions_of(session: ReadSession, postmortem_id: UUID) -> tuple[PreventionAction, ...]:
    """What a postmortem rests on: its actions that are open or done, oldest first."""
    return tuple(each for each in await all_actions_of(session, postmortem_id) if each.state in STANDING)


async def all_actions_of(session: ReadSession, postmortem_id: UUID) -> tuple[PreventionAction, ...]:
    """Every action ever planned in a postmortem, oldest first."""
    return (await actions_by_postmortem(session, [postmortem_id]))[postmortem_id]


async def owners_before(session: ReadSession, action: PreventionAction) -> frozenset[UUID]:
    """Who owned what ``action`` took the place of, back to the first of them."""
    planned = {each.id: each for each in await all_actions_of(session, action.postmortem_id)}
    owners = set()
    while action.replaces is not None:
        action = planned[action.replaces]
        owners.add(action.owner_id)
    return frozenset(owners)


async def actions_by_postmortem(
    session: ReadSession, ids: Collection[UUID]
) -> dict[UUID, tuple[PreventionAction, ...]]:
    """Of each of ``ids`` every action ever planned in it, oldest first."""
    query = actions_query().where(prevention_actions.c.postmortem_id.in_(list(ids)))
    ordered = query.order_by(prevention_actions.c.created_at, prevention_actions.c.id)
    found: dict[UUID, tuple[PreventionAction, ...]] = dict.fromkeys(ids, ())
    for each in await _actions(session, ordered):
        found[each.postmortem_id] = (*found[each.postmortem_id], each)
    return found


async def actions_by_id(session: ReadSession, ids: Collection[UUID]) -> Mapping[UUID, PreventionAction]:
    found = await _actions(session, actions_query().where(prevention_actions.c.id.in_(list(ids))))
    return {each.id: each for each in found}


async def begun_actions(
    session: ReadSession, *, after: UUID | None = None, limit: int = 500
) -> tuple[PreventionAction, ...]:
    """Open actions whose clock runs, by id, ``limit`` at a time from ``after`` on."""
    query = actions_query().where(_has_step([StepAct.BEGIN.value]), ~_has_step(_ENDINGS))
    if after is not None:
        query = query.where(prevention_actions.c.id > after)
    return await _actions(session, query.order_by(prevention_actions.c.id).limit(limit))


async def open_actions(session: ReadSession, owner_id: UUID | None = None) -> tuple[PreventionAction, ...]:
    """Of one owner, or of everybody; by id."""
    query = _in_state(actions_query(), ActionState.OPEN)
    if owner_id is not None:
        query = query.where(prevention_actions.c.owner_id == owner_id)
    return await _actions(session, query.order_by(prevention_actions.c.id))


def _in_state(query: Select[Any], state: ActionState) -> Select[Any]:
    acts = _ENDINGS
    if state is not ActionState.OPEN:
        acts = [act.value for act, ends_as in ENDS_AS.items() if ends_as is state]
    ended = _has_step(acts)
    return query.where(~ended if state is ActionState.OPEN else ended)


def _has_step(acts: Sequence[str]) -> Exists:
    return exists().where(
        _STEPS.tenant_id == VENDOR_ID, _STEPS.action_id == prevention_actions.c.id, _STEPS.act.in_(acts)
    )


def actions_query() -> Select[Any]:
    """Every action, with its owner's name; ``with_steps`` makes them of its rows."""
    return (
        select(prevention_actions, people.c.name.label("owner_name"))
        .join(
            people,
            and_(
                people.c.tenant_id == prevention_actions.c.tenant_id,
                people.c.id == prevention_actions.c.owner_id,
            ),
        )
        .where(prevention_actions.c.tenant_id == VENDOR_ID)
    )


async def _actions(session: ReadSession, query: Select[Any]) -> tuple[PreventionAction, ...]:
    return await with_steps(session, (await session.execute(query)).all())


async def with_steps(session: ReadSession, rows: Sequence[Row[Any]]) -> tuple[PreventionAction, ...]:
    """The actions of ``rows``, in their order."""
    if not rows:
        return ()
    steps = await session.execute(
        select(prevention_action_steps)
        .where(_STEPS.tenant_id == VENDOR_ID, _STEPS.action_id.in_([row.id for row in rows]))
        .order_by(_STEPS.ordinal)
    )
    chains: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for step in steps:
        chains[step.action_id].append(step)
    return tuple(_action(row, chains[row.id]) for row in rows)


def _action(row: Row[Any], steps: Iterable[Row[Any]]) -> PreventionAction:
    return PreventionAction(
        id=row.id,
        postmortem_id=row.postmortem_id,
        incident_id=row.incident_id,
        title=row.title,
        type=ActionType(row.type),
        owner_id=row.owner_id,
        owner=row.owner_name,
        term=row.term,
        calendar=WorkCalendar(row.country, row.subdivision, row.time_zone),
        link=row.link,
        created_at=row.created_at,
        created_by=row.by_name,
        receipt_id=row.receipt_id,
        steps=tuple(
            Step(
                ordinal=each.ordinal,
                act=StepAct(each.act),
                at=each.at,
                by_id=each.by_id,
                by=each.by_name,
                receipt_id=each.receipt_id,
                due=each.due,
                time_zone=each.time_zone,
                note=each.note,
                evidence=each.evidence,
                sha256=each.sha256,
                successor_id=each.successor_id,
            )
            for each in steps
        ),
        replaces=row.replaces,
        agreed_before=row.agreed_before,
        moves_before=row.moves_before,
    )


async def colleagues(session: ReadSession, at: datetime) -> tuple[Person, ...]:
    """Everybody of the vendor's who works here now, by name."""
    found = await holders(session, VENDOR_ID, tuple(Role), (), at)
    return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.email)))
