"""A prevention action's reminders and escalations: in mailboxes, and at the vendor's own endpoint."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import httpx
import pytest
from support.actions_world import SIGNED, promises
from support.learning_world import Vendor
from support.mail_server import MailServerProcess
from support.notify_world import NotifyWorld
from support.webhook_receiver import Receiver

from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.access.sessions.model import Client, Method
from trust_portal.app import create_app
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import MoveDueDate
from trust_portal.learning.actions.reminders import Rung, Skip
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace
from trust_portal.notify.model import Channel, DeliveryState, Way
from trust_portal.notify.topics import Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.web.authentication import cookie_name

pytestmark = pytest.mark.takes(seconds=10)
#: One person has it in the inbox and by mail, one endpoint was called.
EVERY_WAY = tuple(
    Way(channel, DeliveryState.DELIVERED, 1) for channel in (Channel.MAIL, Channel.PORTAL, Channel.WEBHOOK)
)


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

    for person, titles in (
        (promised.olga, [title for email, _, title in reversed(expected) if email == promised.olga.email]),
        (promised.max, [expected[3][2]]),
        (promised.petra, [expected[4][2]]),
    ):
        inbox = await house.inbox.page(person.as_actor(), PageRequest())
        told = [each.notification for each in inbox.items if each.notification.topic in topics]
        assert [each.title for each in told] == titles

    register, petra = house.prevention_reader.reminders_page, promised.petra.as_actor()
    everything = (await register(petra, ReminderFilter(), PageRequest())).items
    assert [(each.reminder.rung.value, each.reminder.told, each.ways) for each in everything] == [
        ("T+7", ("PMO",), EVERY_WAY),
        ("T+3", (promised.max.name,), EVERY_WAY),
        ("T+1", (promised.olga.name,), EVERY_WAY),
        ("T", (promised.olga.name,), EVERY_WAY),
        ("T-3", (promised.olga.name,), EVERY_WAY),
    ]
    assert {(each.action_id, each.title, each.owner) for each in everything} == {
        (action.id, action.title, promised.olga.name)
    }
    first = await register(petra, ReminderFilter(), PageRequest(size=3))
    rest = await register(petra, ReminderFilter(), PageRequest(size=3, after=first.cursors[-1]))
    assert (*first.items, *rest.items) == everything
    escalated = await register(petra, ReminderFilter(ReminderKind.ESCALATED, promised.olga.id), PageRequest())
    assert escalated.items == everything[:2]
    for nothing in (ReminderFilter(ReminderKind.SKIPPED), ReminderFilter(owner_id=promised.max.id)):
        assert (await register(petra, nothing, PageRequest())).items == ()


async def test_what_was_not_handed_on_or_not_taken_is_said_of_the_reminder_and_on_its_pages(
    world: NotifyWorld, receiver: Receiver
) -> None:
    house, clock = world.house, world.clock
    clock.advance(SIGNED - clock.now())
    action = await (promised := await promises(Vendor(house, clock))).begun()
    ada = await world.staff("ada@vendor.example", Role.VENDOR_ADMIN)
    topics = frozenset({Topic.ACTION_REMINDER})
    await house.endpoints.create(
        CreateEndpoint(VENDOR_ID, "Ops room", receiver.url("/gone"), topics), ada.as_actor()
    )
    await world.work()
    app = create_app(house.settings)
    app.state.house = house

    async def pages() -> list[str]:
        """What the row of the reminder says under How: on the action's page, and on that of all reminders."""
        async with house.storage.write(TenantScope(VENDOR_ID)) as session:
            signed_in = await house.sessions.open(session, promised.olga, Method.LINK, Client("test"))
        cookies = {cookie_name(secure=True): signed_in.cookie or ""}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=house.settings.base_url, cookies=cookies
        ) as browser:
            found = [
                await browser.get(path) for path in (f"/actions/{action.id}", "/actions/reminders?owner=me")
            ]
        assert [each.status_code for each in found] == [200, 200]
        rows = [re.findall(r"<tr>.*?T−3.*?</tr>", each.text, re.DOTALL) for each in found]
        return [
            re.findall(r"<td(?: data-label=\"[^\"]*\")?>(.*?)</td>", row[0].rpartition("T−3")[2], re.DOTALL)[
                1
            ]
            for row in rows
        ]

    clock.advance(datetime(2026, 6, 3, 7, tzinfo=UTC) - clock.now())
    await house.action_reminders.round()
    assert await pages() == ["not handed on yet"] * 2
    await world.work()
    assert await pages() == ["mail delivered, inbox, webhook given up"] * 2

    await house.prevention_actions.move(
        MoveDueDate(action.id, date(2026, 6, 5), "Sooner"), promised.olga.as_actor()
    )
    (skipped,) = (
        await house.prevention_reader.reminders_page(
            promised.petra.as_actor(), ReminderFilter(ReminderKind.SKIPPED), PageRequest()
        )
    ).items
    assert (skipped.reminder.due, skipped.reminder.rung.value, skipped.reminder.skipped, skipped.ways) == (
        date(2026, 6, 5), "T-3", Skip.PAST, (),
    )  # fmt: skip
    coming = await house.prevention_reader.next_reminder(
        promised.petra.as_actor(), await promised.look(action.id)
    )
    assert coming == (Rung.DUE, datetime(2026, 6, 5, 7, tzinfo=UTC))
    await house.workplaces.set(
        SetWorkplace(promised.olga.id, WorkCalendar(time_zone="America/New_York"), promised.max.id),
        promised.olga.as_actor(),
    )
    moved = await house.prevention_reader.next_reminder(
        promised.petra.as_actor(), await promised.look(action.id)
    )
    assert moved == (Rung.DUE, datetime(2026, 6, 5, 13, tzinfo=UTC)), "by the clock of where she works now"
