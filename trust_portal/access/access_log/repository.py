"""Rows of the access log in and out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.access_log.model import (
    Access,
    AccessEntry,
    AccessFilter,
    Group,
    Looker,
    Verb,
    group_of,
)
from trust_portal.access.tables import access_log
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.tenancy import Scope
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


class StaffTraceScope(Scope):
    """Staff leave their trace in several tenants' logs at once; the role can insert there only."""

    role: ClassVar[str] = "trust_portal_staff"


async def record_access(
    session: WriteSession, actor: Actor, tenant_ids: Collection[UUID], access: Access
) -> None:
    """Write one entry per tenant within the caller's transaction (the tenant's own scope, or
    ``StaffTraceScope``).
    """
    if not tenant_ids:
        return
    at = session.clock.now()
    await session.execute(
        insert(access_log)
        .values(
            [
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
        )
        .on_conflict_do_nothing()
    )


async def entries_page(
    session: ReadSession, tenant_id: UUID, request: PageRequest, wanted: AccessFilter
) -> Page[AccessEntry]:
    """Newest first."""
    query = select(access_log).where(access_log.c.tenant_id == tenant_id)
    by_token = access_log.c.actor_kind == ActorKind.TOKEN.value
    if wanted.by is Looker.TOKEN:
        query = query.where(by_token)
    elif wanted.by is not None:
        query = query.where(access_log.c.actor_group == Group(wanted.by.value).value, ~by_token)
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


def _entry(row: Row[Any]) -> AccessEntry:
    return AccessEntry(
        id=row.id,
        tenant_id=row.tenant_id,
        at=row.at,
        actor_id=row.actor_id,
        actor_kind=ActorKind(row.actor_kind),
        actor_name=row.actor_name,
        group=Group(row.actor_group),
        access=Access(Verb(row.verb), row.what, row.subject, row.purpose),
    )
