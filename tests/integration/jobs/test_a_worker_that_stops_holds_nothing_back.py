"""A worker that is told to stop hands back at once what it has not done: somebody else may begin at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from arq.connections import ArqRedis, create_pool
from arq.constants import in_progress_key_prefix
from sqlalchemy import select

from jobs.duty import Duty
from jobs.relay import Relay, from_json, queue_settings, to_json
from jobs.stopping import to_the_end
from jobs.worker import _serve_queue
from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import EXPORTS_QUEUE, Job, outbox
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

ROWS = 3


@pytest.fixture
async def pool(redis_url: str) -> AsyncIterator[ArqRedis]:
    made = await create_pool(
        queue_settings(redis_url), job_serializer=to_json, job_deserializer=from_json,
        default_queue_name=EXPORTS_QUEUE,
    )  # fmt: skip
    yield made
    await made.aclose(close_connection_pool=True)


@pytest.fixture
async def backlog(storage: Storage) -> Backlog:
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        for number in range(ROWS):
            await session.enqueue(Job.BUILD_EXPORT, {"export": str(number)})
    return Backlog(storage)


@pytest.fixture
async def relays(backlog: Backlog, redis_url: str) -> AsyncIterator[tuple[Relay, Relay]]:
    found = Relay(backlog, redis_url), Relay(backlog, redis_url)
    yield found
    for each in found:
        await each.close()


class Work:
    """A job that lasts until it is told to end; which of them began."""

    def __init__(self) -> None:
        self.begun, self.told = list[str](), asyncio.Event()
        self.duty = Duty(Job.BUILD_EXPORT, self._do, self._give_up)

    async def _do(self, _house: House, _row: object, arguments: Any) -> None:
        self.begun.append(arguments["export"])
        await self.told.wait()

    async def _give_up(self, *_: object) -> None:
        raise AssertionError("nothing is given up")


def serving(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, backlog: Backlog, work: Work
) -> asyncio.Task[None]:
    """The exports queue, as a worker process serves it."""
    monkeypatch.setattr("jobs.worker.DUTIES", (work.duty,))
    house = cast("House", SimpleNamespace(settings=SimpleNamespace(redis_url=redis_url)))
    return asyncio.create_task(_serve_queue(house, backlog, EXPORTS_QUEUE))


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.01)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_relay_that_is_stopped_between_two_jobs_has_handed_over_all_that_it_claimed(
    backlog: Backlog, relays: tuple[Relay, Relay], pool: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = relays
    asked, go_on, enqueue = asyncio.Event(), asyncio.Event(), ArqRedis.enqueue_job

    async def slowly(self: ArqRedis, *args: Any, **more: Any) -> Any:
        asked.set()
        await go_on.wait()
        return await enqueue(self, *args, **more)

    monkeypatch.setattr(ArqRedis, "enqueue_job", slowly)
    round_ = asyncio.create_task(first.round())
    await asyncio.wait_for(asked.wait(), 30)
    round_.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await round_
    names = {f"{each.row_id}:0" for each in await backlog.waiting()}
    queued = {each.decode() for each in await pool.zrange(EXPORTS_QUEUE, 0, -1)}
    assert (len(names), queued) == (ROWS, names), "whoever works on takes them from the queue"
    assert await second.round() == 0


async def test_what_a_worker_took_and_had_not_begun_when_it_stopped_is_begun_by_another_at_the_same_moment(
    storage: Storage,
    backlog: Backlog,
    relays: tuple[Relay, Relay],
    pool: ArqRedis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay, _ = relays
    leaving, heir = Work(), Work()
    assert await relay.round() == ROWS

    async def two_taken() -> bool:
        return len([key async for key in pool.scan_iter(match=f"{in_progress_key_prefix}*")]) == 2

    async with storage.write(TenantScope(VENDOR_ID)) as held:  # so that none of what it takes can begin
        await held.execute(select(outbox.c.id).with_for_update())
        worker = serving(monkeypatch, redis_url, backlog, leaving)
        await until(two_taken)
        worker.cancel()
        await asyncio.sleep(0.05)
    await asyncio.gather(worker, return_exceptions=True)
    assert leaving.begun == []
    assert [key async for key in pool.scan_iter(match=f"{in_progress_key_prefix}*")] == []

    assert await relay.round() == 2, "they are offered anew; the third lies in the queue"
    another = serving(monkeypatch, redis_url, backlog, heir)
    heir.told.set()

    async def all_done() -> bool:
        return await backlog.waiting() == ()

    await until(all_done)
    assert sorted(heir.begun) == [str(each) for each in range(ROWS)]
    await stopped(another)


async def test_what_a_worker_was_at_when_it_stopped_is_begun_by_another_at_the_same_moment(
    backlog: Backlog,
    relays: tuple[Relay, Relay],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay, _ = relays
    leaving, heir = Work(), Work()
    await relay.round()
    worker = serving(monkeypatch, redis_url, backlog, leaving)

    async def two_begun() -> bool:
        return len(leaving.begun) == 2

    await until(two_begun)
    await stopped(worker)
    assert await relay.round() == 2
    another = serving(monkeypatch, redis_url, backlog, heir)
    heir.told.set()

    async def all_done() -> bool:
        return await backlog.waiting() == ()

    await until(all_done)
    assert sorted(heir.begun) == [str(each) for each in range(ROWS)]
    await stopped(another)


async def test_what_never_ends_holds_up_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.stopping.PATIENCE", 0)
    cut = asyncio.Event()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    work = asyncio.create_task(to_the_end(for_ever()))
    await asyncio.sleep(0)
    await stopped(work)
    assert (work.cancelled(), cut.is_set()) == (True, True)
