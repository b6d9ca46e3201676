"""A prevention action's reminders and escalations: in mailboxes, and at the vendor's own endpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from support.actions_world import SIGNED, promises
from support.learning_world import Vendor
from support.mail_server import MailServerProcess
from support.notify_world import NotifyWorld
from support.webhook_receiver import Receiver

from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.topics import Topic

pytestmark = pytest.mark.takes(seconds=6)


async def test_each_rung_is_one_mail_to_whom_it_is_for_and_one_call_of_the_endpoint(
    world: NotifyWorld, mail: MailServerProcess, receiver: Receiver
) -> None:
    house, clock = world.house, world.clock
    clock.advance(SIGNED - clock.now())
    action = await (promised := await promises(Vendor(house, clock))).begun()  # due on Tuesday 9 June
    ada = await world.staff("ada@vendor.example", Role.VENDOR_ADMIN)
    topics = frozenset({Topic.ACTION_REMINDER, Topic.ACTION_ESCALATED})
    await house.endpoints.create(
        CreateEndpoint(VENDOR_ID, "Ops room", receiver.url(), topics), ada.as_actor()
    )
    await world.work()

    def mails() -> list[tuple[str, str]]:
        return [
            (str(each["to"]).rpartition("<")[2].rstrip(">"), str(each["subject"]))
            for each in mail.taken()
            if action.title in str(each["subject"])
        ]

    expected = []
    for when, to, topic, title in (
        ((2026, 6, 3, 7), promised.olga, "action.reminder", "Due on 9 June 2026"),
        ((2026, 6, 9, 7), promised.olga, "action.reminder", "Due today"),
        ((2026, 6, 10, 7), promised.olga, "action.reminder", "Overdue by 1 day"),
        ((2026, 6, 12, 7), promised.max, "action.escalated", "Escalated, overdue by 3 days"),
        ((2026, 6, 18, 7), promised.petra, "action.escalated", "Escalated, overdue by 9 days"),
    ):
        clock.advance(datetime(*when, tzinfo=UTC) - clock.now())
        expected.append((to.email, topic, f"{title}: {action.title}"))
        for _ in range(2):
            await house.action_reminders.round()
            await world.work()
        assert sorted(mails()) == sorted((email, subject) for email, _, subject in expected)
        calls = [json.loads(each.body) for each in receiver.received]
        assert [(each["type"], each["data"]["title"]) for each in calls] == [
            (topic, subject) for _, topic, subject in expected
        ]
    address = f"https://trust.example/actions/{action.id}"
    assert {each["data"]["url"] for each in calls} == {address}
    assert len({each.headers["webhook-id"] for each in receiver.received}) == len(expected)
    (last,) = [each for each in mail.taken() if "overdue by 9 days" in str(each["subject"])]
    assert address in last.get_body(("plain",)).get_content()
