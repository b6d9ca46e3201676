"""A prevention action from the plan to its end, each step with its receipt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url
from support.actions_world import BERLIN, SIGNED, VENDOR, Promises, promises
from support.learning_world import BEGAN, Vendor, declared, named, updated

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import DropAction, FinishAction, LinkRecurrence, MoveDueDate
from trust_portal.learning.actions.model import ActionFilter, ActionState, RecurredAction, StepAct
from trust_portal.learning.actions.repository import actions_of
from trust_portal.learning.actions.standings import COLUMNS, DERIVED

pytestmark = pytest.mark.takes(seconds=20)
EVIDENCE = "https://git.example/changes/17"


@pytest.fixture
async def world(vendor: Vendor) -> AsyncIterator[Promises]:
    """Whatever a test did, or was refused: each action stands where its steps say."""
    yield await promises(vendor)
    async with vendor.house.storage.read(VENDOR) as session:
        driver = await session.driver()
        derived = f"SELECT * FROM ({DERIVED}) made ORDER BY action_id"
        stored = f"SELECT {COLUMNS} FROM prevention_standings WHERE tenant_id = $1 ORDER BY action_id"
        assert await driver.fetch(stored, VENDOR_ID) == await driver.fetch(derived, VENDOR_ID)


async def kind_of(world: Promises, receipt_id) -> ReceiptKind:
    async with world.vendor.house.storage.read(VENDOR) as session:
        return (await find_receipt(session, VENDOR_ID, receipt_id)).kind


async def test_a_due_date_follows_from_the_term_once_it_is_signed_and_resolved(world: Promises) -> None:
    planned = await world.plan(link="https://tracker.example/TP-9")
    assert (planned.due, planned.state, planned.calendar) == (None, ActionState.OPEN, BERLIN)
    assert await world.begin(resolved_at=None) == ()

    await world.begin()
    again = await world.begin()

    action = await world.look(planned.id)
    assert again == ()
    # Five business days after Monday 1 June, over Corpus Christi and a weekend.
    assert action.due == action.agreed == date(2026, 6, 9)
    assert [step.act for step in action.steps] == [StepAct.BEGIN]
    assert await kind_of(world, planned.receipt_id) is ReceiptKind.PREVENTION_ACTION_PLANNED
    assert await kind_of(world, action.steps[0].receipt_id) is ReceiptKind.PREVENTION_ACTION_BEGUN


async def test_the_owner_moves_the_date_with_a_reason_and_each_move_is_counted(world: Promises) -> None:
    action = await world.begun()
    actions, olga = world.vendor.house.prevention_actions, world.olga.as_actor()

    await actions.move(MoveDueDate(action.id, date(2026, 6, 12), "The part comes on the 11th"), olga)
    moved = await actions.move(MoveDueDate(action.id, date(2026, 6, 15), "It came broken"), olga)

    assert (moved.agreed, moved.due, moved.moves) == (date(2026, 6, 9), date(2026, 6, 15), 2)
    assert [step.note for step in moved.steps] == [None, "The part comes on the 11th", "It came broken"]
    assert await kind_of(world, moved.steps[-1].receipt_id) is ReceiptKind.PREVENTION_ACTION_MOVED
    assert await world.look(action.id) == moved


async def test_standings_are_made_again_from_the_steps_with_the_register(
    world: Promises, server_thread
) -> None:
    house = world.vendor.house
    done, gone = await world.begun(), await world.begun()
    await house.prevention_actions.finish(
        FinishAction(done.id, EVIDENCE, "Rolled out"), world.olga.as_actor()
    )
    database = make_url(house.settings.database_url).database
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(database)
    await superuser.execute(
        "UPDATE prevention_standings SET act = 'begin', ordinal = 1, ended_at = NULL, dues = '{2026-07-01}' "
        "WHERE action_id = $1",
        done.id,
    )
    await superuser.execute("DELETE FROM prevention_standings WHERE action_id = $1", gone.id)
    await superuser.close()

    (found, receipt_id), (again, _) = [await house.incidents.rebuild(CONSOLE, "Checking") for _ in range(2)]

    assert (found.actions, found.changed, again.actions) == (2, 0, 0)
    async with house.storage.read(VENDOR) as session:
        receipt = await find_receipt(session, VENDOR_ID, receipt_id)
    assert Statement.parse(Envelope.parse(receipt.envelope).payload).predicate["result"]["actions"] == "2"


async def test_what_was_planned_before_a_link_was_asked_for_goes_on_without_one(
    world: Promises, server_thread
) -> None:
    house, olga = world.vendor.house, world.olga.as_actor()
    planned = await world.plan()
    assert planned.link == "https://tracker.example/TP-1"
    database = make_url(house.settings.database_url).database
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(database)
    await superuser.execute("SET session_replication_role = replica")  # what was planned never changes
    await superuser.execute("UPDATE prevention_actions SET link = NULL WHERE id = $1", planned.id)
    await superuser.close()
    await world.begin()
    await house.prevention_actions.move(MoveDueDate(planned.id, date(2026, 6, 12), "It comes later"), olga)
    done = await house.prevention_actions.finish(FinishAction(planned.id, EVIDENCE, "Rolled out"), olga)
    assert (done.link, done.state, await world.look(planned.id)) == (None, ActionState.DONE, done)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (date(2026, 6, 9), "already"),
        (date(2026, 5, 29), "over"),
        (date(2026, 6, 4), "no business day"),
        (date(2026, 6, 13), "no business day"),
        (date(2031, 6, 13), "two years"),
    ],
)
async def test_a_day_that_cannot_be_is_refused_and_nothing_changed(
    world: Promises, due: date, words: str
) -> None:
    action = await world.begun()

    with pytest.raises(InvalidInput, match=words) as refusal:
        await world.vendor.house.prevention_actions.move(
            MoveDueDate(action.id, due, "why not"), world.olga.as_actor()
        )

    assert refusal.value.field == "due"
    assert await world.look(action.id) == action


async def test_done_needs_evidence_and_then_nothing_can_be_done_any_more(world: Promises) -> None:
    action = await world.begun()
    actions, olga = world.vendor.house.prevention_actions, world.olga.as_actor()

    done = await actions.finish(FinishAction(action.id, EVIDENCE, "Merged and rolled out", "AB" * 32), olga)

    assert done.state is ActionState.DONE
    assert done.ending is not None
    assert (done.ending.evidence, done.ending.sha256, done.ending.by_id) == (
        EVIDENCE,
        "ab" * 32,
        world.olga.id,
    )
    for act in (
        actions.finish(FinishAction(action.id, EVIDENCE, "again"), olga),
        actions.move(MoveDueDate(action.id, date(2026, 6, 12), "late"), olga),
        actions.drop(DropAction(action.id, "never mind"), world.ivo.as_actor()),
    ):
        with pytest.raises(Conflict) as refusal:
            await act
        assert refusal.value.code == "ACTION_ENDED"
    assert await world.look(action.id) == done


@pytest.mark.parametrize(
    ("evidence", "sha256", "field"),
    [
        ("", None, "evidence"),
        ("javascript:alert(1)", None, "evidence"),
        ("https://u:p@git.example/", None, "evidence"),
        (EVIDENCE, "12", "sha256"),
    ],
)
def test_evidence_is_an_address_one_can_follow(evidence: str, sha256: str | None, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        FinishAction(new_id(), evidence, "done", sha256)
    assert refusal.value.field == field


async def test_another_than_the_owner_drops_it_with_a_reason(world: Promises) -> None:
    action = await world.begun(owner_id=world.ivo.id)
    actions = world.vendor.house.prevention_actions
    rita = await world.vendor.person("Rita Reliability", Role.APPROVER_RELIABILITY)

    with pytest.raises(Conflict) as own:
        await actions.drop(DropAction(action.id, "I do not feel like it"), world.ivo.as_actor())
    with pytest.raises(Denied):
        await actions.drop(DropAction(action.id, "nor do I"), world.olga.as_actor())
    assert await world.look(action.id) == action
    dropped = await actions.drop(
        DropAction(action.id, "The service is switched off in July"), rita.as_actor()
    )

    assert own.value.code == "OWN_ACTION"
    assert dropped.state is ActionState.DROPPED
    assert dropped.ending is not None
    assert (dropped.ending.by, dropped.ending.note) == (rita.name, "The service is switched off in July")


async def test_only_three_stand_at_a_time_and_one_may_take_the_place_of_another(world: Promises) -> None:
    first = await world.plan("One")
    for title in ("Two", "Three"):
        await world.plan(title)

    with pytest.raises(Conflict) as refusal:
        await world.plan("Four")
    fourth = await world.plan("Four", replaces=first.id, reason="It does more")

    assert refusal.value.code == "TOO_MANY"
    async with world.vendor.house.storage.read(VENDOR) as session:
        standing = await actions_of(session, world.postmortem_id)
    assert [each.title for each in standing] == ["Two", "Three", "Four"]
    replaced = await world.look(first.id)
    assert replaced.state is ActionState.SUPERSEDED
    assert replaced.ending is not None
    assert replaced.ending.successor_id == fourth.id


async def test_plans_made_at_the_same_moment_do_not_pass_the_three_together(world: Promises) -> None:
    await world.plan("One")
    await world.plan("Two")
    outcomes = await asyncio.gather(
        *(world.plan(title) for title in ("Three", "Four", "Five")), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert [(type(each), each.code) for each in refused] == [(Conflict, "TOO_MANY")] * 2
    async with world.vendor.house.storage.read(VENDOR) as session:
        assert len(await actions_of(session, world.postmortem_id)) == 3


async def test_a_clock_that_begins_while_somebody_withdraws_is_seen(
    world: Promises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins between the look that asks who may, and the step."""
    planned, actions = await world.plan(), world.vendor.house.prevention_actions
    asked = actions._allowed

    async def slowly(*arguments):
        allowed = await asked(*arguments)
        await world.begin()
        return allowed

    monkeypatch.setattr(actions, "_allowed", slowly)
    with pytest.raises(Conflict) as refusal:
        await actions.withdraw(world.ivo.as_actor(), planned.id, "Somebody else does it already")
    assert refusal.value.code == "CLOCK_RUNS"
    assert [step.act for step in (await world.look(planned.id)).steps] == [StepAct.BEGIN]


