"""Carries a notification to one endpoint, signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trust_portal.notify.address_book import AddressBook
from trust_portal.notify.model import Answer, Delivery, Notification
from trust_portal.notify.standard_webhooks import sign_webhook
from trust_portal.notify.webhooks.message import message_body, message_id
from trust_portal.notify.webhooks.post import Sender
from trust_portal.notify.webhooks.repository import find_endpoint
from trust_portal.notify.webhooks.secrets import EndpointSecrets
from trust_portal.storage.unit_of_work import WriteSession


@dataclass(frozen=True, slots=True)
class SignedMessage:
    sent_to: str
    headers: Mapping[str, str]
    body: bytes
    sender: Sender

    async def send(self) -> Answer:
        return await self.sender.post(self.sent_to, self.headers, self.body)


class WebhookCarrier:
    what: ClassVar[str] = "A webhook"

    def __init__(
        self, address_book: AddressBook, secrets: EndpointSecrets, sender: Sender, base_url: str
    ) -> None:
        self._address_book = address_book
        self._secrets = secrets
        self._sender = sender
        self._base_url = base_url

    async def pack(
        self, session: WriteSession, notification: Notification, delivery: Delivery
    ) -> SignedMessage | str:
        endpoint = await find_endpoint(session, delivery.home_id, delivery.recipient_id)
        if endpoint is None or not endpoint.enabled:
            return "the endpoint is disabled"
        if not self._secrets.knows(endpoint):
            return "the key for webhooks is not the one its secret was made from; rotate the secret"
        now = session.clock.now()
        origin = notification.origin or await self._address_book.name_of(session, notification.origin_id)
        body = message_body(notification, origin, self._base_url)
        signed = sign_webhook(message_id(notification.id), now, body, self._secrets.signers(endpoint, now))
        return SignedMessage(endpoint.url, {"content-type": "application/json", **signed}, body, self._sender)
