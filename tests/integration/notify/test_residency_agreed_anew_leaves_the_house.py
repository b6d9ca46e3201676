"""Where a customer's data stays is agreed anew: the administrators of both sides are told, and nobody else."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from support.mail_server import MailServerProcess
from support.notify_world import NOW, NotifyWorld
from support.webhook_receiver import Receiver

from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.access.people.model import Person
from trust_portal.access.tenants.model import SetResidency
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Role
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.standard_webhooks import Ed25519Public, verify_webhook
from trust_portal.notify.topics import Topic


async def test_the_administrators_of_both_sides_hear_of_it_by_mail_webhook_and_in_the_portal(
    world: NotifyWorld, mail: MailServerProcess, receiver: Receiver
) -> None:
    house = world.house
    northwind, globex = await world.tenant("northwind", "Northwind Traders"), await world.tenant("globex")
    carla = await world.person(northwind.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)
    vera = await world.person(northwind.id, "vera@northwind.example", Role.CUSTOMER_VIEWER)
    gus = await world.person(globex.id, "gus@globex.example", Role.CUSTOMER_ADMIN)
    ada = await world.staff("ada@vendor.example", Role.VENDOR_ADMIN, name="Ada Vogel")
    cora = await world.staff("cora@vendor.example", Role.CSM)
    endpoint = CreateEndpoint(northwind.id, "Legal desk", receiver.url(), frozenset({Topic.RESIDENCY_SET}))
    await house.endpoints.create(endpoint, carla.as_actor())
    await world.work()
    mail_before = len(mail.taken())

    async def told(person: Person) -> list[tuple[str, str]]:
        page = await house.inbox.page(person.as_actor(), PageRequest(20))
        return [
            (each.notification.title, each.notification.path)
            for each in page.items
            if each.notification.topic is Topic.RESIDENCY_SET
        ]

    await house.tenants.set_residency(
        SetResidency(northwind.id, "Germany", "Contract of 1 July"), ada.as_actor()
    )
    with pytest.raises(Conflict):
        await house.tenants.set_residency(
            SetResidency(northwind.id, "Germany", "Contract of 1 July"), ada.as_actor()
        )
    await world.work()

    title = "Northwind Traders: agreed anew where its data stays"
    for person in (carla, ada):
        assert await told(person) == [(title, "/t/northwind/posture")], (
            "once: what is refused is told to nobody"
        )
    for person in (vera, gus, cora):
        assert await told(person) == []
    mails = mail.taken()[mail_before:]
    assert sorted((each["to"].split()[-1], each["subject"]) for each in mails) == [
        ("<ada@vendor.example>", title),
        ("<carla@northwind.example>", title),
    ]
    for each in mails:
        words = " ".join(each.get_body(("plain",)).get_content().split())
        assert "Agreed now: Germany. Before: nothing. Recorded by Ada Vogel: Contract of 1 July" in words
        assert "https://trust.example/t/northwind/posture" in words

    (got,) = receiver.received
    public = [Ed25519Public(house.keyring.webhooks.public_key)]
    assert verify_webhook(got.headers, got.body, public, NOW) == got.headers["webhook-id"]
    body = json.loads(got.body)
    receipt = body["data"]["facts"].pop("receipt")
    assert (body["type"], body["data"]["tenant"]["key"], body["data"]["facts"]) == (
        "residency.set",
        "northwind",
        {"residency": "Germany", "before": ""},
    )
    filed = await house.archive.receipt(carla.as_actor(), northwind.id, UUID(receipt))
    assert filed.receipt.kind == "tenant.residency_set"
