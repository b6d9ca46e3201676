"""A Trust Report and a business review leave the house: mail to the customer's people, webhooks to its systems."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from qbr_desk import issue, prepare
from report_desk import CORA, Q2, publish
from support.mail_server import MailServerProcess, mail_server
from support.notify_world import NOW, NotifyWorld, notify_settings
from support.webhook_receiver import Receiver, webhook_receiver

from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.errors import Conflict
from trust_portal.house import build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.notify.standard_webhooks import Ed25519Public, verify_webhook
from trust_portal.notify.topics import Topic
from trust_portal.storage.outbox import DEFAULT_QUEUE, DELIVERIES_QUEUE
from trust_portal.trust.report.model import PublishTrustReport

#: Bundles are built beside it.
_TELLING = (DEFAULT_QUEUE, DELIVERIES_QUEUE)


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServerProcess]:
    folder = tmp_path / "mail"
    folder.mkdir()
    with mail_server(folder) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
async def world(
    database_url: str, redis_url: str, mail: MailServerProcess, tmp_path: Path
) -> AsyncIterator[NotifyWorld]:
    clock = ManualClock(NOW)
    settings = notify_settings(
        database_url,
        redis_url,
        tmp_path,
        smtp_url=f"smtp://127.0.0.1:{mail.port}?tls=none",
        mail_from="Trust at Aurora <trust@aurora.example>",
        webhook_networks=("127.0.0.0/8",),
    )
    house = build_house(settings, clock)
    await house.open()
    yield NotifyWorld(house, clock)
    await house.close()


async def test_who_reads_it_gets_a_mail_and_who_asked_for_it_a_signed_webhook(
    world: NotifyWorld, mail: MailServerProcess, receiver: Receiver
) -> None:
    house = world.house
    northwind, globex = await world.tenant("northwind", "Northwind Traders"), await world.tenant("globex")
    carla = await world.person(northwind.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)
    await world.person(northwind.id, "vera@northwind.example", Role.CUSTOMER_VIEWER)
    await world.person(globex.id, "gus@globex.example", Role.CUSTOMER_ADMIN)
    topics = frozenset({Topic.TRUST_REPORT_PUBLISHED, Topic.QBR_ISSUED})
    await house.endpoints.create(
        CreateEndpoint(northwind.id, "Trust desk", receiver.url(), topics), carla.as_actor()
    )
    with pytest.raises(Conflict):
        await house.trust_reports.publish(PublishTrustReport(northwind.id, Q2), CORA)
    await world.work(_TELLING)
    mail_before = len(mail.taken())
    assert receiver.received == [], "what is refused is told to nobody"

    report = await publish(house, northwind.id, actor=CORA)
    qbr = await issue(house, await prepare(house, northwind.id))
    assert qbr.issue is not None
    await world.work(_TELLING)
    told = mail.taken()[mail_before:]
    assert sorted((each["to"].split()[-1], each["subject"]) for each in told) == [
        ("<carla@northwind.example>", "Business review, Q2 2026"),
        ("<carla@northwind.example>", "Northwind Traders: Trust Report for Q2 2026"),
        ("<vera@northwind.example>", "Business review, Q2 2026"),
        ("<vera@northwind.example>", "Northwind Traders: Trust Report for Q2 2026"),
    ]
    pages = (f"/t/northwind/qbr/{qbr.id}", f"/t/northwind/trust/{report.id}")
    for each in told:
        words = each.get_body(("plain",)).get_content()
        (page,) = [page for page in pages if f"https://trust.example{page}" in words]
        assert ("Trust Report" in each["subject"]) == ("/trust/" in page)

    public = [Ed25519Public(house.keyring.webhooks.public_key)]
    bodies = {}
    for got in receiver.received:
        assert verify_webhook(got.headers, got.body, public, NOW) == got.headers["webhook-id"]
        body = json.loads(got.body)
        bodies[body["type"]] = body["data"]
    assert {kind: (data["tenant"]["key"], data["url"], data["facts"]) for kind, data in bodies.items()} == {
        "trust_report.published": (
            "northwind",
            f"https://trust.example/t/northwind/trust/{report.id}",
            {"report": str(report.id), "period": Q2, "revision": "1", "sha256": report.sha256},
        ),
        "qbr.issued": (
            "northwind",
            f"https://trust.example/t/northwind/qbr/{qbr.id}",
            {"period": Q2, "revision": "1", "sha256": qbr.issue.sha256},
        ),
    }
