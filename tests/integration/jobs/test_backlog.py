"""The outbox as workers see it, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import (
    MAX_ATTEMPTS,
    MAX_BACK_OFF,
    MAX_QUEUED,
    QUEUED_LEASE,
    WORKING_LEASE,
    Backlog,
)
from trust_portal.storage.outbox import DEFAULT_QUEUE, EXPORTS_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

HOUSE = TenantScope(VENDOR_ID)


@pytest.fixture
def backlog(storage: Storage) -> Backlog:
    return Backlog(storage)


async def ask(storage: Storage, job: Job = Job.ISSUE_SLA_REPORT, **options) -> None:
    async with storage.write(HOUSE) as session:
        await session.enqueue(job, {"run_id": "r"}, **options)


async def test_a_row_is_handed_over_once_and_only_to_its_own_queue(storage: Storage, backlog: Backlog):
    await ask(storage)
    await ask(storage, Job.BUILD_EXPORT)
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
    assert (ticket.job, ticket.attempts) == (Job.ISSUE_SLA_REPORT, 0)
    assert await backlog.hand_over(DEFAULT_QUEUE) == ()
    (export,) = await backlog.hand_over(EXPORTS_QUEUE)
    assert export.job is Job.BUILD_EXPORT


async def test_the_queues_due_are_those_that_would_hand_something_over(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    assert await backlog.queues_due() == set()
    await ask(storage)
    await ask(storage, Job.BUILD_EXPORT)
    assert await backlog.queues_due() == {DEFAULT_QUEUE, EXPORTS_QUEUE}
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
    assert await backlog.queues_due() == {EXPORTS_QUEUE}, "one that is leased waits"
    clock.advance(QUEUED_LEASE)
    assert await backlog.queues_due() == {DEFAULT_QUEUE, EXPORTS_QUEUE}, "until its lease runs out"
    await backlog.fail(ticket, "not now")
    assert await backlog.queues_due() == {EXPORTS_QUEUE}, "until it is tried again"
    clock.advance(timedelta(seconds=1))
    assert await backlog.queues_due() == {DEFAULT_QUEUE, EXPORTS_QUEUE}
    await backlog.give_up(ticket, "never")
    assert await backlog.queues_due() == {EXPORTS_QUEUE}, "one that was given up does not come back"


async def test_several_relays_share_the_rows_without_doubling_one(storage: Storage, backlog: Backlog):
    for _ in range(20):
        await ask(storage)
    shares = await asyncio.gather(*(backlog.hand_over(DEFAULT_QUEUE, limit=100) for _ in range(4)))
    ids = [ticket.row_id for share in shares for ticket in share]
    assert len(set(ids)) == len(ids) == 20


async def test_a_row_in_the_queue_too_long_is_offered_again_under_the_same_name(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    await ask(storage)
    (first,) = await backlog.hand_over(DEFAULT_QUEUE)
    clock.advance(QUEUED_LEASE)
    assert await backlog.hand_over(DEFAULT_QUEUE) == (first,)


async def test_a_killed_workers_row_comes_back_as_the_next_attempt_and_the_old_one_is_void(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    await ask(storage)
    (first,) = await backlog.hand_over(DEFAULT_QUEUE)
    begun = await backlog.start(first)
    assert begun is not None
    assert begun[1] == {"run_id": "r"}
    clock.advance(WORKING_LEASE)
    (second,) = await backlog.hand_over(DEFAULT_QUEUE)
    assert (second.row_id, second.attempts) == (first.row_id, 1)
    assert await backlog.start(first) is None
    assert await backlog.start(second) is not None
    assert not await backlog.keep(begun[0]), "the lease of the first attempt is lost"


async def test_a_lease_that_is_kept_does_not_run_out(storage: Storage, backlog: Backlog, clock: ManualClock):
    await ask(storage)
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
    begun = await backlog.start(ticket)
    assert begun is not None
    for _ in range(5):
        clock.advance(WORKING_LEASE / 3)
        assert await backlog.keep(begun[0])
    assert await backlog.hand_over(DEFAULT_QUEUE) == ()


async def test_what_is_given_back_is_begun_again_at_once_under_a_new_name_and_counts_for_nothing(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    await ask(storage)
    names = set()
    for _ in range(MAX_ATTEMPTS + 2):
        (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
        begun = await backlog.start(ticket)
        assert begun is not None
        names |= {ticket.name}
        assert begun[0].spent == 1
        await backlog.give_back(begun[0])
        assert await backlog.start(ticket) is None, "its name is void"
    assert len(names) == MAX_ATTEMPTS + 2
    for spent in (1, 2, 3):
        (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
        begun = await backlog.start(ticket)
        assert begun is not None
        assert begun[0].spent == spent, "an attempt whose worker died counts"
        clock.advance(WORKING_LEASE)


async def test_failures_wait_longer_each_time_and_keep_the_reason(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    await ask(storage)
    waits = []
    for _ in range(4):
        (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
        begun = await backlog.start(ticket)
        assert begun is not None
        await backlog.fail(begun[0], "ValueError")
        (row,) = await backlog.waiting()
        waits.append(row.due_at - clock.now())
        assert row.last_error == "ValueError"
        assert await backlog.hand_over(DEFAULT_QUEUE) == ()
        clock.advance(waits[-1])
    assert waits == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8)]
    assert max(waits) < MAX_BACK_OFF


async def test_a_row_given_up_stays_visible_and_frees_its_dedupe_key(storage: Storage, backlog: Backlog):
    await ask(storage, dedupe_key="k")
    await ask(storage, dedupe_key="k")
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
    begun = await backlog.start(ticket)
    assert begun is not None
    await backlog.give_up(begun[0], "NOT_FOUND")
    (row,) = await backlog.waiting()
    assert (row.failed_at is not None, row.last_error) == (True, "NOT_FOUND")
    assert await backlog.hand_over(DEFAULT_QUEUE) == ()
    await ask(storage, dedupe_key="k")
    assert len(await backlog.hand_over(DEFAULT_QUEUE)) == 1


async def test_of_what_is_asked_for_again_and_given_up_again_the_last_row_is_kept(
    storage: Storage, backlog: Backlog, clock: ManualClock
):
    for error in ("FIRST", "SECOND"):
        await ask(storage, dedupe_key="k")
        (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)
        begun = await backlog.start(ticket)
        assert begun is not None
        await backlog.give_up(begun[0], error)
        clock.advance(timedelta(hours=1))
    (row,) = await backlog.waiting()
    assert (row.last_error, row.failed_at) == ("SECOND", clock.now() - timedelta(hours=1))
    assert list((await backlog.given_up()).values()) == [1]


async def test_work_due_later_waits_until_then(storage: Storage, backlog: Backlog, clock: ManualClock):
    await ask(storage, due_at=clock.now() + timedelta(hours=1))
    assert await backlog.hand_over(DEFAULT_QUEUE) == ()
    clock.advance(timedelta(hours=1))
    assert len(await backlog.hand_over(DEFAULT_QUEUE)) == 1


async def test_no_more_rows_than_the_limit_are_with_the_queue_server(storage: Storage, backlog: Backlog):
    for _ in range(MAX_QUEUED + 3):
        await ask(storage)
    tickets = await backlog.hand_over(DEFAULT_QUEUE)
    assert len(tickets) == MAX_QUEUED
    assert await backlog.hand_over(DEFAULT_QUEUE) == ()
    await backlog.take_back(tickets[:2])
    assert len(await backlog.hand_over(DEFAULT_QUEUE)) == 2


async def test_of_two_workers_with_the_same_job_only_one_completes_it(storage: Storage, backlog: Backlog):
    await ask(storage)
    (ticket,) = await backlog.hand_over(DEFAULT_QUEUE)

    async def effect() -> bool:
        async with storage.write(HOUSE) as session:
            mine = await session.complete(ticket.row_id)
            await asyncio.sleep(0.05)
            return mine

    assert sorted(await asyncio.gather(effect(), effect())) == [False, True]
    assert await backlog.waiting() == ()
