"""Reminders over real storage when clocks change, their owner moves and their worker dies: each once, none lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from support.actions_world import Promises, promises
from support.learning_world import Vendor

from trust_portal.house import build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.acts_model import MoveDueDate
from trust_portal.learning.actions.reminders import Rung, Skip
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.model import SetWorkplace
from trust_portal.notify.tables import notifications
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=30)


@dataclass(frozen=True)
class Year:
    """Two due dates of somebody in ``zone``, each a Tuesday after the clocks changed on the Sunday.

    ``first`` holds the rungs of the first that come before it is moved, ``second`` those of the second; after the
    day behind the second its owner works in ``then``. Times in UTC: nine o'clock there.
    """

    zone: str
    then: str
    autumn: date
    first: tuple[str, str, str]
    spring: date
    second: tuple[str, str, str, str, str]


BERLIN = Year(
    "Europe/Berlin", "America/New_York",
    date(2026, 10, 27), ("2026-10-22T07:00", "2026-10-27T08:00", "2026-10-28T08:00"),
    date(2027, 3, 30),
    ("2027-03-25T08:00", "2027-03-30T07:00", "2027-03-31T07:00", "2027-04-02T13:00", "2027-04-08T13:00"),
)  # fmt: skip
NEW_YORK = Year(
    "America/New_York", "Europe/Berlin",
    date(2026, 11, 3), ("2026-10-29T13:00", "2026-11-03T14:00", "2026-11-04T14:00"),
    date(2027, 3, 16),
    ("2027-03-11T14:00", "2027-03-16T13:00", "2027-03-17T13:00", "2027-03-19T08:00", "2027-03-25T08:00"),
)  # fmt: skip


class Killed(BaseException):
    """As when the machine goes away in the middle of a round."""


@dataclass
class Worker:
    """Started anew for each of its rounds."""

    world: Promises
    clock: ManualClock
    monkeypatch: pytest.MonkeyPatch

    async def round(self, *, beside: int = 1) -> int:
        houses = [build_house(self.world.vendor.house.settings, self.clock) for _ in range(beside)]
        try:
            return sum(await asyncio.gather(*(each.action_reminders.round() for each in houses)))
        finally:
            for each in houses:
                await each.close()

    async def dies(self) -> None:
        async def die(*_: object) -> None:
            raise Killed

        with self.monkeypatch.context() as dying:
            dying.setattr("trust_portal.learning.actions.reminding.announce", die)
            with pytest.raises(Killed):
                await self.round()

    async def comes_once(self, at: datetime) -> None:
        """Not an hour nor a second before, nor an hour after; whoever dies at it has told nobody."""
        for early in (timedelta(minutes=61), timedelta(minutes=60), timedelta(seconds=1)):
            self.to(at - early)
            assert await self.round() == 0, (at, early)
        self.to(at)
        await self.dies()
        assert await self.round(beside=2) == 1, at
        assert await self.round() == 0
        self.to(at + timedelta(minutes=61))
        assert await self.round() == 0

    def to(self, at: datetime) -> None:
        self.clock.advance(at - self.clock.now())


@pytest.mark.parametrize("year", [BERLIN, NEW_YORK], ids=lambda each: each.zone)
async def test_over_both_changes_of_the_clocks_each_rung_comes_once_at_nine_there_and_is_on_record(
    vendor: Vendor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, year: Year
) -> None:
    world = await promises(vendor)
    house, olga, worker = vendor.house, world.olga.as_actor(), Worker(world, clock, monkeypatch)

    async def works_in(zone: str) -> None:
        await house.workplaces.set(SetWorkplace(olga.id, WorkCalendar(time_zone=zone), world.max.id), olga)

    await works_in(year.zone)
    action = await world.begun()
    first, second = (
        [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in times]
        for times in (year.first, year.second)
    )
    await house.prevention_actions.move(MoveDueDate(action.id, year.autumn, "After the summer"), olga)
    for at in first[:2]:
        await worker.comes_once(at)
    worker.to(first[2] + timedelta(minutes=5))  # no round since: the date is moved before anybody is told
    await house.prevention_actions.move(MoveDueDate(action.id, year.spring, "After the winter"), olga)
    assert await worker.round() == 0
    for at in second[:3]:
        await worker.comes_once(at)
    await works_in(year.then)
    assert await worker.round() == 0
    worker.to(second[2] + timedelta(hours=12))  # nine o'clock of that day has come there too
    assert await worker.round() == 0
    for at in second[3:]:
        await worker.comes_once(at)
    worker.to(second[-1] + timedelta(days=200))
    assert await worker.round() == 0

    names, boss = (world.olga.name,), (world.max.name,)
    found = await house.prevention_reader.reminders(world.ivo.as_actor(), action.id)
    assert [(each.due, each.rung, each.came_at, each.at, each.skipped, each.told) for each in found] == [
        (year.autumn, Rung.BEFORE, first[0], first[0], None, names),
        (year.autumn, Rung.DUE, first[1], first[1], None, names),
        (year.autumn, Rung.AFTER, first[2], first[2] + timedelta(minutes=5), Skip.MOVED, ()),
        (year.spring, Rung.BEFORE, second[0], second[0], None, names),
        (year.spring, Rung.DUE, second[1], second[1], None, names),
        (year.spring, Rung.AFTER, second[2], second[2], None, names),
        (year.spring, Rung.MANAGER, second[3], second[3], None, boss),
        (year.spring, Rung.PMO, second[4], second[4], None, ("PMO",)),
    ]
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(
            select(notifications.c.at, notifications.c.facts, notifications.c.topic)
            .where(
                notifications.c.tenant_id == VENDOR_ID,
                notifications.c.topic.in_(["action.reminder", "action.escalated"]),
            )
            .order_by(notifications.c.at)
        )
        announced = [(row.at, row.facts["due"], row.facts["rung"]) for row in rows]
    assert announced == [
        (each.at, each.due.isoformat(), each.rung.value) for each in found if each.skipped is None
    ]
