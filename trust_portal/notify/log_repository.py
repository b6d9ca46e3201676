"""The delivery log as people read it, and what they add to it: replays."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, insert, select

from trust_portal.errors import Conflict
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.notify.attempts_repository import attempts_of, replays_of
from trust_portal.notify.log import DeliveryFilter, LoggedDelivery, Replay
from trust_portal.notify.model import Channel, Delivery
from trust_portal.notify.repository import delivery_of, notifications_by_id
from trust_portal.notify.tables import (
    delivery_attempts,
    delivery_outcomes,
    delivery_replays,
    notification_deliveries,
)
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def deliveries_page(
    session: ReadSession, wanted: DeliveryFilter, request: PageRequest
) -> Page[LoggedDelivery]:
    """Newest first. What lies in an inbox is there at once and has no log."""
    query = select(notification_deliveries).where(
        notification_deliveries.c.tenant_id == wanted.tenant_id,
        notification_deliveries.c.channel != Channel.PORTAL.value,
    )
    if wanted.channel is not None:
        query = query.where(notification_deliveries.c.channel == wanted.channel.value)
    if wanted.recipient_id is not None:
        query = query.where(notification_deliveries.c.recipient_id == wanted.recipient_id)
    if wanted.given_up:
        query = query.where(_is_given_up(wanted.tenant_id))
    page = await keyset_page(
        session,
        query,
        request,
        order=(notification_deliveries.c.id,),
        parse=(UUID,),
        read=delivery_of,
        key=lambda each: (str(each.id),),
        descending=True,
    )
    logged = await _logged(session, wanted.tenant_id, page.items)
    return Page(logged, page.cursors, page.has_next, page.has_previous)


async def find_logged(session: ReadSession, delivery: Delivery) -> LoggedDelivery:
    """One delivery with its whole log."""
    (logged,) = await _logged(session, delivery.home_id, [delivery])
    return logged


async def add_replay(session: WriteSession, delivery: Delivery, replay: Replay, by_id: UUID) -> None:
    """``Conflict`` where somebody else has just asked for it."""
    with duplicates_are(Conflict("this is being sent again already"), delivery_replays.name):
        await session.execute(
            insert(delivery_replays).values(
                tenant_id=delivery.home_id,
                delivery_id=delivery.id,
                round=replay.round,
                asked_at=replay.at,
                asked_by_id=by_id,
                asked_by_name=replay.by,
                reason=replay.reason,
                receipt_id=replay.receipt_id,
            )
        )


async def _logged(
    session: ReadSession, tenant_id: UUID, deliveries: Collection[Delivery]
) -> tuple[LoggedDelivery, ...]:
    ids = [each.id for each in deliveries]
    told = await notifications_by_id(session, tenant_id, {each.notification_id for each in deliveries})
    attempts = await attempts_of(session, tenant_id, ids)
    replays = await replays_of(session, tenant_id, ids)
    return tuple(
        LoggedDelivery(each, told[each.notification_id], attempts.get(each.id, ()), replays.get(each.id, ()))
        for each in deliveries
    )


def _is_given_up(tenant_id: UUID) -> ColumnElement[bool]:
    """Its last attempt was given up."""
    last = (
        select(func.max(delivery_attempts.c.ordinal))
        .where(
            delivery_attempts.c.tenant_id == tenant_id,
            delivery_attempts.c.delivery_id == notification_deliveries.c.id,
        )
        .scalar_subquery()
    )
    return exists().where(
        and_(
            delivery_outcomes.c.tenant_id == tenant_id,
            delivery_outcomes.c.delivery_id == notification_deliveries.c.id,
            delivery_outcomes.c.given_up,
            delivery_outcomes.c.ordinal == last,
        )
    )
