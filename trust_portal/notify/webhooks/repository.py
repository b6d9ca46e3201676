"""Endpoints in and out of their table. A change is a new revision; the newest holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from trust_portal.errors import Conflict
from trust_portal.notify.tables import webhook_endpoints
from trust_portal.notify.topics import Topic
from trust_portal.notify.webhooks.model import Endpoint
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def endpoints_of(session: ReadSession, tenant_id: UUID) -> tuple[Endpoint, ...]:
    """All of a tenant, in the order they were made (ids are), as they now stand."""
    rows = await session.execute(
        select(webhook_endpoints)
        .where(webhook_endpoints.c.tenant_id == tenant_id)
        .ext(distinct_on(webhook_endpoints.c.id))
        .order_by(webhook_endpoints.c.id, webhook_endpoints.c.revision.desc())
    )
    return tuple(_endpoint(row) for row in rows)


async def subscribed(session: ReadSession, tenant_id: UUID) -> tuple[Endpoint, ...]:
    """Those that are to be called."""
    return tuple(each for each in await endpoints_of(session, tenant_id) if each.enabled)


async def revisions_of(session: ReadSession, tenant_id: UUID, endpoint_id: UUID) -> tuple[Endpoint, ...]:
    """Its history, the newest first; empty for one that is not there."""
    rows = await session.execute(
        select(webhook_endpoints)
        .where(webhook_endpoints.c.tenant_id == tenant_id, webhook_endpoints.c.id == endpoint_id)
        .order_by(webhook_endpoints.c.revision.desc())
    )
    return tuple(_endpoint(row) for row in rows)


async def find_endpoint(session: ReadSession, tenant_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """As it now stands."""
    row = (
        await session.execute(
            select(webhook_endpoints)
            .where(webhook_endpoints.c.tenant_id == tenant_id, webhook_endpoints.c.id == endpoint_id)
            .order_by(webhook_endpoints.c.revision.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _endpoint(row)


async def add_revision(session: WriteSession, endpoint: Endpoint, by_id: UUID) -> None:
    """``Conflict`` where somebody else made this revision meanwhile."""
    overtaken = Conflict("this endpoint was changed meanwhile; look at it again")
    with duplicates_are(overtaken, webhook_endpoints.name):
        await session.execute(
            insert(webhook_endpoints).values(
                tenant_id=endpoint.tenant_id,
                id=endpoint.id,
                revision=endpoint.revision,
                label=endpoint.label,
                url=endpoint.url,
                topics=sorted(endpoint.topics),
                enabled=endpoint.enabled,
                generation=endpoint.generation,
                fingerprint=endpoint.fingerprint,
                previous_until=endpoint.previous_until,
                act=endpoint.act,
                at=endpoint.at,
                by_id=by_id,
                by_name=endpoint.by,
                reason=endpoint.reason,
                receipt_id=endpoint.receipt_id,
            )
        )


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        id=row.id,
        tenant_id=row.tenant_id,
        revision=row.revision,
        label=row.label,
        url=row.url,
        topics=frozenset(map(Topic, row.topics)),
        enabled=row.enabled,
        generation=row.generation,
        fingerprint=row.fingerprint,
        previous_until=row.previous_until,
        act=row.act,
        at=row.at,
        by=row.by_name,
        reason=row.reason,
        receipt_id=row.receipt_id,
    )
