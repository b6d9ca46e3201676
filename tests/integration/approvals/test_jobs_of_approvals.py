"""Deadlines are kept by the worker, and whoever asked learns what became of it, once or again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from dual_control import Desk

from jobs import approvals as jobs
from jobs.workbench import Workbench
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job

#: Deadlines and what became of it; that people are told has tests of its own.
DUTIES = {
    duty.job: duty for duty in jobs.APPROVAL_DUTIES if duty.job in {Job.EXPIRE_APPROVAL, Job.APPROVAL_SETTLED}
}


async def work(desk: Desk) -> list[Job]:
    """Do what is due, as the worker does."""
    backlog = Backlog(desk.house.storage)
    bench = Workbench(desk.house, backlog)
    done = []
    while tickets := await backlog.hand_over(DEFAULT_QUEUE):
        for ticket in tickets:
            if ticket.job not in DUTIES:
                continue
            await bench.attempt(DUTIES[ticket.job], str(ticket.row_id), ticket.attempts)
            done.append(ticket.job)
    return done


async def waiting(desk: Desk) -> list[tuple[str, dict[str, str]]]:
    return [
        (job, arguments) for job, arguments in await desk.jobs() if job in {each.value for each in DUTIES}
    ]


async def test_the_worker_lets_expire_what_is_over_and_tells_whoever_asked(desk, clock, monkeypatch):
    told: list[tuple[UUID, UUID]] = []

    async def tell(house, tenant_id, request_id):
        told.append((tenant_id, request_id))

    monkeypatch.setattr(jobs, "SETTLED", {ApprovalKind.RETENTION_CHANGE: tell})
    request = await desk.ask()
    assert await work(desk) == []
    clock.advance(timedelta(days=1, seconds=1))

    assert await work(desk) == [Job.EXPIRE_APPROVAL, Job.APPROVAL_SETTLED]
    assert told == [(desk.tenant.id, request.id)]
    assert await desk.kinds() == ["requested", "expired"]
    assert await waiting(desk) == []


async def test_a_kind_that_nobody_waits_for_is_settled_all_the_same(desk):
    await desk.deny(await desk.ask(), "sam")

    assert await work(desk) == [Job.APPROVAL_SETTLED]


async def test_a_deadline_of_what_was_approved_in_time_is_no_end(desk, clock):
    request = await desk.ask()
    clock.advance(timedelta(hours=23, minutes=59))
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    await work(desk)
    clock.advance(timedelta(minutes=1, seconds=1))

    assert await work(desk) == [Job.EXPIRE_APPROVAL]
    assert await desk.kinds() == ["requested", "approved", "approved"]
    clock.advance(timedelta(hours=1))
    assert await work(desk) == [Job.EXPIRE_APPROVAL, Job.APPROVAL_SETTLED]
    assert (await desk.kinds())[-1] == "expired"


async def test_a_clock_that_runs_behind_looks_again(desk, clock):
    request = await desk.ask()
    (row,) = [arguments for job, arguments in await waiting(desk) if job == "expire_approval"]
    backlog = Backlog(desk.house.storage)
    clock.advance(timedelta(days=1, seconds=1))
    (ticket,) = [each for each in await backlog.hand_over(DEFAULT_QUEUE) if each.job is Job.EXPIRE_APPROVAL]
    await backlog.start(ticket)
    clock.advance(timedelta(seconds=-3))

    assert not await desk.house.decisions.expire(desk.tenant.id, request.id, ticket.row_id)

    assert await waiting(desk) == [("expire_approval", row)]
    clock.advance(timedelta(seconds=3))
    assert (await work(desk))[0] is Job.EXPIRE_APPROVAL
    assert (await desk.kinds())[-1] == "expired"
