"""Who is told: the inbox, mail, signed webhooks, and the log of what was delivered."""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.access.notifications.delivery_log import DeliveryLog
from trust_portal.access.notifications.endpoints import Endpoints
from trust_portal.access.notifications.inbox import Inbox
from trust_portal.access.people.address_book import PeopleAddressBook
from trust_portal.house.foundation import Foundation
from trust_portal.notify.delivering import Courier
from trust_portal.notify.dispatching import Dispatcher
from trust_portal.notify.mail.carrier import MailCarrier
from trust_portal.notify.mail.setup import mail_of
from trust_portal.notify.model import Channel
from trust_portal.notify.webhooks.carrier import WebhookCarrier
from trust_portal.notify.webhooks.destination import networks_of
from trust_portal.notify.webhooks.post import Sender
from trust_portal.notify.webhooks.secrets import EndpointSecrets


@dataclass(frozen=True)
class NotifyRoom:
    dispatcher: Dispatcher
    courier: Courier
    delivery_log: DeliveryLog
    endpoints: Endpoints
    inbox: Inbox


def notify_room(base: Foundation) -> NotifyRoom:
    settings = base.settings
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    mail, address_book = mail_of(settings), PeopleAddressBook()
    sender = Sender(networks_of(settings.webhook_networks))
    secrets = EndpointSecrets(base.keyring.webhooks.seed)
    return NotifyRoom(
        dispatcher=Dispatcher(storage, address_book, mails=mail is not None),
        courier=Courier(
            storage,
            address_book,
            {
                Channel.MAIL: MailCarrier(address_book, mail),
                Channel.WEBHOOK: WebhookCarrier(address_book, secrets, sender, settings.base_url),
            },
        ),
        delivery_log=DeliveryLog(storage, gate, ledger, access_log),
        endpoints=Endpoints(storage, gate, ledger, access_log, secrets, sender.networks),
        inbox=Inbox(storage, gate),
    )
