"""Deadlines of dual control: to the last moment, and not after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from dual_control import Desk, refused, state
from sqlalchemy import select

from trust_portal.access.approvals.model import ApprovalState
from trust_portal.access.approvals.velocity import PairHint
from trust_portal.errors import NotFound
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.outbox import outbox
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=7)


async def test_a_request_is_decided_up_to_its_last_moment_and_not_after(desk, clock):
    request, late = await desk.ask(), await desk.ask()
    clock.advance(timedelta(days=1))
    assert clock.now() == request.expires_at
    await desk.approve(request, "sam")

    clock.advance(timedelta(microseconds=1))

    assert await refused(desk, desk.approve(request, "fay")) == "APPROVAL_EXPIRED"
    assert await refused(desk, desk.deny(late, "fay")) == "APPROVAL_EXPIRED"
    assert await refused(desk, desk.withdraw(late)) == "APPROVAL_EXPIRED"


async def test_an_approval_is_used_up_to_its_last_moment_and_not_after(desk, clock):
    one, other = await desk.ask(), await desk.ask()
    for request in (one, other):
        await desk.approve(request, "sam")
        await desk.approve(request, "fay")
    clock.advance(timedelta(hours=1))
    await desk.use(one)

    clock.advance(timedelta(microseconds=1))

    assert await refused(desk, desk.use(other)) == "APPROVAL_EXPIRED"


async def test_an_approval_in_the_last_minute_has_its_own_time_for_use(desk, clock):
    request = await desk.ask()
    await desk.approve(request, "sam")
    clock.advance(timedelta(hours=24) - timedelta(minutes=1))
    await desk.approve(request, "fay")
    clock.advance(timedelta(minutes=30))

    assert not await desk.house.decisions.expire(desk.tenant.id, request.id)
    assert state(desk, (await desk.use(request)).approval) is ApprovalState.USED


async def test_what_is_over_is_put_on_record_once(desk, house, clock):
    pending, approved = await desk.ask(), await desk.ask()
    await desk.approve(approved, "sam")
    await desk.approve(approved, "fay")
    expire = house.decisions.expire

    assert not await expire(desk.tenant.id, pending.id)
    clock.advance(timedelta(hours=1, seconds=1))
    assert await expire(desk.tenant.id, approved.id)
    assert not await expire(desk.tenant.id, pending.id)
    clock.advance(timedelta(days=1))
    assert await expire(desk.tenant.id, pending.id)

    before = await desk.stored()
    assert not await expire(desk.tenant.id, pending.id)
    assert not await expire(desk.tenant.id, approved.id)
    assert await desk.stored() == before
    assert (await desk.kinds()).count("expired") == 2
    assert await refused(desk, desk.use(approved)) == "APPROVAL_EXPIRED"


async def test_the_worker_is_asked_to_look_after_each_deadline(desk, clock):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")

    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        query = select(outbox.c.due_at).where(outbox.c.job == "expire_approval").order_by(outbox.c.id)
        due = [row.due_at - clock.now() for row in await session.execute(query)]
    second = timedelta(seconds=1)
    assert due == [timedelta(days=1) + second, timedelta(hours=1) + second]


async def test_an_unknown_request_is_not_found(desk):
    request = replace(await desk.ask(), id=new_id())

    for act in (
        desk.approve(request, "sam"),
        desk.deny(request, "sam"),
        desk.withdraw(request),
        desk.use(request),
    ):
        assert await refused(desk, act, NotFound) == "NOT_FOUND"


async def test_who_decides_sees_who_approves_for_whom_and_others_do_not(desk, clock):
    patterns = desk.house.approval_patterns
    for seconds in (30, 90):
        earlier = await desk.ask()
        clock.advance(timedelta(seconds=seconds))
        await desk.approve(earlier, "sam")
        await desk.deny(earlier, "fay")
    clock.advance(timedelta(days=31))
    request = await desk.ask()
    clock.advance(timedelta(seconds=5))
    await desk.approve(request, "sam")

    async def seen(name: str) -> list[tuple[str, bool, PairHint]]:
        view = await desk.house.approval_inbox.get(desk.by(name), desk.tenant.id, request.id)
        return [(each.name, each.decided, each.hint) for each in await patterns.of(desk.by(name), view)]

    sam = desk.people["sam"].id
    assert await seen("fay") == [("Sam", True, PairHint(sam, 0, 2, 0, 30, 1))]
    assert await seen("olive") == []


async def test_every_tenant_whose_approvals_were_counted_has_that_in_its_access_log(desk, clock):
    elsewhere = Desk(desk.house, desk.stranger, desk.people, desk.tenant)
    elsewhere.devices = desk.devices
    await elsewhere.approve(await elsewhere.ask(), "sam")
    clock.advance(timedelta(minutes=5))
    request = await desk.ask()
    await desk.approve(request, "sam")
    view = await desk.house.approval_inbox.get(desk.by("fay"), desk.tenant.id, request.id)

    async def looks(tenant_id) -> list[tuple[str, str]]:
        page = await desk.house.access_log.page(desk.by("sam"), tenant_id, PageRequest(50))
        found = [each for each in page.items if each.access.what == "approval pattern"]
        return [(each.actor_name, each.access.subject) for each in found]

    assert [each.hint.long for each in await desk.house.approval_patterns.of(desk.by("fay"), view)] == [1]
    assert await looks(desk.tenant.id) == [("Fay", str(request.id))]
    assert await looks(desk.stranger.id) == [("Fay", "")], "not which request it was for: that is another's"
    assert await desk.house.approval_patterns.of(desk.requester, view) == ()
    assert await looks(desk.tenant.id) == [("Fay", str(request.id))], "who sees no pattern leaves no line"
