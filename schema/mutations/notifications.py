"""Reading one's inbox, choosing mail, and a tenant's endpoints and deliveries."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.notification import (
    Delivery,
    Notification,
    NotificationPreference,
    Webhook,
    delivery,
    notification,
    preferences,
    webhook,
)
from trust_portal.access.notifications.model import (
    ActOnEndpoint,
    ChangeEndpoint,
    CreateEndpoint,
    ReplayDelivery,
)
from trust_portal.errors import NotFound
from trust_portal.notify.topics import Topic


@strawberry.input(description="One of the caller's own.")
class ReadNotificationInput:
    notification_id: strawberry.ID


@strawberry.input(description="What of all that concerns the caller is mailed from now on.")
class ChooseMailInput:
    topics: list[Topic]


@strawberry.input(description="A new endpoint.")
class CreateWebhookInput:
    tenant_id: strawberry.ID
    label: str
    url: str
    topics: list[Topic]


@strawberry.input(description="The endpoint as it shall be from now on.")
class ChangeWebhookInput:
    webhook_id: strawberry.ID
    label: str
    url: str
    topics: list[Topic]
    reason: str
    expected_revision: int | None = strawberry.field(
        default=None, description="Refused where it is another by now."
    )


@strawberry.input(description="An endpoint, and why.")
class ActOnWebhookInput:
    webhook_id: strawberry.ID
    reason: str


@strawberry.input(description="An endpoint.")
class TestWebhookInput:
    webhook_id: strawberry.ID


@strawberry.input(description="A delivery, and why it is sent again.")
class ReplayDeliveryInput:
    delivery_id: strawberry.ID
    reason: str


@strawberry.input(description="Everything there is now.")
class ReadAllNotificationsInput:
    client_mutation_id: str | None = strawberry.field(default=None, description="Not looked at.")


@strawberry.type(description="It is read from now on.")
class ReadNotificationPayload(Payload):
    notification: Notification | None = None


@strawberry.type(description="How many were not read before.")
class ReadAllNotificationsPayload(Payload):
    read: int = 0


@strawberry.type(description="What concerns the caller, and whether it is mailed.")
class ChooseMailPayload(Payload):
    preferences: list[NotificationPreference] | None = None


@strawberry.type(description="The endpoint as it now stands.")
class WebhookPayload(Payload):
    webhook: Webhook | None = None


@strawberry.type(description="The endpoint and, this once, its secret.")
class WebhookSecretPayload(Payload):
    webhook: Webhook | None = None
    secret: str | None = None


@strawberry.type(
    description="Whether a message is on its way; false where one was asked for within this second."
)
class TestWebhookPayload(Payload):
    asked: bool = False


@strawberry.type(description="The delivery, which is sent again now.")
class ReplayDeliveryPayload(Payload):
    delivery: Delivery | None = None


@strawberry.type
class NotificationMutations:
    @mutation(description="Read one notification.")
    async def read_notification(self, info: Info, input: ReadNotificationInput) -> ReadNotificationPayload:
        actor = info.context.actor
        asked = decode(input.notification_id, "Notification", field="notificationId")
        if asked.tenant_id != actor.tenant_id:
            raise NotFound("notification", field="notificationId")
        item = await info.context.house.inbox.open(actor, asked.id)
        return ReadNotificationPayload(notification=notification(item))

    @mutation(description="Read everything there is now.")
    async def read_all_notifications(
        self,
        info: Info,
        input: ReadAllNotificationsInput,  # noqa: ARG002 - every mutation takes one
    ) -> ReadAllNotificationsPayload:
        read = await info.context.house.inbox.read_all(info.context.actor)
        return ReadAllNotificationsPayload(read=read)

    @mutation(description="Choose what is mailed; what is insistent stays.")
    async def choose_mail(self, info: Info, input: ChooseMailInput) -> ChooseMailPayload:
        house, actor = info.context.house, info.context.actor
        await house.inbox.choose(actor, frozenset(input.topics))
        return ChooseMailPayload(preferences=preferences(await house.inbox.mailed(actor)))

    @mutation(description="Set up an endpoint. Its secret is shown this once.")
    async def create_webhook(self, info: Info, input: CreateWebhookInput) -> WebhookSecretPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = CreateEndpoint(tenant_id, input.label, input.url, frozenset(input.topics))
        made = await info.context.house.endpoints.create(command, info.context.actor)
        return WebhookSecretPayload(webhook=webhook(made.endpoint), secret=made.secret)

    @mutation(description="Change label, URL or topics. The secret stays.")
    async def change_webhook(self, info: Info, input: ChangeWebhookInput) -> WebhookPayload:
        asked = decode(input.webhook_id, "Webhook", field="webhookId")
        command = ChangeEndpoint(
            asked.tenant_id,
            asked.id,
            input.label,
            input.url,
            frozenset(input.topics),
            input.reason,
            input.expected_revision,
        )
        made = await info.context.house.endpoints.change(command, info.context.actor)
        return WebhookPayload(webhook=webhook(made))

    @mutation(description="A new secret, shown this once; the one before signs for another day.")
    async def rotate_webhook_secret(self, info: Info, input: ActOnWebhookInput) -> WebhookSecretPayload:
        made = await info.context.house.endpoints.rotate(_act(input), info.context.actor)
        return WebhookSecretPayload(webhook=webhook(made.endpoint), secret=made.secret)

    @mutation(description="Send nothing to it from now on.")
    async def disable_webhook(self, info: Info, input: ActOnWebhookInput) -> WebhookPayload:
        made = await info.context.house.endpoints.disable(_act(input), info.context.actor)
        return WebhookPayload(webhook=webhook(made))

    @mutation(description="Send to it again what is announced from now on.")
    async def enable_webhook(self, info: Info, input: ActOnWebhookInput) -> WebhookPayload:
        made = await info.context.house.endpoints.enable(_act(input), info.context.actor)
        return WebhookPayload(webhook=webhook(made))

    @mutation(description="Have a message sent to it alone; the deliveries say what came of it.")
    async def test_webhook(self, info: Info, input: TestWebhookInput) -> TestWebhookPayload:
        asked = decode(input.webhook_id, "Webhook", field="webhookId")
        house = info.context.house
        made = await house.endpoints.test(info.context.actor, asked.tenant_id, asked.id)
        return TestWebhookPayload(asked=made is not None)

    @mutation(description="Send it once more: the same message under the same id.")
    async def replay_delivery(self, info: Info, input: ReplayDeliveryInput) -> ReplayDeliveryPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.delivery_id, "Delivery", field="deliveryId")
        await house.delivery_log.replay(ReplayDelivery(asked.tenant_id, asked.id, input.reason), actor)
        logged = await house.delivery_log.get(actor, asked.tenant_id, asked.id)
        return ReplayDeliveryPayload(delivery=delivery(logged))


def _act(input: ActOnWebhookInput) -> ActOnEndpoint:
    asked = decode(input.webhook_id, "Webhook", field="webhookId")
    return ActOnEndpoint(asked.tenant_id, asked.id, input.reason)
