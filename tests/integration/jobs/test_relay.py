"""From the outbox to a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis, create_pool

from jobs.relay import QUEUE_LOST, Relay, from_json, queue_settings, to_json
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import QUEUED_LEASE, Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, EXPORTS_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


@pytest.fixture
async def relay(storage: Storage, redis_url: str) -> AsyncIterator[Relay]:
    relay = Relay(Backlog(storage), redis_url)
    yield relay
    await relay.close()


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[ArqRedis]:
    pool = await create_pool(queue_settings(redis_url), job_serializer=to_json, job_deserializer=from_json)
    yield pool
    await pool.aclose(close_connection_pool=True)


async def ask(storage: Storage, job: Job) -> None:
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        await session.enqueue(job, {"export_id": "e"})


async def test_jobs_travel_as_json_with_ids_only(storage: Storage, relay: Relay, queue: ArqRedis):
    await ask(storage, Job.BUILD_EXPORT)
    assert await relay.round() == 1
    (row,) = await Backlog(storage).waiting()
    (job,) = await queue.queued_jobs(queue_name=EXPORTS_QUEUE)
    assert (job.function, job.args, job.kwargs) == ("build_export", [str(row.row_id), 0], {})
    assert job.job_id == f"{row.row_id}:0"
    assert await queue.queued_jobs(queue_name=DEFAULT_QUEUE) == []


async def test_a_queue_server_that_forgot_everything_is_refilled(
    storage: Storage, relay: Relay, queue: ArqRedis, clock: ManualClock
):
    await ask(storage, Job.ISSUE_SLA_REPORT)
    await relay.round()
    clock.advance(QUEUED_LEASE)
    await relay.round()
    assert len(await queue.queued_jobs(queue_name=DEFAULT_QUEUE)) == 1, "offered twice, queued once"
    await queue.flushall()
    clock.advance(QUEUED_LEASE)
    await relay.round()
    assert len(await queue.queued_jobs(queue_name=DEFAULT_QUEUE)) == 1


async def test_no_row_is_claimed_while_the_queue_server_is_away(storage: Storage):
    await ask(storage, Job.ISSUE_SLA_REPORT)
    relay = Relay(Backlog(storage), "redis://127.0.0.1:1")
    with pytest.raises(QUEUE_LOST):
        await relay.round()
    assert len(await Backlog(storage).hand_over(DEFAULT_QUEUE)) == 1
