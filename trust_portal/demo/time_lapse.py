"""The last weeks of the story in a minute or two: the clock is moved, and everybody follows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from jobs.cost import mind_cost
from trust_portal.demo.patience import patience
from trust_portal.demo.product.events import rfc3339
from trust_portal.demo.stage import Playbill
from trust_portal.house import House
from trust_portal.runtime.story_clock import StoryClock
from trust_portal.storage.backlog import Backlog

_LOOK: Final = 0.1
_PATIENCE: Final = 120.0
#: The product tells of a minute this long after it is over.
_TOLD: Final = timedelta(seconds=70)
#: Hours wait for late usage as long (``COST_GRACE``), and a little for the telling.
CLOSED_AFTER: Final = timedelta(minutes=12)


class TimeLapse:
    """Moves the clock of everything that shares it, and waits until what that brings is there.

    It is moved only while no job is at work: leases are told by the same clock, and one that runs out
    in the middle of its job lets somebody else begin it again. That does no harm, but no good either.
    """

    def __init__(self, clock: StoryClock, house: House, playbill: Playbill) -> None:
        self._clock = clock
        self._house = house
        self._playbill = playbill
        self._backlog = Backlog(house.storage)

    def now(self) -> datetime:
        return self._clock.now()

    async def move_to(self, at: datetime) -> None:
        """Let it be ``at``, if it is not later already; then the product has told of it and hours are closed."""
        if self.now() < at:
            await self.quiet()
            self._clock.move_to(at)
        await self._playbill.product_is_through(rfc3339(self.now() - _TOLD))
        await self.hours_are_closed()

    async def catch_up(self) -> None:
        """From here on the clock is the true one."""
        await self.quiet()
        self._clock.catch_up()
        await self._playbill.product_is_through(rfc3339(self.now() - _TOLD))
        await self.hours_are_closed()

    async def hours_are_closed(self) -> None:
        """Ask for what is due, as the clockwork does every few seconds, and wait until it is done."""
        async with patience(_PATIENCE, "the close of the hours"):
            while await self._house.metering.is_behind() or await self._house.closing.is_due():
                await mind_cost(self._house)
                await self._nothing_waits()
            await self._nothing_waits()

    async def quiet(self) -> None:
        """Until no job is due or at work."""
        async with patience(_PATIENCE, "the work in hand"):
            await self._nothing_waits()

    async def _nothing_waits(self) -> None:
        while True:
            waiting = await self._backlog.waiting()
            if not any(each.failed_at is None and each.due_at <= self.now() for each in waiting):
                return
            await asyncio.sleep(_LOOK)
