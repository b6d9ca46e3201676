"""Rows of the access log in and out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row, case, func, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.access_log.model import (
    Access,
    AccessEntry,
    AccessFilter,
    AccessTally,
    Group,
    Looker,
    Verb,
    group_of,
)
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tables import access_log
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.tenancy import Scope
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Whose eyes they were. In rows of before, what was read at the console stands as the installation's.
_GROUP: Final = case(
    (
        (access_log.c.actor_group == Group.SYSTEM.value) & (access_log.c.actor_id == CONSOLE.id),
        Group.STAFF.value,
    ),
    else_=access_log.c.actor_group,
).label("of_group")
#: In one statement, which takes 32,767 values (PostgreSQL's protocol, Bind) and twelve of them for each row.
_ROWS: Final = 1000


class StaffTraceScope(Scope):
    """Staff leave their trace in several tenants' logs at once; the role can insert there only."""

    role: ClassVar[str] = "trust_portal_staff"


async def record_access(
    session: WriteSession, actor: Actor, tenant_ids: Collection[UUID], access: Access
) -> None:
    """Write one entry per tenant within the caller's transaction (the tenant's own scope, or
    ``StaffTraceScope``).
    """
    at = session.clock.now()
    rows = [
        {
            "tenant_id": tenant_id,
            "id": new_id(),
            "minute": at.replace(second=0, microsecond=0),
            "at": at,
            "actor_id": actor.id,
            "actor_kind": actor.kind.value,
            "actor_name": actor.name,
            "actor_group": group_of(actor).value,
            "verb": access.verb.value,
            "what": access.what,
            "subject": access.subject,
            "purpose": access.purpose,
        }
        for tenant_id in sorted(set(tenant_ids))
    ]
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        await session.execute(insert(access_log).values(part).on_conflict_do_nothing())


async def entries_page(
    session: ReadSession, tenant_id: UUID, request: PageRequest, wanted: AccessFilter
) -> Page[AccessEntry]:
    """Newest first."""
    query = select(access_log, _GROUP).where(access_log.c.tenant_id == tenant_id)
    by_token = access_log.c.actor_kind == ActorKind.TOKEN.value
    if wanted.by is Looker.TOKEN:
        query = query.where(by_token)
    elif wanted.by is not None:
        query = query.where(_GROUP.in_([wanted.by.value]), ~by_token)
    if wanted.verb is not None:
        query = query.where(access_log.c.verb == wanted.verb.value)
    return await keyset_page(
        session,
        query,
        request,
        order=(access_log.c.at, access_log.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_entry,
        key=lambda entry: (rfc3339(entry.at), str(entry.id)),
        descending=True,
    )


async def tallies_between(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[AccessTally, ...]:
    """Who looked and fetched in ``start`` <= time < ``end``, by group and name; under the last of their names in the alphabet."""
    row = access_log.c
    query = (
        select(
            row.actor_id,
            row.actor_kind,
            _GROUP,
            func.max(row.actor_name).label("actor_name"),
            func.count().filter(row.verb == Verb.READ.value).label("read"),
            func.count().filter(row.verb == Verb.DOWNLOADED.value).label("downloaded"),
            func.max(row.at).label("last"),
        )
        .where(row.tenant_id == tenant_id, row.at >= start, row.at < end)
        .group_by(row.actor_id, row.actor_kind, _GROUP)
    )
    found = [
        AccessTally(
            each.actor_id,
            ActorKind(each.actor_kind),
            each.actor_name,
            Group(each.of_group),
            each.read,
            each.downloaded,
            each.last,
        )
        for each in await session.execute(query)
    ]
    return tuple(sorted(found, key=lambda each: (each.group.value, each.actor_name, str(each.actor_id))))


async def downloads_between(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime, limit: int
) -> tuple[AccessEntry, ...]:
    """What was fetched in ``start`` <= time < ``end``, the latest first."""
    row = access_log.c
    rows = await session.execute(
        select(access_log, _GROUP)
        .where(
            row.tenant_id == tenant_id,
            row.verb == Verb.DOWNLOADED.value,
            row.at >= start,
            row.at < end,
        )
        .order_by(row.at.desc(), row.id.desc())
        .limit(limit)
    )
    return tuple(_entry(each) for each in rows)


def _entry(row: Row[Any]) -> AccessEntry:
    return AccessEntry(
        id=row.id,
        tenant_id=row.tenant_id,
        at=row.at,
        actor_id=row.actor_id,
        actor_kind=ActorKind(row.actor_kind),
        actor_name=row.actor_name,
        group=Group(row.of_group),
        access=Access(Verb(row.verb), row.what, row.subject, row.purpose),
    )
