"""Of an escalation somebody of the PMO takes note who does not owe the action; where all of them do, any of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.actions_world import Promises, promises
from support.learning_world import Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import GrantRole, Person
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import PreventionAction
from trust_portal.learning.switchboard.service import AcknowledgeEscalation, Noting

pytestmark = pytest.mark.takes(seconds=10)


@pytest.fixture
async def world(vendor: Vendor) -> Promises:
    return await promises(vendor)


async def pmo(world: Promises, person: Person) -> Actor:
    people = world.vendor.house.people
    await people.grant(GrantRole(VENDOR_ID, person.id, Role.PMO), CONSOLE)
    return (await people.get(CONSOLE, VENDOR_ID, person.id)).as_actor()


async def escalated(world: Promises, clock: ManualClock) -> PreventionAction:
    """Olga owned it, Max owns what took its place, which nobody has done in time."""
    first = await world.begun()
    action = await world.plan("Another", replaces=first.id, reason="It does more", owner_id=world.max.id)
    clock.advance(datetime(2026, 6, 24, 15, tzinfo=UTC) - clock.now())
    await world.vendor.house.action_reminders.round()
    return action


async def noted(world: Promises, action: PreventionAction, actor: Actor) -> None:
    last = (await world.vendor.house.prevention_reader.reminders(actor, action.id))[-1]
    await world.vendor.house.switchboard.acknowledge(
        AcknowledgeEscalation(action.id, last.ordinal, "Max gets two days for it"), actor
    )


async def test_where_all_of_the_pmo_owe_it_or_owed_it_before_any_of_them_takes_note(
    world: Promises, clock: ManualClock
) -> None:
    switchboard = world.vendor.house.switchboard
    olga, max_ = await pmo(world, world.olga), await pmo(world, world.max)
    await world.vendor.house.people.revoke(CONSOLE, VENDOR_ID, world.petra.id, Role.PMO)
    action = await escalated(world, clock)

    for each in (olga, max_):
        assert await switchboard.noting(each, [action.id]) == Noting(frozenset({action.id}))
    await noted(world, action, olga)

    assert await switchboard.count_escalations(max_) == 0


async def test_who_owes_it_or_owed_it_before_reads_only_the_names_of_who_owes_nothing(
    world: Promises, clock: ManualClock
) -> None:
    switchboard = world.vendor.house.switchboard
    olga, max_ = await pmo(world, world.olga), await pmo(world, world.max)
    action = await escalated(world, clock)

    for each in (olga, max_):
        assert await switchboard.noting(each, [action.id]) == Noting(
            frozenset(), {action.id: ("Petra Office",)}
        )
        with pytest.raises(Conflict, match=r"; Petra Office may$") as refused:
            await noted(world, action, each)
        assert refused.value.code == "OWN_ACTION"
    assert await switchboard.count_escalations(olga) == 2  # T+3, for want of a manager, and T+7
    await noted(world, action, world.petra.as_actor())

    assert await switchboard.count_escalations(olga) == 0
