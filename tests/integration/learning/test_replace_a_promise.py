"""Whatever takes an action's place takes over what was agreed; and what was signed is not taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.actions_world import VENDOR, Promises, promises
from support.learning_world import Vendor, declared, step
from support.postmortem_desk import TRACKED, desk_of

from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import DropAction, FinishAction, MoveDueDate, PlanAction
from trust_portal.learning.actions.model import ActionState, ActionType, PreventionAction, StepAct
from trust_portal.learning.actions.standings import COLUMNS, DERIVED
from trust_portal.learning.switchboard.board import Board
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.storage.errors import violation

pytestmark = pytest.mark.takes(seconds=25)
EVIDENCE = "https://git.example/changes/17"
#: The agreed day of ``world.begun()``, a Tuesday.
AGREED = date(2026, 6, 9)


@pytest.fixture
async def world(vendor: Vendor) -> AsyncIterator[Promises]:
    """Whatever a test did, or was refused: each action stands where its steps and its plan say."""
    yield await promises(vendor)
    async with vendor.house.storage.read(VENDOR) as session:
        driver = await session.driver()
        derived = f"SELECT * FROM ({DERIVED}) made ORDER BY action_id"
        stored = f"SELECT {COLUMNS} FROM prevention_standings WHERE tenant_id = $1 ORDER BY action_id"
        assert await driver.fetch(stored, VENDOR_ID) == await driver.fetch(derived, VENDOR_ID)


async def board_of(world: Promises) -> Board:
    return await world.vendor.house.switchboard.board(world.petra.as_actor(), BoardFilter())


async def actions_of(world: Promises) -> tuple[PreventionAction, ...]:
    house = world.vendor.house
    return await house.prevention_reader.of_postmortem(world.ivo.as_actor(), world.postmortem_id)


async def predicate_of(world: Promises, receipt_id: Any) -> dict[str, Any]:
    async with world.vendor.house.storage.read(VENDOR) as session:
        receipt = await find_receipt(session, VENDOR_ID, receipt_id)
    return dict(Statement.parse(Envelope.parse(receipt.envelope).payload).predicate)


async def test_what_replaces_an_action_counts_as_one_more_move_of_it(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    actions = world.vendor.house.prevention_actions
    action = await actions.move(
        MoveDueDate(action.id, date(2026, 6, 12), "The part comes on the 11th"), world.olga.as_actor()
    )
    clock.advance(datetime(2026, 6, 8, 12, tzinfo=UTC) - clock.now())

    successor = await world.plan(
        "Buy another pool", replaces=action.id, reason="The part is not made", term=10
    )

    assert successor == await world.look(successor.id)
    assert (successor.agreed, successor.due, successor.moves) == (AGREED, date(2026, 6, 22), 2)
    assert [each.act for each in successor.steps] == [StepAct.BEGIN]
    assert (successor.replaces, successor.agreed_before, successor.moves_before) == (action.id, AGREED, 2)
    replaced = await world.look(action.id)
    assert replaced.ending is not None
    assert (replaced.ending.note, replaced.ending.successor_id) == ("The part is not made", successor.id)
    planned = await predicate_of(world, successor.receipt_id)
    assert (
        planned["result"] | {"replaces": str(action.id), "agreed_before": "2026-06-09", "moves_before": "2"}
        == (planned["result"])
    )
    assert planned["rationale"] == "The part is not made"
    ended = await predicate_of(world, replaced.ending.receipt_id)
    assert (ended["rationale"], ended["result"]["successor"]) == ("The part is not made", str(successor.id))


async def test_one_that_is_not_due_later_is_no_further_move_and_a_chain_forgets_nothing(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    sooner = await world.plan("Sooner", replaces=action.id, reason="It can be done at once", term=1)
    again = await world.plan("Later", replaces=sooner.id, reason="It cannot", term=20)

    assert (sooner.due, sooner.agreed, sooner.moves) == (date(2026, 6, 2), AGREED, 0)
    assert (again.agreed, again.moves, again.due > AGREED) == (AGREED, 1, True)
    moved = await world.vendor.house.prevention_actions.move(
        MoveDueDate(again.id, date(2026, 7, 15), "Holidays"), world.olga.as_actor()
    )
    assert (moved.agreed, moved.moves) == (AGREED, 2)


async def test_debt_completion_and_escalation_are_as_if_the_date_had_been_moved(
    world: Promises, clock: ManualClock
) -> None:
    """Two like each other: of one the date is moved, the other is replaced."""
    moved, replaced = await world.begun(title="One"), await world.begun(title="Two")
    clock.advance(datetime(2026, 6, 30, 12, tzinfo=UTC) - clock.now())
    assert await world.vendor.house.action_reminders.round() == 10
    before = await board_of(world)
    due = replaced.calendar.shift(date(2026, 6, 30), 60)
    await world.vendor.house.prevention_actions.move(
        MoveDueDate(moved.id, due, "Too much else"), world.olga.as_actor()
    )
    successor = await world.plan("Three", replaces=replaced.id, reason="Too much else", term=60)

    found = await board_of(world)

    assert successor.due == due
    parts = {each.title: each for each in found.debt.addends}
    # A P1, moved once, not late: 8 × (1 + 1).
    assert [(parts[title].points, parts[title].moves) for title in ("One", "Three")] == [(16, 1)] * 2
    assert (before.completion.kept, before.completion.agreed) == (0, 2)
    assert (found.completion.kept, found.completion.agreed) == (0, 2)
    waiting = await world.vendor.house.switchboard.escalations(world.petra.as_actor(), PageRequest())
    assert {each.action.title for each in waiting.items} == {"One", "Two"}

    clock.advance(timedelta(days=1))
    await world.vendor.house.prevention_actions.finish(
        FinishAction(successor.id, EVIDENCE, "Done"), world.olga.as_actor()
    )
    assert ((await board_of(world)).completion.kept, (await board_of(world)).completion.agreed) == (0, 2)
    # The trend counts both alike, too: only what is replaced, or what came in its place.
    clock.advance(timedelta(days=7))
    last_week = (await board_of(world)).trend[-2][1]
    assert last_week - 16 == sum(
        each.points for each in found.debt.addends if each.title not in {"One", "Three"}
    )


async def test_a_replacement_says_why_and_a_plan_that_replaces_nothing_does_not(world: Promises) -> None:
    action = await world.begun()
    for reason in (None, "", " "):
        with pytest.raises(InvalidInput) as refusal:
            await world.plan("Another", replaces=action.id, reason=reason)
        assert refusal.value.field == "reason"
    with pytest.raises(InvalidInput, match="replaces another") as refusal:
        await world.plan("Another", reason="Just so")
    assert refusal.value.field == "reason"
    assert await actions_of(world) == (action,)


async def test_before_the_agreed_day_is_over_its_owner_replaces_it_and_after_it_somebody_else(
    world: Promises, clock: ManualClock
) -> None:
    mine = await world.begun(owner_id=world.ivo.id)
    agreed = mine.calendar.end_of(mine.agreed)
    clock.advance(agreed - timedelta(seconds=1) - clock.now())
    mine = await world.plan("In time", replaces=mine.id, reason="Better", owner_id=world.ivo.id)
    clock.advance(agreed - clock.now())

    with pytest.raises(Conflict) as own:
        await world.plan("Easier", replaces=mine.id, reason="I would like to", owner_id=world.ivo.id)
    assert (own.value.code, await world.look(mine.id)) == ("OWN_ACTION", mine)
    with pytest.raises(Denied):
        command = PlanAction(
            world.postmortem_id, "Easier", ActionType.PREVENT, world.olga.id, 5, TRACKED, mine.id, "Why not"
        )
        await world.vendor.house.prevention_actions.plan(command, world.max.as_actor())
    assert await world.look(mine.id) == mine
    ida = await world.vendor.person("Ida Incident", Role.INCIDENT_OWNER)
    successor = await world.vendor.house.prevention_actions.plan(
        replace(command, reason="The service is rebuilt"), ida.as_actor()
    )

    replaced = await world.look(mine.id)
    assert (replaced.state, replaced.ending and replaced.ending.by) == (ActionState.SUPERSEDED, ida.name)
    assert (successor.agreed, successor.moves) == (mine.agreed, 2)


async def test_who_owed_it_does_not_let_themselves_off_by_way_of_somebody_elses_action(
    world: Promises, clock: ManualClock
) -> None:
    actions = world.vendor.house.prevention_actions
    mine = await world.begun(owner_id=world.ivo.id)
    theirs = await world.plan("Second", replaces=mine.id, reason="Max is better at it", owner_id=world.max.id)
    third = await world.plan("Third", replaces=theirs.id, reason="Olga is, too")
    with pytest.raises(Conflict) as own:
        await actions.drop(DropAction(third.id, "Nobody needs it"), world.ivo.as_actor())
    assert own.value.code == "OWN_ACTION"
    clock.advance(third.calendar.end_of(third.agreed) - clock.now())
    with pytest.raises(Conflict) as own:
        await world.plan("Easier", replaces=third.id, reason="Nobody needs it")
    assert own.value.code == "OWN_ACTION"
    assert await actions_of(world) == (await world.look(mine.id), await world.look(theirs.id), third)

    ida = await world.vendor.person("Ida Incident", Role.INCIDENT_OWNER)
    dropped = await actions.drop(DropAction(third.id, "The service is rebuilt"), ida.as_actor())
    assert (dropped.state, dropped.ending and dropped.ending.by) == (ActionState.DROPPED, ida.name)


async def test_before_any_clock_there_is_nothing_to_take_over(world: Promises) -> None:
    planned = await world.plan()
    successor = await world.plan("Another", replaces=planned.id, reason="Better")
    assert (successor.agreed, successor.due, successor.moves, successor.steps) == (None, None, 0, ())
    (begun,) = await world.begin()
    assert (begun.id, begun.agreed, begun.moves) == (successor.id, AGREED, 0)


async def test_the_tables_know_no_successor_that_forgets_and_no_owner_who_replaces_late(
    world: Promises, clock: ManualClock
) -> None:
    action, plain = await world.begun(), await world.plan("Plain")

    async def refused(**lie: object) -> str:
        """A step that supersedes ``action``, with a lie in it."""
        row = {
            "tenant_id": VENDOR_ID, "action_id": action.id, "ordinal": 2, "act": "supersede", "previous": 1,
            "previous_act": "begin", "owner_id": world.olga.id, "note": "x", "successor_id": plain.id,
            "agreed": AGREED, "at": datetime(2026, 6, 9, 12, tzinfo=UTC), "by_id": world.ivo.id, "by_name": "p",
            "receipt_id": action.receipt_id,
        } | lie  # fmt: skip
        places = ", ".join(f"${number + 1}" for number in range(len(row)))
        into = f"INSERT INTO prevention_action_steps ({', '.join(row)}) VALUES ({places})"
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with world.vendor.house.storage.write(VENDOR) as session:
                await (await session.driver()).execute(into, *row.values())
        found = violation(caught.value)
        return "" if found is None else found.constraint

    late = {"by_id": world.olga.id, "at": datetime(2026, 6, 10, 12, tzinfo=UTC)}
    assert await refused() == "prevention_action_steps_place_fkey"
    assert await refused(agreed=None) == "prevention_action_steps_successor_inherits_check"
    assert await refused(**late) == "prevention_action_steps_late_replaced_by_another_check"
    assert await world.look(action.id) == action
    for lie, constraint in (
        ({"moves_before": -1}, "inherits_from_another_check"),
        ({"moves_before": 1}, "inherits_from_another_check"),
        ({"agreed_before": AGREED}, "inherits_from_another_check"),
    ):
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with world.vendor.house.storage.write(VENDOR) as session:
                driver = await session.driver()
                row = dict(await driver.fetchrow("SELECT * FROM prevention_actions WHERE id = $1", plain.id))
                row |= {"id": new_id()} | lie
                places = ", ".join(f"${number + 1}" for number in range(len(row)))
                await driver.execute(
                    f"INSERT INTO prevention_actions ({', '.join(row)}) VALUES ({places})", *row.values()
                )
        found = violation(caught.value)
        assert found is not None
        assert found.constraint == f"prevention_actions_{constraint}", lie


async def test_what_was_signed_is_not_withdrawn_while_the_incident_goes_on(vendor: Vendor) -> None:
    """Sign, withdraw, resolve: the clock of what was signed begins as if nobody had tried."""
    desk = await desk_of(vendor, declared("INC-1"))
    postmortem = await desk.postmortem()
    spare = await desk.plan(postmortem, "Never promised")
    actions = desk.house.prevention_actions
    assert await desk.house.prevention_reader.may_be_withdrawn(desk.owner, spare)
    assert (await actions.withdraw(desk.owner, spare.id, "There is one")).state is ActionState.WITHDRAWN
    action = await desk.plan(postmortem)
    await desk.signed(postmortem)
    later = await desk.plan(postmortem, "Planned after the signature")
    instead = await actions.plan(
        PlanAction(
            postmortem.id,
            "Instead",
            ActionType.PREVENT,
            desk.owner.id,
            10,
            TRACKED,
            later.id,
            "It says it better",
        ),
        desk.owner,
    )

    for each in (action, instead):
        assert each.due is None
        assert not await desk.house.prevention_reader.may_be_withdrawn(desk.owner, each)
        with pytest.raises(Conflict) as refusal:
            await actions.withdraw(desk.owner, each.id, "Changed our mind")
        assert (refusal.value.code, await desk.house.prevention_reader.get(desk.owner, each.id)) == (
            "POSTMORTEM_SIGNED",
            each,
        )
    await vendor.tell(step("INC-1", "resolved", minute=60))
    await vendor.register()
    await desk.house.action_clocks.round()
    assert [
        (each.title, each.state, each.due is not None)
        for each in await desk.house.prevention_reader.of_postmortem(desk.owner, postmortem.id)
    ] == [
        ("Never promised", ActionState.WITHDRAWN, False),
        (action.title, ActionState.OPEN, True),
        (later.title, ActionState.SUPERSEDED, False),
        ("Instead", ActionState.OPEN, True),
    ]


async def test_an_escalation_waits_on_in_what_took_its_place_and_ends_when_the_last_of_that_is_done(
    world: Promises, clock: ManualClock
) -> None:
    house, petra = world.vendor.house, world.petra.as_actor()
    first = await world.begun(title="First")
    clock.advance(datetime(2026, 6, 30, 12, tzinfo=UTC) - clock.now())
    await house.action_reminders.round()

    async def waiting() -> list[str]:
        found = await house.switchboard.escalations(petra, PageRequest())
        assert len(found.items) == await house.switchboard.count_escalations(petra)
        return [each.action.title for each in found.items]

    second = await world.plan("Second", replaces=first.id, reason="Better", term=60)
    third = await world.plan("Third", replaces=second.id, reason="Better still", term=60)
    other = await world.begun(title="Another")
    assert (await world.look(second.id)).state is ActionState.SUPERSEDED
    assert await waiting() == ["First"]
    await house.prevention_actions.finish(FinishAction(other.id, EVIDENCE, "Done"), world.olga.as_actor())
    assert await waiting() == ["First"]
    await house.prevention_actions.finish(FinishAction(third.id, EVIDENCE, "Done"), world.olga.as_actor())
    assert await waiting() == []
