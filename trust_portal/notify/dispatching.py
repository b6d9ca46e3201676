"""From one notification to one delivery for each person and endpoint, in the home of each.

Two short transactions, one in the tenant it happened in and one at the vendor; both may be repeated
and add nothing twice. People are asked for now, not when it was written: who has lost a role
meanwhile is not told.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.notify.address_book import AddressBook
from trust_portal.notify.model import Channel, Delivery, Notification
from trust_portal.notify.repository import (
    add_deliveries,
    add_notification,
    find_notification,
    without_mail,
)
from trust_portal.notify.topics import RULES
from trust_portal.notify.webhooks.repository import subscribed
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


class Dispatcher:
    """``mails``: whether there is a mail server; without one, no mail is promised."""

    def __init__(self, storage: Storage, address_book: AddressBook, *, mails: bool) -> None:
        self._storage = storage
        self._address_book = address_book
        self._mails = mails

    async def dispatch(self, tenant_id: UUID, notification_id: UUID, work: UUID | None = None) -> None:
        """Make its deliveries. ``work`` is the outbox row, completed with the last of them."""
        at_vendor = tenant_id == VENDOR_ID
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if at_vendor and not await session.complete(work):
                return
            notification = await find_notification(session, tenant_id, notification_id)
            if notification is None:
                raise NotFound("notification")
            await self._deliver_at(session, notification)
            origin = await self._address_book.name_of(session, tenant_id)
        if at_vendor:
            return
        copy = replace(
            notification, home_id=VENDOR_ID, origin=origin, key=f"{tenant_id.hex}/{notification.key}"
        )
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            if await session.complete(work):
                await self._deliver_at(session, copy)

    async def _deliver_at(self, session: WriteSession, notification: Notification) -> None:
        home, now = notification.home_id, session.clock.now()
        rule = RULES[notification.topic]
        people = await self._address_book.reach(session, home, notification.audience, now)
        addressed = [(Channel.PORTAL, person.id) for person in people]
        if self._mails:
            ids = [person.id for person in people]
            spared = frozenset[UUID]()
            if not rule.insistent:
                spared = await without_mail(session, home, ids, notification.topic)
            addressed += [(Channel.MAIL, id_) for id_ in ids if id_ not in spared]
        endpoints = await subscribed(session, home)
        addressed += [
            (Channel.WEBHOOK, each.id)
            for each in endpoints
            if each.id in notification.audience.endpoints
            or (notification.topic in each.topics and (home == VENDOR_ID or rule.for_customers))
        ]
        if not addressed:
            return
        if home != notification.origin_id:
            await add_notification(session, notification)
        deliveries = [
            Delivery(new_id(), home, notification.id, channel, recipient, now)
            for channel, recipient in addressed
        ]
        new = await add_deliveries(session, deliveries)
        for each in deliveries:
            if each.id in new and each.channel is not Channel.PORTAL:
                await ask_for_delivery(session, each, ordinal=1)


async def ask_for_delivery(
    session: WriteSession,
    delivery: Delivery,
    *,
    ordinal: int,
    due_at: datetime | None = None,
    replay: int = 0,
) -> None:
    """Ask for the attempt that will be the ``ordinal``-th, at once or at ``due_at``.

    A ``replay`` may ask for one that waits for its time; whichever job comes first makes it.
    """
    key = f"{Job.DELIVER_NOTIFICATION}/{delivery.id}/{ordinal}"
    await session.enqueue(
        Job.DELIVER_NOTIFICATION,
        {"tenant": str(delivery.home_id), "delivery": str(delivery.id), "attempt": str(ordinal)},
        dedupe_key=f"{key}/replay-{replay}" if replay else key,
        due_at=due_at,
    )
