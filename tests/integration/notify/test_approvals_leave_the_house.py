"""What happens to a request for approval: in the mailboxes of those it concerns, at the vendor's endpoint, in the log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from support.approvals_world import ask, retention_intent
from support.mail_server import MailServerProcess
from support.notify_world import NotifyWorld
from support.passkeys import Devices
from support.webhook_receiver import Received, Receiver

from trust_portal.access.approvals.model import ApprovalRequest, Approve, Deny
from trust_portal.access.notifications.model import CreateEndpoint
from trust_portal.access.people.model import Person
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.log import DeliveryFilter
from trust_portal.notify.model import DeliveryState
from trust_portal.notify.topics import Topic

pytestmark = pytest.mark.takes(seconds=8)
TOPICS = frozenset(each for each in Topic if each.value.startswith("approval."))
TITLE = retention_intent("northwind").title
REASON = "looked at it"


@dataclass
class Office:
    """Olive asks; Sam and Fay are who may approve; Ada runs the portal and owns the endpoint."""

    world: NotifyWorld
    tenant: Tenant
    people: dict[str, Person]
    mail: MailServerProcess
    receiver: Receiver
    secret: str

    async def ask(self, days: str = "30") -> ApprovalRequest:
        intent = retention_intent("northwind", days)
        return await ask(self.world.house, self.tenant.id, self.people["olive"].as_actor(), intent)

    async def told(self) -> tuple[Counter[tuple[str, str]], list[tuple[str, str]]]:
        """After all that is due: whom mails told what, and what the endpoint was told, in order."""
        await self.world.work()
        mails = [(str(each["to"]), str(each["subject"])) for each in self.mail.taken()]
        short = Counter((to.partition("@")[0].rpartition("<")[2], subject) for to, subject in mails)
        calls = [self.checked(each) for each in self.receiver.received]
        return short, [(each["type"], each["data"]["title"]) for each in calls]

    def checked(self, got: Received, secret: str | None = None) -> dict:
        """What the public library of Standard Webhooks makes of it; it looks at the wall clock, which is not ours."""
        library = Webhook(secret or self.secret)
        library._Webhook__verify_timestamp = lambda header: datetime.fromtimestamp(int(header), UTC)
        return library.verify(got.body, got.headers)

    async def delivered(self) -> Counter[tuple[str, str, str]]:
        """Lines of the delivery log of the vendor: way, topic, and what became of each at the first attempt."""
        page = await self.world.house.delivery_log.page(
            self.people["ada"].as_actor(), DeliveryFilter(VENDOR_ID), PageRequest(100)
        )
        found: Counter[tuple[str, str, str]] = Counter()
        for each in page.items:
            if each.notification.topic in TOPICS:
                assert (each.state, [one.ordinal for one in each.attempts]) == (DeliveryState.DELIVERED, [1])
                channel = each.delivery.channel.value
                found[channel, each.notification.topic.value, str(each.attempts[0].status)] += 1
        return found


@pytest.fixture
async def office(world: NotifyWorld, mail: MailServerProcess, receiver: Receiver) -> Office:
    tenant = await world.tenant("northwind")
    roles = {
        "olive": Role.SRE_OPERATOR,
        "sam": Role.APPROVER_SECURITY,
        "fay": Role.APPROVER_FINANCE,
        "ada": Role.VENDOR_ADMIN,
    }
    people = {name: await world.staff(f"{name}@aurora.example", role) for name, role in roles.items()}
    command = CreateEndpoint(VENDOR_ID, "Ops room", receiver.url(), TOPICS)
    made = await world.house.endpoints.create(command, people["ada"].as_actor())
    return Office(world, tenant, people, mail, receiver, made.secret)


async def test_a_request_its_reminder_its_escalation_and_its_end_are_mailed_posted_and_logged(
    office: Office,
) -> None:
    request = await office.ask()
    assert await office.told() == (
        {("sam", f"To approve: {TITLE}"): 1, ("fay", f"To approve: {TITLE}"): 1},
        [("approval.requested", f"To approve: {TITLE}")],
    )
    whole = request.expires_at - request.requested_at
    mails: Counter[tuple[str, str]] = Counter()
    calls = [("approval.requested", f"To approve: {TITLE}")]
    mails.update({("sam", calls[0][1]): 1, ("fay", calls[0][1]): 1})
    for later, topic, words, people in (
        (whole / 2, "approval.reminder", "Still to approve", ("sam", "fay")),
        (whole * 3 / 10, "approval.escalated", "About to expire", ("sam", "fay", "ada")),
        (whole / 5 + timedelta(seconds=2), "approval.expired", "Expired", ("olive",)),
    ):
        office.world.clock.advance(later)
        mails.update((name, f"{words}: {TITLE}") for name in people)
        calls.append((topic, f"{words}: {TITLE}"))
        for _ in range(2):
            assert await office.told() == (mails, calls), "once, however often work is looked for"

    address = f"https://trust.example/t/northwind/approvals/{request.id}"
    bodies = [office.checked(each) for each in office.receiver.received]
    assert {each["data"]["url"] for each in bodies} == {address}
    assert {each["data"]["facts"]["approval"] for each in bodies} == {str(request.id)}
    assert len({each.headers["webhook-id"] for each in office.receiver.received}) == 4
    for each in office.mail.taken():
        assert address in each.get_body(("plain",)).get_content()
    assert await office.delivered() == {
        ("mail", "approval.requested", "250"): 2,
        ("mail", "approval.reminder", "250"): 2,
        ("mail", "approval.escalated", "250"): 3,
        ("mail", "approval.expired", "250"): 1,
        ("webhook", "approval.requested", "200"): 1,
        ("webhook", "approval.reminder", "200"): 1,
        ("webhook", "approval.escalated", "200"): 1,
        ("webhook", "approval.expired", "200"): 1,
    }
    with pytest.raises(WebhookVerificationError):
        office.checked(replace(office.receiver.received[0], body=office.receiver.received[1].body))


async def test_both_ends_of_a_decision_are_mailed_posted_and_logged(office: Office) -> None:
    house, devices = office.world.house, Devices(office.world.house)
    approved, denied = await office.ask(), await office.ask("60")
    await office.told()
    for slot, name in ((1, "sam"), (2, "fay")):
        actor = office.people[name].as_actor()
        signature = await devices.sign(approved, actor, REASON, slot=slot)
        command = Approve(office.tenant.id, approved.id, approved.digest, REASON, slot, signature)
        await house.decisions.approve(command, actor)
    _, calls = await office.told()
    assert calls[2:] == [("approval.decided", f"Approved: {TITLE}")]
    command = Deny(office.tenant.id, denied.id, denied.digest, "not this month")
    await house.decisions.deny(command, office.people["sam"].as_actor())

    mails, calls = await office.told()

    assert calls[3:] == [("approval.decided", f"Denied: {TITLE}")]
    assert {key: count for key, count in mails.items() if key[0] == "olive"} == {
        ("olive", f"Approved: {TITLE}"): 1,
        ("olive", f"Denied: {TITLE}"): 1,
    }
    last = json.loads(office.receiver.received[-1].body)
    assert last["data"]["text"].startswith("Sam denied it: not this month")
    (paper,) = [each for each in office.mail.taken() if str(each["subject"]).startswith("Denied")]
    assert "Sam denied it: not this month" in paper.get_body(("plain",)).get_content()
    logged = await office.delivered()
    assert logged["mail", "approval.decided", "250"] == 2
    assert logged["webhook", "approval.decided", "200"] == 2
