"""Announcing: written in the transaction of the act that causes it, delivered after its commit."""

from __future__ import annotations

from uuid import UUID

from trust_portal.errors import Broken
from trust_portal.kernel.ids import new_id
from trust_portal.notify.model import Announcement, Notification
from trust_portal.notify.repository import add_notification
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import WriteSession


async def announce(session: WriteSession, announcement: Announcement) -> UUID | None:
    """Tell it, once the caller's transaction has committed.

    The notification's id, or None where this tenant was told of this ``key`` before. ``Broken``
    outside a tenant's scope: a notification belongs to whom it happened to.
    """
    if not isinstance(session.scope, TenantScope):
        raise Broken("a notification is written in its tenant's transaction", code="WRONG_SCOPE")
    tenant_id = session.scope.tenant_id
    notification = Notification(
        id=new_id(),
        home_id=tenant_id,
        origin_id=tenant_id,
        origin=None,
        topic=announcement.topic,
        key=announcement.key,
        title=announcement.title,
        text=announcement.text,
        facts=announcement.facts,
        path=announcement.path,
        thread=announcement.thread,
        audience=announcement.audience,
        at=session.clock.now(),
    )
    if not await add_notification(session, notification):
        return None
    await session.enqueue(
        Job.DISPATCH_NOTIFICATION,
        {"tenant": str(tenant_id), "notification": str(notification.id)},
        dedupe_key=f"{Job.DISPATCH_NOTIFICATION}/{notification.id}",
    )
    return notification.id
