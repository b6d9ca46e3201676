"""What the courier asks of a channel: pack while the transaction is open, send after it is closed."""

from __future__ import annotations

from typing import ClassVar, Protocol

from trust_portal.notify.model import Answer, Delivery, Notification
from trust_portal.storage.unit_of_work import WriteSession


class Parcel(Protocol):
    """Ready to go. ``sent_to`` is what the log says of where to."""

    @property
    def sent_to(self) -> str: ...

    async def send(self) -> Answer:
        """One attempt, bounded in time and size. Whatever goes wrong out there is an ``Answer``."""
        ...


class Carrier(Protocol):
    """``what`` it carries, as a sentence begins with it: "A mail"."""

    what: ClassVar[str]

    async def pack(
        self, session: WriteSession, notification: Notification, delivery: Delivery
    ) -> Parcel | str:
        """The parcel, or why there is nobody to send to any more."""
        ...
