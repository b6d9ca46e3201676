"""What people and systems are told: an inbox of one's own, a tenant's endpoints, the delivery log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import strawberry

from schema.ids import encode
from schema.types.named import NamedValue, named_values
from schema.types.sending import Channel, DeliveryState
from trust_portal.notify import model
from trust_portal.notify.log import InboxItem, LoggedDelivery
from trust_portal.notify.topics import RULES, Topic
from trust_portal.notify.webhooks.message import message_id
from trust_portal.notify.webhooks.model import Endpoint

strawberry.enum(Topic, name="NotificationTopic", description="What is told; webhooks name it in `type`.")
strawberry.enum(
    model.Verdict, name="DeliveryVerdict", description="LOST: the worker ended before it could say."
)


@strawberry.type(description="Something the caller was told.")
class Notification:
    id: strawberry.ID
    topic: Topic
    title: str
    text: str
    facts: list[NamedValue]
    path: str = strawberry.field(description="What it is about, in this portal.")
    at: datetime
    read_at: datetime | None


@strawberry.type(description="A topic that concerns the caller, and whether it is mailed.")
class NotificationPreference:
    topic: Topic
    title: str
    about: str
    mailed: bool
    insistent: bool = strawberry.field(description="Its mail cannot be turned off.")


@strawberry.type(description="Where a tenant's systems are told, as it now stands.")
class Webhook:
    id: strawberry.ID
    revision: int
    label: str
    url: str
    topics: list[Topic]
    enabled: bool
    secret_fingerprint: str = strawberry.field(description="Of the secret that signs now.")
    previous_secret_until: datetime | None = strawberry.field(
        description="Until when the secret before signs as well."
    )
    changed_at: datetime
    changed_by: str
    receipt_id: strawberry.ID = strawberry.field(description="Of the change that made it so.")


@strawberry.type(description="One try at a delivery.")
class DeliveryAttempt:
    ordinal: int
    round: int = strawberry.field(description="0: the first sending; n: the n-th replay.")
    sent_to: str
    begun_at: datetime
    ended_at: datetime | None
    verdict: model.Verdict | None
    status: int | None = strawberry.field(description="The HTTP or SMTP code, where there was one.")
    words: str
    next_try_at: datetime | None


@strawberry.type(description="That it was sent again, and why.")
class DeliveryReplay:
    at: datetime
    by: str
    reason: str
    receipt_id: strawberry.ID


@strawberry.type(description="One notification to one person or endpoint by mail or webhook.")
class Delivery:
    id: strawberry.ID
    channel: Channel
    state: DeliveryState
    topic: Topic
    title: str
    message_id: str = strawberry.field(description="The `webhook-id`: the same however often it is sent.")
    webhook_id: strawberry.ID | None
    made_at: datetime
    attempts: list[DeliveryAttempt]
    replays: list[DeliveryReplay]


def notification(row: InboxItem) -> Notification:
    told = row.notification
    return Notification(
        id=encode("Notification", told.home_id, row.id),
        topic=told.topic,
        title=told.title,
        text=told.text,
        facts=named_values(told.facts),
        path=told.path,
        at=told.at,
        read_at=row.read_at,
    )


def preferences(mailed: Mapping[Topic, bool]) -> list[NotificationPreference]:
    return [
        NotificationPreference(
            topic=topic,
            title=RULES[topic].title,
            about=RULES[topic].about,
            mailed=chosen,
            insistent=RULES[topic].insistent,
        )
        for topic, chosen in mailed.items()
    ]


def webhook(row: Endpoint) -> Webhook:
    return Webhook(
        id=encode("Webhook", row.tenant_id, row.id),
        revision=row.revision,
        label=row.label,
        url=row.url,
        topics=sorted(row.topics),
        enabled=row.enabled,
        secret_fingerprint=row.fingerprint,
        previous_secret_until=row.previous_until,
        changed_at=row.at,
        changed_by=row.by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def delivery(row: LoggedDelivery) -> Delivery:
    made, by_webhook = row.delivery, row.delivery.channel is model.Channel.WEBHOOK
    return Delivery(
        id=encode("Delivery", made.home_id, made.id),
        channel=made.channel,
        state=row.state,
        topic=row.notification.topic,
        title=row.notification.title,
        message_id=message_id(made.notification_id),
        webhook_id=encode("Webhook", made.home_id, made.recipient_id) if by_webhook else None,
        made_at=made.made_at,
        attempts=[
            DeliveryAttempt(
                ordinal=each.ordinal,
                round=each.round,
                sent_to=each.sent_to,
                begun_at=each.begun_at,
                ended_at=each.ended_at,
                verdict=each.verdict,
                status=each.status,
                words=each.words,
                next_try_at=each.next_try_at,
            )
            for each in row.attempts
        ],
        replays=[
            DeliveryReplay(
                at=each.at,
                by=each.by,
                reason=each.reason,
                receipt_id=encode("Receipt", made.home_id, each.receipt_id),
            )
            for each in row.replays
        ],
    )
