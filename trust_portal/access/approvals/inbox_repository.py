"""Which requests a list holds, and how many wait for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, literal, not_, or_, select

from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import Approval, StepAct
from trust_portal.access.approvals.repository import read_request, with_steps
from trust_portal.access.approvals.tables import approval_requests, approval_steps
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession

_request = approval_requests.c
_step = approval_steps.c
#: Steps of the request of the block around.
_ITS = (_step.tenant_id == _request.tenant_id, _step.request_id == _request.id)


async def approvals_page(
    session: ReadSession,
    wanted: ApprovalFilter,
    request: PageRequest,
    *,
    person_id: UUID,
    roles: Mapping[Role, UUID | None],
    now: datetime,
) -> Page[Approval]:
    """Newest first. ``roles`` are the reader's, with who granted each. All tenants only as staff."""
    conditions = [_shown(wanted.show, person_id, roles, now)]
    if wanted.tenant_id is not None:
        conditions.append(_request.tenant_id == wanted.tenant_id)
    if wanted.kind is not None:
        conditions.append(_request.kind == wanted.kind.value)
    if wanted.subject is not None:
        conditions.append(_request.subject == wanted.subject)
    bare = await keyset_page(
        session,
        select(approval_requests).where(*conditions),
        request,
        order=(_request.requested_at, _request.id),
        parse=(datetime.fromisoformat, UUID),
        read=read_request,
        key=lambda each: (rfc3339(each.requested_at), str(each.id)),
        descending=True,
    )
    return Page(await with_steps(session, bare.items), bare.cursors, bare.has_next, bare.has_previous)


async def count_waiting(
    session: ReadSession, *, person_id: UUID, roles: Mapping[Role, UUID | None], now: datetime
) -> int:
    """How many requests of all tenants the person could decide on now. In the staff scope."""
    query = select(func.count()).select_from(approval_requests).where(_waiting(person_id, roles, now))
    return int((await session.execute(query)).scalar_one())


def _shown(
    show: Show, person_id: UUID, roles: Mapping[Role, UUID | None], now: datetime
) -> ColumnElement[bool]:
    match show:
        case Show.WAITING:
            return _waiting(person_id, roles, now)
        case Show.LIVE:
            return _live(now)
        case Show.ENDED:
            return not_(_live(now))
        case Show.ALL:
            return _request.id.is_not(None)


def _ended() -> ColumnElement[bool]:
    return exists().where(*_ITS, _step.act != StepAct.APPROVE.value)


def _live(now: datetime) -> ColumnElement[bool]:
    """``state_of`` in SQL: not ended, and in time for the decision or the use."""
    last = and_(*_ITS, _step.ordinal == func.cardinality(_request.roles), _step.act == StepAct.APPROVE.value)
    usable = _step.at >= literal(now, _step.at.type) - _step.use_seconds * timedelta(seconds=1)
    return and_(
        not_(_ended()),
        or_(
            exists().where(last, usable),
            and_(not_(exists().where(last)), _request.expires_at >= now),
        ),
    )


def _waiting(person_id: UUID, roles: Mapping[Role, UUID | None], now: datetime) -> ColumnElement[bool]:
    """In time, not asked and not decided by the person, and a place of a role of theirs is free."""
    free = [
        and_(_free(role), *(() if granted_by is None else (_request.requester_id != granted_by,)))
        for role, granted_by in roles.items()
    ]
    return and_(
        _request.expires_at >= now,
        _request.requester_id != person_id,
        not_(_ended()),
        not_(exists().where(*_ITS, _step.person_id == person_id)),
        or_(false(), *free),
    )


def _free(role: Role) -> ColumnElement[bool]:
    places = func.cardinality(func.array_positions(_request.roles, role.value))
    filled = (
        select(func.count())
        .select_from(approval_steps)
        .where(*_ITS, _step.role == role.value, _step.act == StepAct.APPROVE.value)
        .correlate(approval_requests)
        .scalar_subquery()
    )
    return places > filled
