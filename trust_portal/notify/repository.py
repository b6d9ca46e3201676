"""Notifications and their deliveries in and out of their tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from trust_portal.kernel.actor import Role
from trust_portal.notify.model import Audience, Channel, Delivery, Notification, TenantName
from trust_portal.notify.tables import notification_deliveries, notification_preferences, notifications
from trust_portal.notify.topics import Topic
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_notification(session: WriteSession, notification: Notification) -> bool:
    """False where its home has been told of this occasion."""
    origin = notification.origin
    added = await session.execute(
        insert(notifications)
        .values(
            tenant_id=notification.home_id,
            id=notification.id,
            origin_id=notification.origin_id,
            origin_key=None if origin is None else origin.key,
            origin_name=None if origin is None else origin.name,
            topic=notification.topic.value,
            key=notification.key,
            title=notification.title,
            text=notification.text,
            facts=dict(notification.facts),
            path=notification.path,
            thread=notification.thread,
            audience=_audience_json(notification.audience),
            at=notification.at,
        )
        .on_conflict_do_nothing()
        .returning(notifications.c.id)
    )
    return added.first() is not None


async def find_notification(
    session: ReadSession, tenant_id: UUID, notification_id: UUID
) -> Notification | None:
    row = (
        await session.execute(
            select(notifications).where(
                notifications.c.tenant_id == tenant_id, notifications.c.id == notification_id
            )
        )
    ).first()
    return None if row is None else notification_of(row)


async def notifications_by_id(
    session: ReadSession, tenant_id: UUID, ids: Collection[UUID]
) -> Mapping[UUID, Notification]:
    rows = await session.execute(
        select(notifications).where(notifications.c.tenant_id == tenant_id, notifications.c.id.in_(list(ids)))
    )
    return {row.id: notification_of(row) for row in rows}


async def add_deliveries(session: WriteSession, deliveries: Collection[Delivery]) -> frozenset[UUID]:
    """Ids of those that are new: a recipient gets a notification once by each channel."""
    if not deliveries:
        return frozenset()
    added = await session.execute(
        insert(notification_deliveries)
        .values(
            [
                {
                    "tenant_id": each.home_id,
                    "id": each.id,
                    "notification_id": each.notification_id,
                    "channel": each.channel.value,
                    "recipient_id": each.recipient_id,
                    "made_at": each.made_at,
                }
                for each in deliveries
            ]
        )
        .on_conflict_do_nothing()
        .returning(notification_deliveries.c.id)
    )
    return frozenset(row.id for row in added)


async def find_delivery(session: ReadSession, tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    row = (
        await session.execute(
            select(notification_deliveries).where(
                notification_deliveries.c.tenant_id == tenant_id, notification_deliveries.c.id == delivery_id
            )
        )
    ).first()
    return None if row is None else delivery_of(row)


async def without_mail(
    session: ReadSession, tenant_id: UUID, people: Iterable[UUID], topic: Topic
) -> frozenset[UUID]:
    """Who of ``people`` does not want mail about ``topic``."""
    newest = (
        select(notification_preferences.c.person_id, notification_preferences.c.without_mail)
        .where(
            notification_preferences.c.tenant_id == tenant_id,
            notification_preferences.c.person_id.in_(list(people)),
        )
        .ext(distinct_on(notification_preferences.c.person_id))
        .order_by(notification_preferences.c.person_id, notification_preferences.c.revision.desc())
    )
    rows = await session.execute(newest)
    return frozenset(row.person_id for row in rows if topic.value in row.without_mail)


def notification_of(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        home_id=row.tenant_id,
        origin_id=row.origin_id,
        origin=None if row.origin_key is None else TenantName(row.origin_key, row.origin_name),
        topic=Topic(row.topic),
        key=row.key,
        title=row.title,
        text=row.text,
        facts=dict(row.facts),
        path=row.path,
        thread=row.thread,
        audience=_audience(row.audience),
        at=row.at,
    )


def delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        home_id=row.tenant_id,
        notification_id=row.notification_id,
        channel=Channel(row.channel),
        recipient_id=row.recipient_id,
        made_at=row.made_at,
    )


def _audience_json(audience: Audience) -> dict[str, list[str]]:
    return {
        "roles": sorted(audience.roles),
        "people": sorted(map(str, audience.people)),
        "without": sorted(map(str, audience.without)),
        "endpoints": sorted(map(str, audience.endpoints)),
    }


def _audience(value: dict[str, list[str]]) -> Audience:
    return Audience(
        roles=frozenset(map(Role, value["roles"])),
        people=frozenset(map(UUID, value["people"])),
        without=frozenset(map(UUID, value["without"])),
        endpoints=frozenset(map(UUID, value["endpoints"])),
    )
