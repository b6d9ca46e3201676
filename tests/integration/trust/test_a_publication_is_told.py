"""A Trust Report and a business review leave the house: mail to the customer's people, webhooks to its systems."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from qbr_desk import by_the_clock, issue, prepare
from report_desk import CORA, Q2, publish
from support.mail_server import MailServerProcess, mail_server
from support.notify_world import NOW, NotifyWorld, notify_settings
from support.webhook_receiver import Receiver, webhook_receiver

from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.documents import formats
from trust_portal.errors import Conflict
from trust_portal.house import build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.standard_webhooks import Ed25519Public, verify_webhook
from trust_portal.notify.topics import Topic
from trust_portal.storage.outbox import DEFAULT_QUEUE, DELIVERIES_QUEUE
from trust_portal.trust.accounts.model import SetAccount
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


async def test_a_draft_that_the_clock_prepared_is_told_to_its_csm_and_to_the_vendors_systems_and_to_no_customer(
    world: NotifyWorld, mail: MailServerProcess, receiver: Receiver
) -> None:
    house = world.house
    northwind = await world.tenant("northwind", "Northwind Traders")
    await world.person(northwind.id, "carla@northwind.example", Role.CUSTOMER_ADMIN)
    clara = await world.person(VENDOR_ID, "clara@vendor.example", Role.CSM)
    await world.person(VENDOR_ID, "colin@vendor.example", Role.CSM)
    await house.endpoints.create(
        CreateEndpoint(VENDOR_ID, "Success desk", receiver.url(), frozenset({Topic.QBR_DRAFT})),
        (await world.person(VENDOR_ID, "vic@vendor.example", Role.VENDOR_ADMIN)).as_actor(),
    )
    await world.work(_TELLING)
    mail_before = len(mail.taken())
    review_on = house.clock.now().date() + timedelta(days=7)
    await house.accounts.set(SetAccount(northwind.id, clara.id, review_on), CORA)
    assert await by_the_clock(house) == 1
    (draft,) = await house.qbr_reader.drafts(CORA, northwind.id)
    await world.work(_TELLING)
    (told,) = mail.taken()[mail_before:]
    assert told["to"].split()[-1] == "<clara@vendor.example>", "who looks after it, and no other"
    assert (
        f"Business review of Northwind Traders, {formats.period(draft.period)}: prepared" in told["subject"]
    )
    page = f"https://trust.example/t/northwind/qbr/drafts/{draft.period}"
    assert page in told.get_body(("plain",)).get_content()
    (got,) = receiver.received
    body = json.loads(got.body)
    assert (body["type"], body["data"]["url"], body["data"]["facts"]) == (
        "qbr.draft",
        page,
        {
            "period": draft.period,
            "state": "blocked",
            "blocking": str(draft.blocking),
            "review_on": review_on.isoformat(),
        },
    )
