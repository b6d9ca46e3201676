"""A due date is in business days of where its owner works when it is made or moved, not when it was planned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from support.actions_world import BERLIN, VENDOR, Promises, promises
from support.learning_world import Vendor

from trust_portal.errors import InvalidInput
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import MoveDueDate
from trust_portal.learning.actions.model import ActionFilter
from trust_portal.learning.actions.standings import derive_standings
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace

pytestmark = pytest.mark.takes(seconds=10)

#: Where 4 June 2026, a holiday in Bavaria, is a day like any other.
CALIFORNIA = WorkCalendar("US", "CA", "America/Los_Angeles")


@pytest.fixture
async def world(vendor: Vendor) -> Promises:
    return await promises(vendor)


async def olga_works_in(world: Promises, calendar: WorkCalendar) -> None:
    await world.vendor.house.workplaces.set(
        SetWorkplace(world.olga.id, calendar, world.max.id), world.olga.as_actor()
    )


async def said(world: Promises, receipt_id: UUID) -> dict[str, Any]:
    async with world.vendor.house.storage.read(VENDOR) as session:
        receipt = await find_receipt(session, VENDOR_ID, receipt_id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload).predicate["result"]


async def test_the_term_counts_by_the_calendar_of_where_the_owner_works_when_the_clock_begins(
    world: Promises,
) -> None:
    planned = await world.plan()
    assert planned.calendar == BERLIN
    await olga_works_in(world, CALIFORNIA)

    await world.begin()

    action = await world.look(planned.id)
    # Five business days after Monday 1 June; over Corpus Christi it would be the 9th.
    assert action.due == action.agreed == date(2026, 6, 8)
    told = await said(world, action.steps[0].receipt_id)
    assert told["counted_by"] == "US-CA, America/Los_Angeles"
    assert told["calendar"] == {"country": "DE", "subdivision": "BY", "time_zone": "Europe/Berlin"}


async def test_a_date_is_moved_to_a_business_day_of_where_the_owner_works_then(world: Promises) -> None:
    action, actions = await world.begun(), world.vendor.house.prevention_actions
    move = MoveDueDate(action.id, date(2026, 6, 4), "The part is here already")
    with pytest.raises(InvalidInput, match=r"no business day of the owner \(DE-BY, Europe/Berlin\)"):
        await actions.move(move, world.olga.as_actor())
    assert await world.look(action.id) == action

    await olga_works_in(world, CALIFORNIA)
    assert await world.vendor.house.prevention_reader.calendar(world.ivo.as_actor(), action) == CALIFORNIA
    moved = await actions.move(move, world.olga.as_actor())

    assert (moved.agreed, moved.due) == (date(2026, 6, 9), date(2026, 6, 4))
    assert (await said(world, moved.steps[-1].receipt_id))["counted_by"] == CALIFORNIA.name
    # What Bavaria has and California has not, and the other way round: Independence Day is observed on the 3rd.
    with pytest.raises(InvalidInput, match=r"no business day of the owner \(US-CA, America/Los_Angeles\)"):
        await actions.move(MoveDueDate(action.id, date(2026, 7, 3), "Later"), world.olga.as_actor())
    assert await world.look(action.id) == moved


async def test_a_due_day_ends_where_its_owner_worked_when_it_was_set_and_moves_with_no_owner(
    world: Promises, clock: ManualClock
) -> None:
    """Planned in Bavaria, begun in California: the 8th ends at seven in the morning of the 9th, in UTC."""
    planned = await world.plan()
    await olga_works_in(world, CALIFORNIA)
    await world.begin()
    house, ivo = world.vendor.house, world.ivo.as_actor()

    async def overdue(at: str) -> tuple[bool, int, int, int, bool]:
        """The action, how many days; by the list, on the board; and whether the agreed day is past."""
        clock.advance(datetime.fromisoformat(at).replace(tzinfo=UTC) - clock.now())
        action = await world.look(planned.id)
        listed = await house.prevention_reader.page(ivo, ActionFilter(overdue=True), PageRequest(10))
        found = await house.switchboard.board(ivo, BoardFilter())
        now = clock.now()
        days = action.days_overdue(now)
        return action.is_overdue(now), days, len(listed.items), found.debt.overdue, action.is_past_agreed(now)

    assert (await world.look(planned.id)).due == date(2026, 6, 8)
    assert await overdue("2026-06-08T22:00:00") == (False, 0, 0, 0, False), "when it is over in Bavaria"
    assert await overdue("2026-06-09T06:59:59") == (False, 0, 0, 0, False)
    assert await overdue("2026-06-09T07:00:00") == (True, 1, 1, 1, True)

    await olga_works_in(world, BERLIN)
    assert await overdue("2026-06-09T06:59:59") == (False, 0, 0, 0, False), (
        "a date that stands ends as it did"
    )
    move = MoveDueDate(planned.id, date(2026, 6, 10), "The part comes late")
    moved = await house.prevention_actions.move(move, world.olga.as_actor())
    assert [(each.due, each.time_zone) for each in moved.steps] == [
        (date(2026, 6, 8), "America/Los_Angeles"),
        (date(2026, 6, 10), "Europe/Berlin"),
    ]
    assert await overdue("2026-06-10T21:59:59") == (False, 0, 0, 0, True)
    assert await overdue("2026-06-10T22:00:00") == (True, 1, 1, 1, True)
    async with house.storage.write(VENDOR) as session:
        assert await derive_standings(session) == 0, "the standing is what the steps say"
