"""One attempt at one delivery: written down before it is made, and what came of it afterwards.

    begin (transaction) ─▶ send (none) ─▶ end (transaction: outcome, next try, outbox row gone)

A worker that dies in between leaves an attempt without an end. Whoever takes up its outbox row
writes it off as ``lost`` and makes the next attempt, under the same message id: on the wire a
message may come twice, in the log every attempt stands once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.errors import NotFound, Unavailable
from trust_portal.notify.address_book import AddressBook
from trust_portal.notify.announcing import announce
from trust_portal.notify.attempts_repository import attempts_of, begin_attempt, end_attempt, replays_of
from trust_portal.notify.back_off import next_try
from trust_portal.notify.carrier import Carrier, Parcel
from trust_portal.notify.dispatching import ask_for_delivery
from trust_portal.notify.model import (
    Announcement,
    Answer,
    Attempt,
    Audience,
    Channel,
    Delivery,
    Notification,
    Verdict,
)
from trust_portal.notify.repository import find_delivery, find_notification
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

log = logging.getLogger(__name__)

#: Nobody is told by another message that these did not arrive: of the first it would go on for ever,
#: and who asked for the second is looking at its log.
_UNMOURNED: Final = frozenset({Topic.DELIVERY_GIVEN_UP, Topic.WEBHOOK_TEST})
_LOST: Final = "the worker ended before it heard an answer; it may have arrived"


@dataclass(frozen=True, slots=True)
class _Begun:
    """An attempt under way."""

    delivery: Delivery
    notification: Notification
    attempt: Attempt
    failures: int
    parcel: Parcel | str


class Courier:
    """``carriers``: who carries what, by channel."""

    def __init__(
        self, storage: Storage, address_book: AddressBook, carriers: Mapping[Channel, Carrier]
    ) -> None:
        self._storage = storage
        self._address_book = address_book
        self._carriers = carriers

    async def deliver(
        self, tenant_id: UUID, delivery_id: UUID, ordinal: int, work: UUID | None = None
    ) -> None:
        """Make the ``ordinal``-th attempt, unless it has been made. ``work`` is the outbox row."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            begun = await self._begin(session, tenant_id, delivery_id, ordinal, work)
            if begun is None:
                await session.complete(work)
                return
        parcel = begun.parcel
        answer = Answer(Verdict.SKIPPED, parcel) if isinstance(parcel, str) else await parcel.send()
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if await self._end(session, begun, answer):
                await session.complete(work)

    async def give_up(self, tenant_id: UUID, delivery_id: UUID, reason: str) -> None:
        """The job itself could not be done: what is under way ends here, and people see it."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            delivery, notification = await self._found(session, tenant_id, delivery_id)
            attempts = (await attempts_of(session, tenant_id, [delivery_id])).get(delivery_id, ())
            last = attempts[-1] if attempts else None
            if last is None or last.verdict is not None:
                if last is not None and last.next_try_at is None:
                    return
                last = Attempt(
                    ordinal=1 if last is None else last.ordinal + 1,
                    round=0 if last is None else last.round,
                    sent_to="",
                    begun_at=session.clock.now(),
                    work_id=None,
                )
                await begin_attempt(session, delivery, last)
            ended = replace(
                last,
                ended_at=session.clock.now(),
                verdict=Verdict.LOST,
                words=f"given up: {reason}",
                given_up=True,
            )
            if await end_attempt(session, delivery, ended):
                await self._mourn(session, delivery, notification, ended)

    async def _begin(
        self, session: WriteSession, tenant_id: UUID, delivery_id: UUID, ordinal: int, work: UUID | None
    ) -> _Begun | None:
        """The attempt, begun; None where there is nothing to do (any more)."""
        delivery, notification = await self._found(session, tenant_id, delivery_id)
        attempts = (await attempts_of(session, tenant_id, [delivery_id])).get(delivery_id, ())
        last = attempts[-1] if attempts else None
        if last is not None and last.ordinal >= ordinal:
            if last.verdict is not None or last.work_id != work:
                return None  # made, or being made by another job for the same attempt
            if not await end_attempt(session, delivery, _written_off(last, session)):
                raise Unavailable("this attempt has just ended")
        number = 1 if last is None else last.ordinal + 1
        round_ = len((await replays_of(session, tenant_id, [delivery_id])).get(delivery_id, ()))
        parcel = await self._carriers[delivery.channel].pack(session, notification, delivery)
        attempt = Attempt(
            ordinal=number,
            round=round_,
            sent_to="" if isinstance(parcel, str) else parcel.sent_to,
            begun_at=session.clock.now(),
            work_id=work,
        )
        if not await begin_attempt(session, delivery, attempt):
            # Two jobs for one attempt at the same moment: the other makes it, and this one looks again.
            raise Unavailable("this attempt is being made")
        failures = sum(each.round == round_ and each.verdict is Verdict.FAILED for each in attempts)
        return _Begun(delivery, notification, attempt, failures, parcel)

    async def _end(self, session: WriteSession, begun: _Begun, answer: Answer) -> bool:
        """False where it was written off meanwhile: then another attempt is under way already."""
        now = session.clock.now()
        again = None
        if answer.verdict is Verdict.FAILED and not answer.final:
            wish = None if answer.retry_after is None else timedelta(seconds=answer.retry_after)
            again = next_try(begun.delivery.id, begun.failures + 1, now, wish)
        ended = replace(
            begun.attempt,
            ended_at=now,
            verdict=answer.verdict,
            status=answer.status,
            words=answer.words,
            peer=answer.peer,
            next_try_at=again,
            given_up=answer.verdict is Verdict.FAILED and again is None,
        )
        if not await end_attempt(session, begun.delivery, ended):
            log.warning("attempt %d at %s was written off meanwhile", ended.ordinal, begun.delivery.id)
            return False
        if again is not None:
            await ask_for_delivery(session, begun.delivery, ordinal=ended.ordinal + 1, due_at=again)
        if ended.given_up:
            await self._mourn(session, begun.delivery, begun.notification, ended)
        return True

    async def _mourn(
        self, session: WriteSession, delivery: Delivery, notification: Notification, attempt: Attempt
    ) -> None:
        """Tell the administrators of its home, once a day for each recipient."""
        if notification.topic in _UNMOURNED:
            return
        home = await self._address_book.name_of(session, delivery.home_id)
        what = self._carriers[delivery.channel].what
        await announce(
            session,
            Announcement(
                topic=Topic.DELIVERY_GIVEN_UP,
                key=f"{Topic.DELIVERY_GIVEN_UP}/{delivery.recipient_id}/{session.clock.now():%Y-%m-%d}",
                thread=f"{Topic.DELIVERY_GIVEN_UP}/{delivery.recipient_id}",
                title=f"{what} could not be delivered: {notification.title}",
                text=f"The last answer was: {attempt.words}. It is not tried again by itself. "
                "Once the cause is gone, it can be sent again from its page.",
                path=f"/t/{home.key}/deliveries/{delivery.id}",
                facts={
                    "sent_to": attempt.sent_to or "nobody",
                    "attempts": str(attempt.ordinal),
                    "topic": notification.topic.value,
                },
                audience=Audience(RULES[Topic.DELIVERY_GIVEN_UP].roles),
            ),
        )

    async def _found(
        self, session: WriteSession, tenant_id: UUID, delivery_id: UUID
    ) -> tuple[Delivery, Notification]:
        delivery = await find_delivery(session, tenant_id, delivery_id)
        if delivery is None:
            raise NotFound("delivery")
        notification = await find_notification(session, tenant_id, delivery.notification_id)
        if notification is None:
            raise NotFound("notification")
        return delivery, notification


def _written_off(attempt: Attempt, session: WriteSession) -> Attempt:
    return replace(attempt, ended_at=session.clock.now(), verdict=Verdict.LOST, words=_LOST)
