"""Somebody's own notifications: what lies in their inbox, what they have read, what they want mailed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.errors import Conflict
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.notify.log import InboxItem
from trust_portal.notify.model import Channel, Delivery
from trust_portal.notify.repository import delivery_of, notifications_by_id
from trust_portal.notify.tables import (
    notification_deliveries,
    notification_preferences,
    notification_reads,
)
from trust_portal.notify.topics import Topic
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: The newest that are looked at for the count; older ones that nobody read do not ring for ever.
_LOOKED_AT = 500


async def inbox_page(
    session: ReadSession, tenant_id: UUID, person_id: UUID, request: PageRequest
) -> Page[InboxItem]:
    """Newest first."""
    page = await keyset_page(
        session,
        select(notification_deliveries).where(_in_inbox(tenant_id, person_id)),
        request,
        order=(notification_deliveries.c.id,),
        parse=(UUID,),
        read=delivery_of,
        key=lambda each: (str(each.id),),
        descending=True,
    )
    return Page(await _items(session, tenant_id, page.items), page.cursors, page.has_next, page.has_previous)


async def find_item(
    session: ReadSession, tenant_id: UUID, person_id: UUID, delivery_id: UUID
) -> InboxItem | None:
    """None for one that is not there, or lies in somebody else's inbox."""
    row = (
        await session.execute(
            select(notification_deliveries).where(
                _in_inbox(tenant_id, person_id), notification_deliveries.c.id == delivery_id
            )
        )
    ).first()
    if row is None:
        return None
    (item,) = await _items(session, tenant_id, [delivery_of(row)])
    return item


async def unread_of(session: ReadSession, tenant_id: UUID, person_id: UUID) -> tuple[UUID, ...]:
    """Of the newest ``_LOOKED_AT``, those not read."""
    newest = (
        select(notification_deliveries.c.id)
        .where(_in_inbox(tenant_id, person_id))
        .order_by(notification_deliveries.c.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    rows = await session.execute(
        select(newest.c.id)
        .select_from(
            newest.outerjoin(
                notification_reads,
                and_(
                    notification_reads.c.tenant_id == tenant_id,
                    notification_reads.c.delivery_id == newest.c.id,
                ),
            )
        )
        .where(notification_reads.c.delivery_id.is_(None))
    )
    return tuple(row.id for row in rows)


async def mark_read(session: WriteSession, tenant_id: UUID, delivery_ids: Collection[UUID]) -> None:
    """What is read stays read, since when it first was."""
    if delivery_ids:
        now = session.clock.now()
        await session.execute(
            insert(notification_reads)
            .values([{"tenant_id": tenant_id, "delivery_id": id_, "read_at": now} for id_ in delivery_ids])
            .on_conflict_do_nothing()
        )


async def topics_without_mail(session: ReadSession, tenant_id: UUID, person_id: UUID) -> frozenset[Topic]:
    """As last chosen; at first everything is mailed."""
    found = (
        await session.execute(
            select(notification_preferences.c.without_mail)
            .where(
                notification_preferences.c.tenant_id == tenant_id,
                notification_preferences.c.person_id == person_id,
            )
            .order_by(notification_preferences.c.revision.desc())
            .limit(1)
        )
    ).scalar()
    return frozenset(map(Topic, found or ()))


async def choose_mail(
    session: WriteSession, tenant_id: UUID, person_id: UUID, without: Collection[Topic]
) -> None:
    """One more choice. ``Conflict`` where the same person chose at the same moment."""
    newest = (
        await session.execute(
            select(func.max(notification_preferences.c.revision)).where(
                notification_preferences.c.tenant_id == tenant_id,
                notification_preferences.c.person_id == person_id,
            )
        )
    ).scalar()
    with duplicates_are(
        Conflict("this was chosen elsewhere at the same moment; look again"), notification_preferences.name
    ):
        await session.execute(
            insert(notification_preferences).values(
                tenant_id=tenant_id,
                person_id=person_id,
                revision=(newest or 0) + 1,
                without_mail=sorted(without),
                changed_at=session.clock.now(),
            )
        )


async def _items(
    session: ReadSession, tenant_id: UUID, deliveries: Collection[Delivery]
) -> tuple[InboxItem, ...]:
    told = await notifications_by_id(session, tenant_id, {each.notification_id for each in deliveries})
    rows = await session.execute(
        select(notification_reads).where(
            notification_reads.c.tenant_id == tenant_id,
            notification_reads.c.delivery_id.in_([each.id for each in deliveries]),
        )
    )
    read_at: dict[UUID, datetime] = {row.delivery_id: row.read_at for row in rows}
    return tuple(InboxItem(each.id, told[each.notification_id], read_at.get(each.id)) for each in deliveries)


def _in_inbox(tenant_id: UUID, person_id: UUID) -> ColumnElement[bool]:
    return and_(
        notification_deliveries.c.tenant_id == tenant_id,
        notification_deliveries.c.recipient_id == person_id,
        notification_deliveries.c.channel == Channel.PORTAL.value,
    )
