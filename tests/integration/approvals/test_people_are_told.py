"""Who is told what about a request, when, and that it is told once."""

from __future__ import annotations

from datetime import timedelta

from dual_control import Desk, add_person
from sqlalchemy import select
from support.notify_world import NotifyWorld

from trust_portal.access.approvals.stages import Stage, due_at
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.tables import notification_deliveries, notifications
from trust_portal.storage.tenancy import TenantScope


async def told(desk: Desk, clock: ManualClock) -> list[tuple[str, str, list[str]]]:
    """Topic, title and first names of whom it reached, in the order of telling, of approvals; after all that is due."""
    await NotifyWorld(desk.house, clock).work()
    names = {person.id: name for name, person in desk.people.items()}
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            select(
                notifications.c.id,
                notifications.c.at,
                notifications.c.topic,
                notifications.c.title,
                notification_deliveries.c.recipient_id,
            )
            .join(
                notification_deliveries,
                (notification_deliveries.c.notification_id == notifications.c.id)
                & (notification_deliveries.c.tenant_id == notifications.c.tenant_id),
            )
            .where(notifications.c.tenant_id == VENDOR_ID)
        )
        found: dict[object, tuple[object, str, str, list[str]]] = {}
        for row in rows:
            entry = found.setdefault(row.id, (row.at, row.topic, row.title, []))
            entry[3].append(names.get(row.recipient_id, "somebody else"))
    return [
        (topic, title, sorted(people))
        for _, topic, title, people in sorted(found.values(), key=lambda e: e[0])
        if topic.startswith("approval.")
    ]


TITLE = "Keep exports for a shorter time"


async def test_whoever_could_fill_a_place_is_asked_and_the_requester_hears_the_end(
    desk: Desk, clock: ManualClock
) -> None:
    request = await desk.ask()
    clock.advance(timedelta(minutes=1))
    asked = ("approval.requested", f"To approve: {TITLE}", ["both", "fay", "sam", "sid"])
    assert await told(desk, clock) == [asked]
    await desk.approve(request, "sam")
    assert await told(desk, clock) == [asked], "one of two has approved; nobody needs to hear of that"
    clock.advance(timedelta(minutes=1))
    await desk.approve(request, "fay")
    assert await told(desk, clock) == [asked, ("approval.decided", f"Approved: {TITLE}", ["olive"])]


async def test_a_denial_is_told_to_the_requester_and_to_who_had_approved(
    desk: Desk, clock: ManualClock
) -> None:
    request = await desk.ask()
    await desk.approve(request, "sam")
    clock.advance(timedelta(minutes=1))
    await desk.deny(request, "fay")
    assert (await told(desk, clock))[1:] == [("approval.decided", f"Denied: {TITLE}", ["olive", "sam"])]


async def test_half_of_the_time_reminds_four_fifths_escalate_and_the_end_is_told(
    desk: Desk, clock: ManualClock
) -> None:
    await add_person(desk.house, "ada@vendor.example", Role.VENDOR_ADMIN)
    request = await desk.ask()
    whole = request.expires_at - request.requested_at
    assert due_at(request, Stage.REMINDER) == request.requested_at + whole / 2
    assert due_at(request, Stage.ESCALATION) == request.requested_at + whole * 4 / 5
    await desk.approve(request, "sam")

    clock.advance(whole / 2 - timedelta(seconds=1))
    assert len(await told(desk, clock)) == 1, "not before half of it is over"
    clock.advance(timedelta(seconds=1))
    reminded = ("approval.reminder", f"Still to approve: {TITLE}", ["both", "fay"])
    assert (await told(desk, clock))[1:] == [reminded]
    await desk.house.approval_reminders.remind(desk.tenant.id, request.id, Stage.REMINDER)
    assert (await told(desk, clock))[1:] == [reminded], "told once, whatever is repeated"

    clock.advance(whole * 3 / 10)
    late = ("approval.escalated", f"About to expire: {TITLE}", ["both", "fay", "sam", "sid", "somebody else"])
    assert (await told(desk, clock))[2:] == [late]
    clock.advance(whole / 5 + timedelta(seconds=2))
    assert (await told(desk, clock))[3:] == [("approval.expired", f"Expired: {TITLE}", ["olive", "sam"])]
    clock.advance(timedelta(days=30))
    assert len(await told(desk, clock)) == 4


async def test_after_a_long_stop_what_is_over_is_told_and_no_reminder_of_it(
    desk: Desk, clock: ManualClock
) -> None:
    request = await desk.ask()
    clock.advance(request.expires_at - request.requested_at + timedelta(days=2))
    assert [topic for topic, *_ in await told(desk, clock)] == ["approval.requested", "approval.expired"]


async def test_what_is_decided_is_not_reminded_of(desk: Desk, clock: ManualClock) -> None:
    request = await desk.ask()
    await desk.withdraw(request)
    clock.advance(timedelta(days=30))
    assert [topic for topic, *_ in await told(desk, clock)] == ["approval.requested"]


async def test_the_deciders_words_cannot_break_the_telling(desk: Desk, clock: ManualClock) -> None:
    request = await desk.ask()
    clock.advance(timedelta(minutes=1))
    await desk.deny(request, "fay", reason="no:\n" + "x" * 1990)
    (_, denied) = await told(desk, clock)
    assert denied == ("approval.decided", f"Denied: {TITLE}", ["olive"])
