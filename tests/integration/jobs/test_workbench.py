"""One attempt at a job, and a round, whatever goes wrong in them."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from jobs.duty import Arguments, Duty
from jobs.workbench import Workbench
from jobs.worker import repeat
from trust_portal.errors import Broken, Unavailable
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import MAX_ATTEMPTS, WORKING_LEASE, Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

NO_HOUSE = cast("House", SimpleNamespace())


class Work:
    """A job that raises, and what was said when it was given up."""

    def __init__(self, raises: Exception, given_up_raises: Exception | None = None) -> None:
        self.raises, self.given_up_raises = raises, given_up_raises
        self.done, self.words = 0, list[str]()
        self.duty = Duty(Job.ROLL_UP_USAGE, self._do, self._give_up)

    async def _do(self, *_: object) -> None:
        self.done += 1
        raise self.raises

    async def _give_up(self, house: House, arguments: Arguments, reason: str) -> None:
        if self.given_up_raises is not None:
            raise self.given_up_raises
        self.words.append(reason)


async def attempt(storage: Storage, duty: Duty) -> None:
    backlog = Backlog(storage)
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
    await Workbench(NO_HOUSE, backlog).attempt(duty, str(ticket.row_id), ticket.attempts)


@pytest.fixture
async def asked(storage: Storage) -> Storage:
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        await session.enqueue(Job.ROLL_UP_USAGE, {})
    return storage


async def test_an_invariant_that_does_not_hold_is_given_up_at_once_and_is_critical(
    asked: Storage, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(Broken("the root is another", code="ROOT"))
    await attempt(asked, work.duty)
    clock.advance(timedelta(hours=1))
    assert await Backlog(asked).hand_over(DEFAULT_QUEUE) == ()
    (row,) = await Backlog(asked).waiting()
    assert (work.done, work.words, row.attempts, row.last_error) == (1, ["the root is another"], 1, "ROOT")
    assert row.failed_at is not None
    (critical,) = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert critical.exc_info is not None


async def test_what_cannot_be_given_up_where_people_see_it_waits_longer_each_time(
    asked: Storage, clock: ManualClock
) -> None:
    work = Work(Broken("the root is another", code="ROOT"), given_up_raises=ValueError("nowhere to show it"))
    await attempt(asked, work.duty)
    (row,) = await Backlog(asked).waiting()
    assert (row.failed_at, row.last_error, row.due_at) == (None, "ROOT", clock.now() + timedelta(seconds=1))
    clock.advance(timedelta(seconds=1))
    await attempt(asked, work.duty)
    (row,) = await Backlog(asked).waiting()
    assert row.due_at == clock.now() + timedelta(seconds=2)
    work.given_up_raises = None
    clock.advance(timedelta(seconds=2))
    await attempt(asked, work.duty)
    (row,) = await Backlog(asked).waiting()
    assert (row.failed_at, work.words) == (clock.now(), ["the root is another"])


async def test_a_long_job_outlives_any_number_of_workers_that_stop_in_good_order_and_not_of_those_that_die(
    asked: Storage, clock: ManualClock
) -> None:
    work = Work(ValueError("never said"))
    begun = asyncio.Event()

    async def long(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    long_duty = Duty(Job.ROLL_UP_USAGE, long, work.duty.give_up)
    for _ in range(MAX_ATTEMPTS + 1):
        begun.clear()
        worker = asyncio.create_task(attempt(asked, long_duty))
        await begun.wait()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    (row,) = await Backlog(asked).waiting()
    assert (row.failed_at, work.words) == (None, [])
    for _ in range(MAX_ATTEMPTS):
        (ticket,) = await Backlog(asked).hand_over(DEFAULT_QUEUE)
        assert await Backlog(asked).start(ticket) is not None
        clock.advance(WORKING_LEASE)
    await attempt(asked, long_duty)
    (row,) = await Backlog(asked).waiting()
    assert (row.last_error, work.words) == ("WORKER_LOST", ["the worker ended before it was done"])


@pytest.mark.parametrize(
    ("error", "traced"), [(ValueError("unforeseen"), True), (Unavailable("away"), False)]
)
async def test_a_round_that_fails_leaves_its_trace_unless_something_is_only_away(
    error: Exception, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def once() -> None:
        raise error

    task = asyncio.create_task(repeat("costs", once, 60))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (line,) = [each for each in caplog.records if each.getMessage().startswith("costs: ")]
    assert bool(line.exc_info) is traced
