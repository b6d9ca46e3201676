"""A job that works for longer than arq waits for it, on a real Valkey."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from arq.connections import ArqRedis, create_pool
from arq.constants import in_progress_key_prefix
from arq.worker import JobExecutionFailed, Worker
from sqlalchemy import select

from jobs.duty import Duty
from jobs.relay import QUEUE_LOST, Relay, from_json, queue_settings, to_json
from jobs.workbench import Workbench
from jobs.worker import arq_worker, function_of
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import QUEUED_LEASE, WORKING_LEASE, Backlog, WaitingWork
from trust_portal.storage.outbox import EXPORTS_QUEUE, Job, outbox
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class Render:
    """A render that lasts until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.told = asyncio.Event(), asyncio.Event()
        self.times, self.given_up = 0, list[str]()
        self.duty = Duty(Job.BUILD_EXPORT, self._do, self._give_up)

    async def _do(self, *_: object) -> None:
        self.times += 1
        self.begun.set()
        await self.told.wait()

    async def _give_up(self, house: House, arguments: object, reason: str) -> None:
        self.given_up.append(reason)


@pytest.fixture
async def pool(redis_url: str) -> AsyncIterator[ArqRedis]:
    made = await create_pool(
        queue_settings(redis_url),
        job_serializer=to_json,
        job_deserializer=from_json,
        default_queue_name=EXPORTS_QUEUE,
    )
    yield made
    await made.aclose(close_connection_pool=True)


@pytest.fixture
async def relay(storage: Storage, redis_url: str) -> AsyncIterator[Relay]:
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        await session.enqueue(Job.BUILD_EXPORT, {"export": "e"})
    relay = Relay(Backlog(storage), redis_url)
    yield relay
    await relay.close()


def worker_of(pool: ArqRedis, storage: Storage, render: Render) -> Worker:
    bench = Workbench(cast("House", SimpleNamespace()), Backlog(storage))
    worker = arq_worker(pool, EXPORTS_QUEUE, [function_of(bench, render.duty)])
    worker.ctx["redis"] = pool  # as arq does when it begins
    return worker


async def forget_who_works(pool: ArqRedis) -> None:
    """What arq's own lease does when it runs out."""
    keys = [key async for key in pool.scan_iter(match=f"{in_progress_key_prefix}*")]
    assert len(keys) == 1
    await pool.delete(*keys)


async def test_a_job_under_way_is_begun_by_nobody_again_however_long_it_works(
    storage: Storage,
    clock: ManualClock,
    pool: ArqRedis,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("jobs.workbench.WORKING_LEASE", timedelta(milliseconds=3))
    render = Render()
    first, second = worker_of(pool, storage, render), worker_of(pool, storage, render)
    assert await relay.round() == 1
    await first._poll_iteration()
    await asyncio.wait_for(render.begun.wait(), 30)
    (task,) = first.tasks.values()
    await forget_who_works(pool)
    for _ in range(10):
        clock.advance(WORKING_LEASE - timedelta(seconds=1))
        await renewed(storage, clock)
        assert await relay.round() == 0, "its lease lasts while it works"
        await first._poll_iteration()
        await second._poll_iteration()
        assert (list(first.tasks.values()), second.tasks) == ([task], {})
    assert clock.now() - (await one(storage)).due_at > QUEUED_LEASE
    render.told.set()
    await task
    assert (render.times, render.given_up, await Backlog(storage).waiting()) == (1, [], ())
    assert (first.jobs_complete, first.jobs_failed, second.jobs_failed) == (1, 0, 0)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []


async def renewed(storage: Storage, clock: ManualClock) -> None:
    """Until the worker renewed the lease at the time that it is now."""
    async with asyncio.timeout(30):
        while True:
            async with storage.read(TenantScope(VENDOR_ID)) as session:
                rows = await session.execute(select(outbox.c.leased_until))
                if rows.scalar_one() == clock.now() + WORKING_LEASE:
                    return
            await asyncio.sleep(0)


async def one(storage: Storage) -> WaitingWork:
    (row,) = await Backlog(storage).waiting()
    return row


async def test_a_worker_that_stops_ends_a_long_job_and_gives_it_back(
    storage: Storage, pool: ArqRedis, relay: Relay
) -> None:
    render = Render()
    worker = worker_of(pool, storage, render)
    await relay.round()
    await worker._poll_iteration()
    await asyncio.wait_for(render.begun.wait(), 30)
    await forget_who_works(pool)
    await worker._poll_iteration()
    (task,) = worker.tasks.values()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await relay.round() == 1, "somebody else may begin at once"
    heir = worker_of(pool, storage, again := Render())
    await heir._poll_iteration()
    await asyncio.wait_for(again.begun.wait(), 30)
    again.told.set()
    await asyncio.gather(*heir.tasks.values())
    assert (render.times, again.times) == (1, 1)


async def test_a_job_works_on_when_the_queue_is_away_as_it_begins(
    storage: Storage, pool: ArqRedis, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = Render()
    render.told.set()
    worker = worker_of(pool, storage, render)
    await relay.round()

    async def away(*_: object) -> int:
        raise QUEUE_LOST[0]("away")

    monkeypatch.setattr(pool, "zrem", away)
    await worker._poll_iteration()
    await asyncio.gather(*worker.tasks.values())
    assert (render.times, render.given_up, await Backlog(storage).waiting()) == (1, [], ())


def test_a_failure_of_arqs_own_is_written_in_words() -> None:
    noted = json.loads(to_json({"t": 2, "r": JobExecutionFailed("max 1 retries exceeded")}))
    assert noted == {"t": 2, "r": "JobExecutionFailed: max 1 retries exceeded"}


def test_nothing_else_than_json_travels() -> None:
    with pytest.raises(TypeError, match="a set does not travel: jobs are ids only"):
        to_json({"a": {1}})
