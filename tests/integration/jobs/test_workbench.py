"""One attempt at a job, and a round, whatever goes wrong in them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import REGISTRY, generate_latest

from jobs.duty import Arguments, Duty
from jobs.workbench import Workbench
from jobs.worker import repeat_round
from trust_portal.errors import Broken, Unavailable
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import MAX_ATTEMPTS, WORKING_LEASE, Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.round_metrics import round_metrics
from trust_portal.storage.rounds import Rounds
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
    asked: Storage, error: Exception, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = Rounds(asked)

    async def once() -> None:
        raise error

    await _for_a_moment(rounds, once)
    (line,) = [each for each in caplog.records if each.getMessage().startswith("costs: ")]
    assert bool(line.exc_info) is traced
    (standing,) = await rounds.standings()
    code = "UNAVAILABLE" if isinstance(error, Unavailable) else "ValueError"
    assert (standing.failures, standing.error, standing.well_at, standing.is_well) == (1, code, None, False)


async def test_when_a_round_last_went_well_and_how_often_it_failed_is_exposed_and_survives_the_worker(
    asked: Storage, clock: ManualClock
) -> None:
    async def fail() -> None:
        raise ValueError("unforeseen")

    async def well() -> None:
        pass

    for once in (fail, fail, well):
        await _for_a_moment(Rounds(asked), once)
        clock.advance(timedelta(seconds=30))
    at = clock.now() - timedelta(seconds=30)
    (standing,) = await Rounds(asked).standings()
    assert (standing.failures, standing.well_at, standing.is_well) == (2, at, True)

    await Rounds(asked).one_by_one("billing", [VENDOR_ID], lambda _: fail())
    await round_metrics.publish(asked)
    said = generate_latest(REGISTRY).decode()
    assert 'trust_portal_round_failures_total{round="costs"} 2.0\n' in said
    assert 'trust_portal_round_set_back{round="billing"} 1.0\n' in said
    (shown,) = [each for each in said.splitlines() if each.startswith("trust_portal_round_last_success")]
    assert float(shown.rpartition(" ")[2]) == at.timestamp()
    assert str(VENDOR_ID) not in said


async def _for_a_moment(rounds: Rounds, once: Callable[[], Awaitable[None]]) -> None:
    tried = asyncio.Event()

    async def seen() -> None:
        tried.set()
        await once()

    before = await rounds.standings()
    task = asyncio.create_task(repeat_round(rounds, "costs", seen, 60))
    await tried.wait()
    async with asyncio.timeout(10):
        while await rounds.standings() == before:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
