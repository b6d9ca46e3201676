"""Prevention actions as lists: which of them, in which order, and how many."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, literal

from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.actions.model import (
    ENDS_AS,
    ActionFilter,
    ActionOrder,
    ActionState,
    PreventionAction,
    StepAct,
)
from trust_portal.learning.actions.repository import actions_query, with_steps
from trust_portal.learning.actions.tables import prevention_actions, prevention_standings
from trust_portal.learning.incidents.tables import incidents
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession

_ACTIONS: Final = prevention_actions.c
_STANDINGS: Final = prevention_standings.c
#: The last due date that was set; what has none comes after all that have.
_DUE: Final = _STANDINGS.dues[func.cardinality(_STANDINGS.dues)]
#: By whose clock it ends.
_DUE_BY: Final = func.coalesce(_STANDINGS.time_zones[func.cardinality(_STANDINGS.dues)], _STANDINGS.time_zone)
_DAY: Final = func.coalesce(_DUE, date.max)
_ACTS: Final = {state: act for act, state in ENDS_AS.items()}


async def actions_page(
    session: ReadSession, wanted: ActionFilter, request: PageRequest, at: datetime
) -> Page[PreventionAction]:
    """As ``wanted.order`` says: the newest first, or what is due first. ``at`` says what is overdue."""
    query = _narrowed(actions_query(), wanted, at).add_columns(_DAY.label("day"))
    by_due = wanted.order is ActionOrder.DUE
    page = await keyset_page(
        session,
        query,
        request,
        order=(_DAY, _ACTIONS.id) if by_due else (_ACTIONS.created_at, _ACTIONS.id),
        parse=(date.fromisoformat if by_due else datetime.fromisoformat, UUID),
        read=lambda row: row,
        key=lambda row: (row.day.isoformat() if by_due else rfc3339(row.created_at), str(row.id)),
        descending=not by_due,
    )
    return Page(await with_steps(session, page.items), page.cursors, page.has_next, page.has_previous)


async def count_actions(session: ReadSession, wanted: ActionFilter, at: datetime) -> int:
    query = _narrowed(actions_query(), wanted, at).with_only_columns(func.count())
    count: int = (await session.execute(query)).scalar_one()
    return count


def _narrowed(query: Select[Any], wanted: ActionFilter, at: datetime) -> Select[Any]:
    query = query.join(
        prevention_standings,
        and_(_STANDINGS.tenant_id == _ACTIONS.tenant_id, _STANDINGS.action_id == _ACTIONS.id),
    ).join(
        incidents,
        and_(incidents.c.tenant_id == _ACTIONS.tenant_id, incidents.c.id == _ACTIONS.incident_id),
    )
    for column, value in (
        (_ACTIONS.owner_id, wanted.owner_id),
        (_ACTIONS.type, wanted.type),
        (_ACTIONS.postmortem_id, wanted.postmortem_id),
        (_ACTIONS.incident_id, wanted.incident_id),
        (incidents.c.service, wanted.service),
        (func.coalesce(incidents.c.team, ""), wanted.team),
        (incidents.c.worst_severity, wanted.severity),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.state is ActionState.OPEN:
        query = query.where(_STANDINGS.ended_at.is_(None))
    elif wanted.state is not None:
        query = query.where(_STANDINGS.act == _ACTS[wanted.state].value)
    if wanted.overdue:
        query = query.where(_STANDINGS.ended_at.is_(None), _is_over(_DUE, _DUE_BY, at))
    if wanted.agreed_since is not None:
        left_out = [StepAct.SUPERSEDE.value, StepAct.WITHDRAW.value]
        query = query.where(
            _STANDINGS.act.not_in(left_out),
            _is_over(_STANDINGS.agreed, _STANDINGS.agreed_zone, at),
            ~_is_over(_STANDINGS.agreed, _STANDINGS.agreed_zone, wanted.agreed_since),
        )
    return query


def _is_over(day: ColumnElement[Any], time_zone: ColumnElement[Any], at: datetime) -> ColumnElement[bool]:
    """Whether ``at`` lies after the end of ``day`` there, as in ``WorkCalendar.day_of``."""
    return day < cast(func.timezone(time_zone, literal(at)), Date)
