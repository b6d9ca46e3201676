"""Reminders of due dates: over real storage, across restarts, side by side, and when dates or people move."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from support.actions_world import BERLIN, SIGNED, Promises, promises
from support.learning_world import Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import GrantRole
from trust_portal.errors import Conflict, Denied
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import FinishAction, MoveDueDate
from trust_portal.learning.actions.reminders import Rung, Skip, rung_times
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.switchboard.service import AcknowledgeEscalation
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement
from trust_portal.notify.tables import notifications
from trust_portal.notify.topics import Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import WriteSession

pytestmark = pytest.mark.takes(seconds=20)


@pytest.fixture
async def world(vendor: Vendor) -> Promises:
    return await promises(vendor)


def at(clock: ManualClock, *when: int) -> None:
    clock.advance(datetime(*when, tzinfo=UTC) - clock.now())


async def told(house: House) -> list[tuple[str, str, set[str]]]:
    """Topic, title, and who, of every reminder that was announced, in their order."""
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            select(notifications).where(notifications.c.tenant_id == VENDOR_ID).order_by(notifications.c.at)
        )
        return [
            (row.topic, row.title, {*row.audience.get("people", ()), *row.audience.get("roles", ())})
            for row in rows
            if row.topic in {Topic.ACTION_REMINDER, Topic.ACTION_ESCALATED}
        ]


async def rungs(world: Promises, action_id) -> list[tuple[str, Skip | None, tuple[str, ...]]]:
    found = await world.vendor.house.prevention_reader.reminders(world.ivo.as_actor(), action_id)
    return [(each.rung.value, each.skipped, each.told) for each in found]


async def test_each_rung_reaches_whom_it_is_for_once_in_its_morning(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()  # due on Tuesday 9 June
    remind = world.vendor.house.action_reminders.round

    moments = [
        ((2026, 6, 3, 6, 59), 0),  # Wednesday, before nine in Berlin; Thursday is a holiday
        ((2026, 6, 3, 7, 0), 1),
        ((2026, 6, 8, 23, 0), 0),
        ((2026, 6, 9, 7, 0), 1),
        ((2026, 6, 10, 7, 0), 1),
        ((2026, 6, 12, 7, 0), 1),
        ((2026, 6, 18, 6, 59), 0),
        ((2026, 6, 18, 7, 0), 1),
        ((2026, 12, 1, 0, 0), 0),
    ]
    for when, expected in moments:
        at(clock, *when)
        assert await remind() == expected, when
        assert await remind() == 0

    assert await rungs(world, action.id) == [
        ("T-3", None, (world.olga.name,)),
        ("T", None, (world.olga.name,)),
        ("T+1", None, (world.olga.name,)),
        ("T+3", None, (world.max.name,)),
        ("T+7", None, ("PMO",)),
    ]
    title = "Limit the pool"
    olga, max_ = str(world.olga.id), str(world.max.id)
    assert await told(world.vendor.house) == [
        ("action.reminder", f"Due on 9 June 2026: {title}", {olga}),
        ("action.reminder", f"Due today: {title}", {olga}),
        ("action.reminder", f"Overdue by 1 day: {title}", {olga}),
        ("action.escalated", f"Escalated, overdue by 3 days: {title}", {max_}),
        ("action.escalated", f"Escalated, overdue by 9 days: {title}", {"pmo"}),
    ]


async def test_after_an_outage_everything_that_came_meanwhile_is_sent_once_by_however_many_workers(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    at(clock, 2026, 6, 12, 8, 0)

    first = world.vendor.house
    second = build_house(first.settings, clock)
    try:
        sent = await asyncio.gather(*(house.action_reminders.round() for house in (first, second) * 3))
    finally:
        await second.close()

    assert sum(sent) == 4
    assert [rung for rung, skipped, _ in await rungs(world, action.id) if skipped is None] == [
        "T-3", "T", "T+1", "T+3",
    ]  # fmt: skip
    assert len(await told(first)) == 4


async def test_a_clock_that_begins_late_skips_what_lay_before_its_beginning_and_sends_what_came_since(
    world: Promises, clock: ManualClock
) -> None:
    planned = await world.plan(term=1)  # due on Tuesday 2 June
    at(clock, 2026, 6, 19, 8, 0)
    await world.begin()
    assert (await world.look(planned.id)).due == date(2026, 6, 2)
    assert await rungs(world, planned.id) == [("T-3", Skip.PAST, ())]

    remind = world.vendor.house.action_reminders.round
    assert [await remind(), await remind()] == [4, 0]

    assert await rungs(world, planned.id) == [
        ("T-3", Skip.PAST, ()),
        ("T", None, (world.olga.name,)),
        ("T+1", None, (world.olga.name,)),
        ("T+3", None, (world.max.name,)),
        ("T+7", None, ("PMO",)),
    ]
    assert await world.vendor.house.switchboard.count_escalations(world.petra.as_actor()) == 1


async def test_a_worker_that_dies_before_its_commit_has_told_nobody_and_the_next_one_does(
    world: Promises, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = await world.begun()
    at(clock, 2026, 6, 3, 8, 0)

    class Killed(BaseException):
        pass

    async def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("trust_portal.learning.actions.reminding.announce", die)
        with pytest.raises(Killed):
            await world.vendor.house.action_reminders.round()
    assert await rungs(world, action.id) == []
    assert await told(world.vendor.house) == []

    restarted = build_house(world.vendor.house.settings, clock)
    try:
        assert await restarted.action_reminders.round() == 1
        assert await restarted.action_reminders.round() == 0
    finally:
        await restarted.close()
    assert len(await told(world.vendor.house)) == 1


async def test_an_action_of_which_nobody_can_be_reminded_keeps_none_of_the_others_waiting(
    world: Promises,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    planned = [await world.plan(title) for title in ("One", "Two", "Three")]
    await world.begin()
    broken = min(planned, key=lambda each: each.id)  # the first in a round
    at(clock, 2026, 6, 3, 8, 0)
    reminders = world.vendor.house.action_reminders

    async def fail(session: WriteSession, announcement: Announcement) -> None:
        if announcement.facts["action"] == str(broken.id):
            raise RuntimeError("no way to tell")
        await announce(session, announcement)

    with monkeypatch.context() as failing:
        failing.setattr("trust_portal.learning.actions.reminding.announce", fail)
        assert await reminders.round() == 2
    assert await rungs(world, broken.id) == []
    assert [record.getMessage() for record in caplog.records if record.exc_info] == [
        f"nobody could be reminded of action {broken.id}"
    ]

    assert await reminders.round() == 1
    assert await reminders.round() == 0
    assert await rungs(world, broken.id) == [("T-3", None, (world.olga.name,))]


async def test_a_moved_date_has_rungs_of_its_own_and_those_of_the_old_one_end_on_record(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    actions, olga = world.vendor.house.prevention_actions, world.olga.as_actor()
    at(clock, 2026, 6, 9, 6, 30)
    assert await world.vendor.house.action_reminders.round() == 1  # T-3
    at(clock, 2026, 6, 9, 7, 5)

    await actions.move(MoveDueDate(action.id, date(2026, 6, 11), "Waiting for a part"), olga)
    at(clock, 2026, 6, 11, 7, 0)
    assert await world.vendor.house.action_reminders.round() == 1
    await actions.finish(FinishAction(action.id, "https://git.example/17", "Done"), olga)
    at(clock, 2026, 8, 1, 0, 0)
    assert await world.vendor.house.action_reminders.round() == 0

    assert await rungs(world, action.id) == [
        ("T-3", None, (world.olga.name,)),
        ("T", Skip.MOVED, ()),
        ("T-3", Skip.PAST, ()),
        ("T", None, (world.olga.name,)),
    ]


async def test_whoever_moves_east_or_west_is_reminded_neither_twice_nor_never(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    workplaces, remind = world.vendor.house.workplaces, world.vendor.house.action_reminders.round

    async def move_to(zone: str) -> None:
        await workplaces.set(
            SetWorkplace(world.olga.id, WorkCalendar("DE", "BY", zone), world.max.id), world.olga.as_actor()
        )

    sent = 0
    for when, zone in (
        ((2026, 6, 3, 7, 30), "America/Los_Angeles"),
        ((2026, 6, 3, 12, 0), "Pacific/Auckland"),
        ((2026, 6, 8, 22, 0), "America/Los_Angeles"),
        ((2026, 6, 9, 10, 0), "Europe/Berlin"),
        ((2026, 6, 30, 0, 0), "Asia/Kolkata"),
    ):
        at(clock, *when)
        sent += await remind()
        await move_to(zone)
        sent += await remind()

    assert sent == len(Rung)
    assert [rung for rung, _, _ in await rungs(world, action.id)] == [rung.value for rung in Rung]
    assert (await world.look(action.id)).due == date(2026, 6, 9)
    # Each in words that are true by the clock that it came by; three of them in the last round.
    assert sorted(title.partition(":")[0] for _, title, _ in await told(world.vendor.house)) == [
        "Due on 9 June 2026",
        "Due today",
        "Escalated, overdue by 21 days",
        "Escalated, overdue by 21 days",
        "Overdue by 21 days",
    ]


async def test_a_reminder_of_the_due_day_says_so_where_the_owner_works_though_it_is_over_where_it_was_planned(
    world: Promises, clock: ManualClock
) -> None:
    workplaces, olga = world.vendor.house.workplaces, world.olga.as_actor()
    await workplaces.set(
        SetWorkplace(world.olga.id, WorkCalendar("DE", "BY", "Pacific/Auckland"), world.max.id), olga
    )
    action = await world.begun()
    assert action.due == date(2026, 6, 10)  # in Auckland it is the 2nd already as the term begins to count
    await workplaces.set(
        SetWorkplace(world.olga.id, WorkCalendar("DE", "BY", "America/Los_Angeles"), world.max.id), olga
    )
    at(clock, 2026, 6, 9, 16, 0)
    assert await world.vendor.house.action_reminders.round() == 1  # T-3
    at(clock, 2026, 6, 10, 16, 0)  # nine in Los Angeles, and the 11th in Auckland
    assert action.days_overdue(clock.now()) == 1
    assert await world.vendor.house.action_reminders.round() == 1

    assert (await told(world.vendor.house))[-1][:2] == ("action.reminder", "Due today: Limit the pool")
    async with world.vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            select(notifications.c.facts)
            .where(notifications.c.tenant_id == VENDOR_ID, notifications.c.topic == Topic.ACTION_REMINDER)
            .order_by(notifications.c.at)
        )
        facts = [row.facts for row in rows][-1]
    assert (facts["rung"], facts["days_overdue"]) == ("T", "0")


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_moved_and_ended_every_rung_of_every_date_is_on_record_once_and_was_sent_if_it_could_be(
    world: Promises, clock: ManualClock, seed: int
) -> None:
    """Three actions and two workers, of whom one is started anew before each round, in no foreseeable order."""
    drawn, house, actions = random.Random(seed), world.vendor.house, world.vendor.house.prevention_actions
    for number in range(3):
        await world.plan(f"Action {number}", term=drawn.randint(1, 8))
    stood = {each.id: [(SIGNED, each.due)] for each in await world.begin()}
    ended: dict[UUID, datetime] = {}
    rounds: list[datetime] = []
    for _ in range(40):
        clock.advance(timedelta(minutes=drawn.randint(1, 3 * 24 * 60)))
        now, id_ = clock.now(), drawn.choice(list(stood))
        what = "round" if id_ in ended else drawn.choice(("round", "round", "round", "move", "move", "end"))
        if what == "move":
            due = BERLIN.shift(BERLIN.day_of(now), drawn.randint(1, 25))
            if due != stood[id_][-1][1]:
                await actions.move(MoveDueDate(id_, due, "It takes longer"), world.ivo.as_actor())
                stood[id_].append((now, due))
        elif what == "end" and len(rounds) > 8:
            await actions.finish(FinishAction(id_, "https://git.example/17", "Done"), world.olga.as_actor())
            ended[id_] = now
        else:
            second = build_house(house.settings, clock)
            try:
                await asyncio.gather(*(each.action_reminders.round() for each in (house, second)))
            finally:
                await second.close()
            rounds.append(now)
    sent = 0
    for id_, dates in stood.items():
        expected: dict[tuple[int, Rung], Skip | None] = {}
        for ordinal, (set_at, due) in enumerate(dates, start=1):
            last = ordinal == len(dates)
            until = ended.get(id_) if last else dates[ordinal][0]
            for rung, comes in rung_times(due, BERLIN).items():
                if comes <= set_at:
                    expected[ordinal, rung] = Skip.PAST
                elif any(comes <= each and (until is None or each < until) for each in rounds):
                    expected[ordinal, rung] = None
                elif until is not None and comes <= until:
                    expected[ordinal, rung] = Skip.ENDED if last else Skip.MOVED
        found = await house.prevention_reader.reminders(world.ivo.as_actor(), id_)
        rows = [(each.ordinal, each.rung) for each in found]
        assert len(rows) == len(set(rows))
        assert {(each.ordinal, each.rung): each.skipped for each in found} == expected
        sent += sum(1 for each in found if each.skipped is None)
    assert len(await told(house)) == sent > 5


async def test_the_pmo_takes_note_of_an_escalation_once_and_nobody_else_does(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    at(clock, 2026, 6, 18, 8, 0)
    await world.vendor.house.action_reminders.round()
    switchboard = world.vendor.house.switchboard
    (waiting,) = (await switchboard.escalations(world.petra.as_actor(), PageRequest())).items
    command = AcknowledgeEscalation(action.id, waiting.reminder.ordinal, "Olga gets two days for it")

    with pytest.raises(Denied):
        await switchboard.acknowledge(command, world.ivo.as_actor())
    await switchboard.acknowledge(command, world.petra.as_actor())
    with pytest.raises(Conflict) as twice:
        await switchboard.acknowledge(command, world.petra.as_actor())

    assert waiting.action.id == action.id
    assert twice.value.code == "ALREADY_ACKNOWLEDGED"
    assert (await switchboard.escalations(world.petra.as_actor(), PageRequest())).items == ()
    last = (await world.vendor.house.prevention_reader.reminders(world.ivo.as_actor(), action.id))[-1]
    assert (last.acknowledged_by, last.acknowledgement) == (world.petra.name, "Olga gets two days for it")
    assert clock.now() - timedelta(hours=1) < datetime(2026, 6, 18, 8, tzinfo=UTC)


async def test_nobody_of_the_pmo_takes_note_of_what_they_owe_themselves_while_somebody_else_could(
    world: Promises, clock: ManualClock
) -> None:
    house = world.vendor.house
    await house.people.grant(GrantRole(VENDOR_ID, world.olga.id, Role.PMO), CONSOLE)
    olga = (await house.people.get(CONSOLE, VENDOR_ID, world.olga.id)).as_actor()
    action = await world.begun()
    at(clock, 2026, 6, 18, 8, 0)
    await house.action_reminders.round()
    before = await house.prevention_reader.reminders(olga, action.id)
    command = AcknowledgeEscalation(action.id, before[-1].ordinal, "I know")

    with pytest.raises(Conflict) as refused:
        await house.switchboard.acknowledge(command, olga)

    assert refused.value.code == "OWN_ACTION"
    assert await house.prevention_reader.reminders(olga, action.id) == before
    assert await house.switchboard.count_escalations(olga) == 1
    await house.people.revoke(CONSOLE, VENDOR_ID, world.petra.id, Role.PMO)
    await house.switchboard.acknowledge(command, olga)  # nobody else is left who could
    assert await house.switchboard.count_escalations(olga) == 0
    assert (await house.prevention_reader.reminders(olga, action.id))[-1].acknowledged_by == olga.name


async def test_without_a_manager_or_an_owner_who_is_here_those_who_follow_actions_are_told(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun(owner_id=world.max.id)  # nobody said whom Max reports to
    at(clock, 2026, 6, 1, 15, 0)
    due = action.due
    assert due is not None
    at(clock, 2026, 6, 30, 0, 0)
    await world.vendor.house.action_reminders.round()

    assert [who for _, _, who in await rungs(world, action.id)][-2:] == [("PMO",), ("PMO",)]


async def test_what_fell_to_the_pmo_for_want_of_a_manager_is_an_escalation_of_theirs(
    world: Promises, clock: ManualClock
) -> None:
    """One note takes note of all that waits of a due date, each with its receipt; the next one waits again."""
    house, petra = world.vendor.house, world.petra.as_actor()
    early = await world.begun(owner_id=world.max.id)
    at(clock, 2026, 6, 12, 10, 0)
    await house.action_reminders.round()
    late = await world.plan("Late", owner_id=world.max.id, term=1)
    await world.begin()

    async def waiting() -> list[tuple[UUID, str]]:
        found = (await house.switchboard.escalations(petra, PageRequest())).items
        assert len(found) == await house.switchboard.count_escalations(petra)
        return [(each.action.id, each.reminder.rung.value) for each in found]

    # Due on Monday 8 June by the calendar of nowhere in particular.
    assert await waiting() == [(early.id, "T+3")]
    await house.switchboard.acknowledge(AcknowledgeEscalation(early.id, 1, "Max is asked"), petra)
    assert await waiting() == []
    at(clock, 2026, 7, 1, 10, 0)
    await house.action_reminders.round()
    assert sorted(await waiting()) == sorted([(early.id, "T+7"), (late.id, "T+3"), (late.id, "T+7")])

    await house.switchboard.acknowledge(AcknowledgeEscalation(late.id, 1, "Max is asked again"), petra)

    assert await waiting() == [(early.id, "T+7")]
    taken = [each for each in await house.prevention_reader.reminders(petra, late.id) if each.is_escalation]
    assert [each.acknowledgement for each in taken] == ["Max is asked again"] * 2
    # Olga has a manager: what that one is told is none of the PMO's.
    olgas = await world.begun(title="Olga's")
    at(clock, 2026, 7, 20, 10, 0)
    await house.action_reminders.round()
    assert [each for each in await waiting() if each[0] == olgas.id] == [(olgas.id, "T+7")]


async def test_where_nobody_holds_the_role_it_says_that_nobody_was_told_and_waits_for_who_will(
    world: Promises, clock: ManualClock
) -> None:
    house, petra = world.vendor.house, world.petra
    action = await world.begun()
    await house.people.revoke(CONSOLE, VENDOR_ID, petra.id, Role.PMO)
    at(clock, 2026, 6, 30, 0, 0)
    await house.action_reminders.round()

    (last,) = [
        each
        for each in await house.prevention_reader.reminders(world.ivo.as_actor(), action.id)
        if each.unheard
    ]

    assert (last.rung, last.skipped, last.told, last.to_pmo) == (Rung.PMO, None, (), True)

    async def listed(kind: ReminderKind) -> list[str]:
        wanted = ReminderFilter(kind)
        page = await house.prevention_reader.reminders_page(world.ivo.as_actor(), wanted, PageRequest())
        return [each.reminder.rung.value for each in page.items]

    assert await listed(ReminderKind.SENT) == ["T+3", "T+1", "T", "T-3"]
    assert await listed(ReminderKind.SKIPPED) == await listed(ReminderKind.WAITING) == ["T+7"]
    assert await listed(ReminderKind.ESCALATED) == ["T+7", "T+3"]
    await house.people.grant(GrantRole(VENDOR_ID, petra.id, Role.PMO), CONSOLE)
    holder = (await house.people.get(CONSOLE, VENDOR_ID, petra.id)).as_actor()
    await house.switchboard.acknowledge(
        AcknowledgeEscalation(action.id, last.ordinal, "Seen at last"), holder
    )
    assert await listed(ReminderKind.WAITING) == []


async def test_of_whoever_has_left_the_pmo_reads_who_owned_it_and_is_not_told_that_they_do(
    world: Promises, clock: ManualClock
) -> None:
    house = world.vendor.house
    await world.begun()
    await house.people.suspend(CONSOLE, VENDOR_ID, world.olga.id)
    at(clock, 2026, 6, 3, 7, 0)
    assert await house.action_reminders.round() == 1

    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            select(notifications).where(
                notifications.c.tenant_id == VENDOR_ID, notifications.c.topic == Topic.ACTION_REMINDER.value
            )
        )
        (notice,) = rows.all()

    assert notice.title == "Due on 9 June 2026: Limit the pool"
    assert notice.text == (
        f"{world.olga.name} owns this prevention action, and is not here any more. See that it is done, "
        "or that another takes its place."
    )
