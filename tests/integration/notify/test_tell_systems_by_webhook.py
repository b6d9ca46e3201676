"""Endpoints of a customer and of the vendor: set up, told, tried again, replayed, disabled, rotated."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError
from support.notify_world import NOW, NotifyWorld, spike
from support.webhook_receiver import Received, Receiver

from trust_portal.access.notifications.model import (
    ActOnEndpoint,
    ChangeEndpoint,
    CreateEndpoint,
    EndpointSecret,
    ReplayDelivery,
)
from trust_portal.access.people.model import Person
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.log import DeliveryFilter, LoggedDelivery
from trust_portal.notify.model import Audience, DeliveryState, Verdict
from trust_portal.notify.standard_webhooks import Ed25519Public, verify_webhook
from trust_portal.notify.topics import Topic
from trust_portal.storage.tenancy import TenantScope


class Scene:
    """A customer with an administrator, and a receiver of theirs."""

    def __init__(self, world: NotifyWorld, tenant: Tenant, carla: Person, receiver: Receiver) -> None:
        self.world, self.tenant, self.carla, self.receiver = world, tenant, carla, receiver

    async def endpoint(self, path: str = "/ok", *topics: Topic) -> EndpointSecret:
        command = CreateEndpoint(
            self.tenant.id, "Ops room", self.receiver.url(path), frozenset(topics or (Topic.ANOMALY_OPENED,))
        )
        return await self.world.house.endpoints.create(command, self.carla.as_actor())

    async def log(self) -> list[LoggedDelivery]:
        """Newest first, as the administrator sees it."""
        page = await self.world.house.delivery_log.page(
            self.carla.as_actor(), DeliveryFilter(self.tenant.id), PageRequest(50)
        )
        return list(page.items)

    async def kinds(self) -> list[str]:
        async with self.world.house.storage.read(TenantScope(self.tenant.id)) as session:
            query = (
                select(receipts.c.kind).where(receipts.c.tenant_id == self.tenant.id).order_by(receipts.c.at)
            )
            found = [row.kind for row in await session.execute(query)]
        return [kind for kind in found if kind.startswith(("webhook.", "delivery."))]


@pytest.fixture
async def scene(world: NotifyWorld, receiver: Receiver) -> Scene:
    tenant = await world.tenant("northwind", "Northwind Traders")
    carla = await world.person(tenant.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)
    return Scene(world, tenant, carla, receiver)


def checked(got: Received, secret: str) -> dict[str, object]:
    """What the public library makes of it; it compares the timestamp with the wall clock, which is not ours."""
    library = Webhook(secret)
    library._Webhook__verify_timestamp = lambda header: datetime.fromtimestamp(int(header), UTC)
    return library.verify(got.body, got.headers)


async def test_an_endpoint_is_told_what_it_asked_for_signed_so_that_the_public_library_believes_it(
    scene: Scene,
) -> None:
    made = await scene.endpoint()
    notification_id = await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (got,) = scene.receiver.received
    assert checked(got, made.secret) == {
        "type": "anomaly.opened",
        "timestamp": "2026-07-10T09:00:00Z",
        "data": {
            "tenant": {"key": "northwind", "name": "Northwind Traders"},
            "title": "Compute costs four times as much as expected",
            "text": "Since 08:00 UTC. Nobody has looked at it yet.",
            "facts": {"subsystem": "compute", "excess": "512.00 EUR"},
            "url": "https://trust.example/t/northwind/cost",
        },
    }
    assert got.headers["webhook-id"] == f"msg_{notification_id.hex}"
    other = await scene.endpoint()
    with pytest.raises(WebhookVerificationError):
        checked(got, other.secret)
    public = Ed25519Public(scene.world.house.keyring.webhooks.public_key)
    assert verify_webhook(got.headers, got.body, [public], NOW) == got.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        checked(replace(got, body=got.body.replace(b"512", b"999")), made.secret)


async def test_the_vendors_endpoints_hear_of_every_customer_and_a_customers_only_of_its_own(
    scene: Scene,
) -> None:
    world = scene.world
    globex = await world.tenant("globex")
    ada = await world.staff("ada@aurora.example", Role.VENDOR_ADMIN)
    vendors = await world.house.endpoints.create(
        CreateEndpoint(
            VENDOR_ID,
            "Pager",
            scene.receiver.url("/vendor"),
            frozenset({Topic.ANOMALY_OPENED, Topic.PLAYBOOK_FAILED}),
        ),
        ada.as_actor(),
    )
    await scene.endpoint("/customer")
    await world.announce(scene.tenant.id, spike())
    await world.announce(globex.id, spike(key="anomaly/2"))
    await world.announce(globex.id, spike(key="run/1", topic=Topic.PLAYBOOK_FAILED))
    await world.work()
    told = sorted(
        (got.path, json.loads(got.body)["data"]["tenant"]["key"]) for got in scene.receiver.received
    )
    assert told == [
        ("/customer", "northwind"),
        ("/vendor", "globex"),
        ("/vendor", "globex"),
        ("/vendor", "northwind"),
    ]
    both = [got for got in scene.receiver.received if b"Northwind" in got.body]
    assert len({got.headers["webhook-id"] for got in both}) == 1, "the same message, wherever it goes"
    assert checked(next(g for g in both if g.path == "/vendor"), vendors.secret)


async def test_an_endpoint_cannot_subscribe_to_what_its_tenant_may_not_know(scene: Scene) -> None:
    with pytest.raises(InvalidInput) as refused:
        await scene.endpoint("/ok", Topic.PLAYBOOK_FAILED)
    assert refused.value.field == "topics"
    await scene.endpoint("/ok", Topic.ANOMALY_OPENED)
    await scene.world.announce(scene.tenant.id, spike(topic=Topic.KILL_SWITCH_PULLED))
    await scene.world.work()
    assert scene.receiver.received == []


async def test_what_fails_is_tried_again_under_the_same_id_until_it_arrives(scene: Scene) -> None:
    made = await scene.endpoint("/flaky-2")
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (logged,) = await scene.log()
    assert logged.state is DeliveryState.RETRYING
    for wait in (timedelta(seconds=6), timedelta(minutes=6)):
        scene.world.clock.advance(wait)
        await scene.world.work()
    (logged,) = await scene.log()
    assert logged.state is DeliveryState.DELIVERED
    assert [(each.ordinal, each.verdict, each.status) for each in logged.attempts] == [
        (1, Verdict.FAILED, 503),
        (2, Verdict.FAILED, 503),
        (3, Verdict.DELIVERED, 200),
    ]
    first, second, third = scene.receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == second.body == third.body
    assert first.headers["webhook-timestamp"] != third.headers["webhook-timestamp"]
    assert checked(third, made.secret)


async def test_after_ten_failures_it_is_given_up_and_the_administrator_hears_of_it(
    scene: Scene, mail
) -> None:
    await scene.endpoint("/broken")
    await scene.world.announce(scene.tenant.id, spike())
    for _ in range(12):
        await scene.world.work()
        scene.world.clock.advance(timedelta(hours=27))
    (logged,) = [each for each in await scene.log() if each.notification.topic is Topic.ANOMALY_OPENED]
    assert (logged.state, len(logged.attempts)) == (DeliveryState.GIVEN_UP, 10)
    assert logged.attempts[-1].next_try_at is None
    assert len(scene.receiver.received) == 10
    (told,) = mail.taken()
    assert mail.recipients() == [["carla@northwind.example"]]
    assert told["subject"] == "A webhook could not be delivered: Compute costs four times as much as expected"
    assert (
        f"https://trust.example/t/northwind/deliveries/{logged.delivery.id}" in told.get_body().get_content()
    )


async def test_a_receiver_that_says_never_again_is_not_asked_again(scene: Scene) -> None:
    await scene.endpoint("/gone")
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (logged,) = [each for each in await scene.log() if each.delivery.channel.value == "webhook"]
    assert (logged.state, len(logged.attempts)) == (DeliveryState.GIVEN_UP, 1)


async def test_a_receiver_that_is_busy_is_asked_when_it_wants_to_be(scene: Scene) -> None:
    await scene.endpoint("/busy")
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (logged,) = await scene.log()
    assert logged.attempts[0].next_try_at - NOW == timedelta(seconds=900)


async def test_a_replay_sends_the_same_message_again_with_a_receipt_of_who_and_why(scene: Scene) -> None:
    made = await scene.endpoint()
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (logged,) = await scene.log()
    command = ReplayDelivery(scene.tenant.id, logged.delivery.id, "we lost it in our queue")
    await scene.world.house.delivery_log.replay(command, scene.carla.as_actor())
    with pytest.raises(Conflict, match="this is being sent already"):
        await scene.world.house.delivery_log.replay(command, scene.carla.as_actor())
    await scene.world.work()
    (logged,) = await scene.log()
    assert [(each.ordinal, each.round, each.verdict) for each in logged.attempts] == [
        (1, 0, Verdict.DELIVERED),
        (2, 1, Verdict.DELIVERED),
    ]
    (replay,) = logged.replays
    assert (replay.round, replay.by, replay.reason) == (1, "Carla", "we lost it in our queue")
    first, again = scene.receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert checked(again, made.secret)
    assert await scene.kinds() == ["webhook.created", "delivery.replayed"]
    assert await scene.world.work() == 0


async def test_a_replay_of_what_waits_for_its_next_try_takes_that_trys_place(scene: Scene) -> None:
    await scene.endpoint("/flaky-1")
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    (logged,) = await scene.log()
    await scene.world.house.delivery_log.replay(
        ReplayDelivery(scene.tenant.id, logged.delivery.id, "mended"), scene.carla.as_actor()
    )
    await scene.world.work()
    scene.world.clock.advance(timedelta(hours=1))
    await scene.world.work()
    (logged,) = await scene.log()
    assert [(each.ordinal, each.round) for each in logged.attempts] == [(1, 0), (2, 1)]
    assert len(scene.receiver.received) == 2


async def test_a_disabled_endpoint_is_not_called_and_what_it_missed_can_be_replayed(scene: Scene) -> None:
    made = await scene.endpoint("/flaky-1")
    house, carla = scene.world.house, scene.carla.as_actor()
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    act = ActOnEndpoint(scene.tenant.id, made.endpoint.id, "maintenance")
    await house.endpoints.disable(act, carla)
    with pytest.raises(Conflict, match="disabled already"):
        await house.endpoints.disable(act, carla)
    await scene.world.announce(scene.tenant.id, spike(key="anomaly/2"))
    scene.world.clock.advance(timedelta(minutes=1))
    await scene.world.work()
    (logged,) = await scene.log()
    assert (logged.state, logged.attempts[-1].words) == (DeliveryState.SKIPPED, "the endpoint is disabled")
    with pytest.raises(Conflict, match="enable it first"):
        await house.endpoints.test(carla, scene.tenant.id, made.endpoint.id)

    await house.endpoints.enable(act, carla)
    await house.delivery_log.replay(ReplayDelivery(scene.tenant.id, logged.delivery.id, "back"), carla)
    await scene.world.work()
    (logged,) = await scene.log()
    assert logged.state is DeliveryState.DELIVERED
    assert await scene.kinds() == [
        "webhook.created",
        "webhook.disabled",
        "webhook.changed",
        "delivery.replayed",
    ]


async def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone(scene: Scene) -> None:
    made = await scene.endpoint()
    house, carla = scene.world.house, scene.carla.as_actor()
    rotated = await house.endpoints.rotate(
        ActOnEndpoint(scene.tenant.id, made.endpoint.id, "left on a slide"), carla
    )
    assert rotated.secret != made.secret
    await scene.world.announce(scene.tenant.id, spike())
    await scene.world.work()
    scene.world.clock.advance(timedelta(hours=24))
    await scene.world.announce(scene.tenant.id, spike(key="anomaly/2"))
    await scene.world.work()
    overlap, later = scene.receiver.received
    assert checked(overlap, made.secret) == checked(overlap, rotated.secret)
    assert checked(later, rotated.secret)
    with pytest.raises(WebhookVerificationError):
        checked(later, made.secret)


async def test_a_test_goes_to_the_one_endpoint_and_is_in_its_log(scene: Scene) -> None:
    made = await scene.endpoint("/ok")
    await scene.endpoint("/other")
    house, carla = scene.world.house, scene.carla.as_actor()
    assert await house.endpoints.test(carla, scene.tenant.id, made.endpoint.id) is not None
    assert await house.endpoints.test(carla, scene.tenant.id, made.endpoint.id) is None, "once a second"
    await scene.world.work()
    (got,) = scene.receiver.received
    assert (got.path, json.loads(got.body)["type"]) == ("/ok", "webhook.test")
    (logged,) = await scene.log()
    assert logged.delivery.recipient_id == made.endpoint.id


async def test_changing_an_endpoint_is_a_revision_with_a_receipt_and_the_first_of_two_wins(
    scene: Scene,
) -> None:
    made = await scene.endpoint()
    house, carla = scene.world.house, scene.carla.as_actor()
    change = ChangeEndpoint(
        scene.tenant.id, made.endpoint.id, "War room", scene.receiver.url("/new"),
        frozenset({Topic.BREAK_GLASS}), "moved", expected_revision=1,
    )  # fmt: skip
    await house.endpoints.change(change, carla)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await house.endpoints.change(change, carla)
    newest, first = await house.endpoints.history(carla, scene.tenant.id, made.endpoint.id)
    assert (newest.revision, newest.label, newest.topics, newest.reason) == (
        2,
        "War room",
        frozenset({Topic.BREAK_GLASS}),
        "moved",
    )
    assert (first.revision, first.label, newest.fingerprint) == (1, "Ops room", first.fingerprint)
    assert await scene.kinds() == ["webhook.created", "webhook.changed"]


async def test_a_receipt_shows_neither_url_nor_secret(scene: Scene) -> None:
    made = await scene.endpoint("/ok?token=hush")
    async with scene.world.house.storage.read(TenantScope(scene.tenant.id)) as session:
        query = select(receipts.c.envelope).where(
            receipts.c.tenant_id == scene.tenant.id, receipts.c.id == made.endpoint.receipt_id
        )
        envelope = (await session.execute(query)).scalar_one()
    payload = base64.b64decode(json.loads(envelope)["payload"])
    assert b"hush" not in payload
    assert made.secret.encode() not in payload
    assert made.endpoint.fingerprint.encode() in payload


async def test_who_may_not_is_refused_and_nothing_is_changed(scene: Scene) -> None:
    made = await scene.endpoint()
    house, tenant = scene.world.house, scene.tenant
    viewer = await scene.world.person(tenant.id, "vic@northwind.example", Role.CUSTOMER_VIEWER)
    globex = await scene.world.tenant("globex")
    gus = await scene.world.person(globex.id, "gus@globex.example", Role.CUSTOMER_ADMIN)
    ada = await scene.world.staff("ada@aurora.example", Role.VENDOR_ADMIN)
    create = CreateEndpoint(tenant.id, "x", scene.receiver.url(), frozenset({Topic.ANOMALY_OPENED}))
    act = ActOnEndpoint(tenant.id, made.endpoint.id, "because")
    with pytest.raises(Denied):
        await house.endpoints.create(create, viewer.as_actor())
    with pytest.raises(Denied):
        await house.endpoints.create(create, ada.as_actor())
    with pytest.raises(Denied):
        await house.endpoints.rotate(act, ada.as_actor())
    for refused in (
        house.endpoints.create(create, gus.as_actor()),
        house.endpoints.disable(act, gus.as_actor()),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await scene.kinds() == ["webhook.created"]
    await house.endpoints.disable(act, ada.as_actor())
    assert await scene.kinds() == ["webhook.created", "webhook.disabled"]


async def test_an_endpoint_leads_to_no_network_but_public_ones_and_the_operators_own(scene: Scene) -> None:
    for url in ("https://10.0.0.7/hook", "https://169.254.169.254/latest", "ftp://x.example"):
        with pytest.raises(InvalidInput) as refused:
            await scene.world.house.endpoints.create(
                CreateEndpoint(scene.tenant.id, "x", url, frozenset({Topic.ANOMALY_OPENED})),
                scene.carla.as_actor(),
            )
        assert refused.value.field == "url"
    assert await scene.kinds() == []


async def test_a_worker_that_dies_between_sending_and_writing_down_doubles_on_the_wire_not_in_the_log(
    scene: Scene, monkeypatch
) -> None:
    await scene.endpoint()
    await scene.world.announce(scene.tenant.id, spike())
    courier = scene.world.house.courier
    end = courier._end

    async def die(*_) -> bool:
        monkeypatch.setattr(courier, "_end", end)
        raise RuntimeError("killed")

    monkeypatch.setattr(courier, "_end", die)
    await scene.world.work()
    (logged,) = await scene.log()
    assert [(each.ordinal, each.verdict) for each in logged.attempts] == [(1, None)]
    scene.world.clock.advance(timedelta(seconds=1))
    await scene.world.work()
    (logged,) = await scene.log()
    assert [(each.ordinal, each.verdict) for each in logged.attempts] == [
        (1, Verdict.LOST),
        (2, Verdict.DELIVERED),
    ]
    assert logged.attempts[0].words == "the worker ended before it heard an answer; it may have arrived"
    first, second = scene.receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert await scene.world.work() == 0


async def test_two_workers_with_one_delivery_make_one_attempt(scene: Scene) -> None:
    await scene.endpoint("/slow")
    await scene.world.announce(scene.tenant.id, spike(audience=Audience()))
    house, courier = scene.world.house, scene.world.house.courier
    row_id, ids = await scene.world.take_job()
    await house.dispatcher.dispatch(UUID(ids["tenant"]), UUID(ids["notification"]), row_id)
    row_id, ids = await scene.world.take_job()
    delivery_id = UUID(ids["delivery"])
    one = asyncio.create_task(courier.deliver(scene.tenant.id, delivery_id, 1, row_id))
    while not scene.receiver.received:
        await asyncio.sleep(0.02)
    await courier.deliver(scene.tenant.id, delivery_id, 1, new_id())
    scene.receiver.release.set()
    await one
    (logged,) = await scene.log()
    assert [(each.ordinal, each.verdict) for each in logged.attempts] == [(1, Verdict.DELIVERED)]
    assert len(scene.receiver.received) == 1
