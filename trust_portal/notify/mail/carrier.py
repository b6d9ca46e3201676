"""Carries a notification to one person by mail."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import ClassVar

from trust_portal.errors import InvalidInput
from trust_portal.notify.address_book import AddressBook
from trust_portal.notify.mail.letter import hidden, write_letter
from trust_portal.notify.mail.post_office import PostOffice
from trust_portal.notify.mail.setup import Mail
from trust_portal.notify.model import Answer, Delivery, Notification
from trust_portal.storage.unit_of_work import WriteSession


@dataclass(frozen=True, slots=True)
class Letter:
    message: EmailMessage
    sent_to: str
    post_office: PostOffice

    async def send(self) -> Answer:
        return await self.post_office.send(self.message)


class MailCarrier:
    """``mail`` None: no mail server is set up (any more)."""

    what: ClassVar[str] = "A mail"

    def __init__(self, address_book: AddressBook, mail: Mail | None) -> None:
        self._address_book = address_book
        self._mail = mail

    async def pack(
        self, session: WriteSession, notification: Notification, delivery: Delivery
    ) -> Letter | str:
        if self._mail is None:
            return "no mail server is set up"
        now = session.clock.now()
        person = await self._address_book.person(session, delivery.home_id, delivery.recipient_id, now)
        if person is None:
            return "this person may not sign in any more"
        try:
            message = write_letter(notification, delivery, person, self._mail.letterhead)
        except InvalidInput as refusal:
            return refusal.message
        return Letter(message, hidden(person.email), self._mail.post_office)