async def test_a_date_is_judged_by_the_one_that_stands_when_it_moves(
    world: Promises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else moves it to the same day between the look that asks who may, and the step."""
    action, actions = await world.begun(), world.vendor.house.prevention_actions
    asked, move = actions._allowed, MoveDueDate(action.id, date(2026, 6, 12), "The part comes on the 11th")

    async def slowly(*arguments):
        allowed = await asked(*arguments)
        monkeypatch.setattr(actions, "_allowed", asked)
        await actions.move(move, world.olga.as_actor())
        return allowed

    monkeypatch.setattr(actions, "_allowed", slowly)
    with pytest.raises(InvalidInput, match="due on that day already"):
        await actions.move(move, world.olga.as_actor())
    assert (await world.look(action.id)).moves == 1


async def test_what_was_never_promised_is_withdrawn_and_what_was_is_not(world: Promises) -> None:
    actions, ivo = world.vendor.house.prevention_actions, world.ivo.as_actor()
    planned = await world.plan()

    withdrawn = await actions.withdraw(ivo, planned.id, "Somebody else does it already")
    begun = await world.begun(title="Another")
    with pytest.raises(Conflict) as refusal:
        await actions.withdraw(ivo, begun.id, "Changed our mind")

    assert withdrawn.state is ActionState.WITHDRAWN
    assert refusal.value.code == "CLOCK_RUNS"
    assert await world.look(begun.id) == begun


async def test_nobody_plans_for_strangers_or_for_postmortems_that_are_not(world: Promises) -> None:
    customer = await world.vendor.customer("acme")
    stranger = await world.vendor.person("Carla Customer", Role.CUSTOMER_ADMIN, tenant_id=customer)

    with pytest.raises(InvalidInput, match="works here"):
        await world.plan(owner_id=stranger.id)
    with pytest.raises(NotFound):
        await world.plan(postmortem_id=new_id())
    with pytest.raises(Denied):
        await world.vendor.house.prevention_reader.page(stranger.as_actor(), ActionFilter(), PageRequest())

    page = await world.vendor.house.prevention_reader.page(
        world.petra.as_actor(), ActionFilter(), PageRequest()
    )
    assert page.items == ()


async def test_what_happened_again_leads_back_to_what_should_have_prevented_it(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    clock.advance(timedelta(hours=1))
    await world.vendor.tell(declared("INC-2", "P2", minute=400))
    await world.vendor.register()
    actions, ivo = world.vendor.house.prevention_actions, world.ivo.as_actor()

    recurrence = await actions.link_recurrence(
        LinkRecurrence(action.id, named("INC-2"), "The same pool ran dry"), ivo
    )
    with pytest.raises(Conflict) as twice:
        await actions.link_recurrence(LinkRecurrence(action.id, named("INC-2"), "again"), ivo)
    with pytest.raises(Conflict) as itself:
        await actions.link_recurrence(LinkRecurrence(action.id, world.incident_id, "itself"), ivo)

    assert (twice.value.code, itself.value.code) == ("ALREADY_LINKED", "SAME_INCIDENT")
    assert await world.vendor.house.prevention_reader.recurrences(ivo, action.id) == (recurrence,)
    assert await world.vendor.house.prevention_reader.recurred(ivo, named("INC-2")) == (
        RecurredAction(action, recurrence),
    )
    assert await world.vendor.house.prevention_reader.recurred(ivo, world.incident_id) == ()
    assert await kind_of(world, recurrence.receipt_id) is ReceiptKind.PREVENTION_ACTION_RECURRED


async def test_only_what_began_after_it_was_planned_should_have_been_prevented_by_it(
    world: Promises, clock: ManualClock
) -> None:
    action = await world.begun()
    taken_back = await world.plan("Planned twice")
    actions, ivo = world.vendor.house.prevention_actions, world.ivo.as_actor()
    clock.advance(timedelta(days=1))
    minute = int((action.created_at - BEGAN).total_seconds()) // 60
    await world.vendor.tell(
        declared("INC-2", "P2", minute=minute),
        declared("INC-3", "P2", minute=minute + 12),
        declared("INC-4", "P2", minute=minute + 12),
        updated("INC-3", "merged", minute=minute + 13, into="INC-1"),
    )
    await world.vendor.register()

    for action_id, incident, code in (
        (action.id, "INC-2", "NOT_AFTER"),
        (action.id, "INC-3", "SAME_INCIDENT"),
        (action.id, "INC-1", "SAME_INCIDENT"),
    ):
        with pytest.raises(Conflict) as refused:
            await actions.link_recurrence(LinkRecurrence(action_id, named(incident), "Again"), ivo)
        assert (refused.value.code, refused.value.field) == (code, "incident")
    assert await world.vendor.house.prevention_reader.recurrences(ivo, action.id) == ()
    await actions.link_recurrence(LinkRecurrence(action.id, named("INC-4"), "Again"), ivo)
    assert [
        each.incident_id for each in await world.vendor.house.prevention_reader.recurrences(ivo, action.id)
    ] == [named("INC-4")]

    await actions.withdraw(ivo, taken_back.id, "Planned twice")
    with pytest.raises(Conflict) as refused:
        await actions.link_recurrence(LinkRecurrence(taken_back.id, named("INC-4"), "Again"), ivo)
    assert refused.value.code == "WITHDRAWN"
    assert await world.vendor.house.prevention_reader.recurrences(ivo, taken_back.id) == ()


async def test_a_list_is_narrowed_by_owner_state_and_type(world: Promises, clock: ManualClock) -> None:
    done = await world.begun(title="Done")
    actions = world.vendor.house.prevention_actions
    await actions.finish(FinishAction(done.id, EVIDENCE, "done"), world.olga.as_actor())
    clock.advance(timedelta(minutes=1))
    open_ = await world.plan("Open", owner_id=world.ivo.id)

    async def found(**wanted) -> list[str]:
        page = await world.vendor.house.prevention_reader.page(
            world.petra.as_actor(), ActionFilter(**wanted), PageRequest()
        )
        return [each.title for each in page.items]

    assert await found() == ["Open", "Done"]
    assert await found(state=ActionState.OPEN) == ["Open"]
    assert await found(state=ActionState.DONE) == ["Done"]
    assert await found(state=ActionState.DROPPED) == []
    assert await found(owner_id=world.olga.id) == ["Done"]
    assert await found(incident_id=world.incident_id, postmortem_id=world.postmortem_id) == ["Open", "Done"]
    assert open_.is_overdue(datetime(2030, 1, 1, tzinfo=UTC)) is False
    assert clock.now() > SIGNED
