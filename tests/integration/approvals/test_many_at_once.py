"""Fifty at a time: one outcome, and a receipt for everything that happened and nothing that did not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

import pytest
from dual_control import Desk, add_person

from trust_portal.access.approvals.decision import state_of
from trust_portal.access.approvals.model import Approval, ApprovalRequest, ApprovalState, StepAct
from trust_portal.access.approvals.repository import find_approval
from trust_portal.errors import Refused
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.log_check import check_logs
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.kernel.actor import Role
from trust_portal.storage.tenancy import LedgerScope, TenantScope

pytestmark = pytest.mark.takes(seconds=30)


async def outcomes(acts: Iterable[Awaitable[object]]) -> Counter[str]:
    """How often which code; ``done`` for what was let through."""
    found: Counter[str] = Counter()
    for each in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(each, Refused):
            found[each.code] += 1
        else:
            assert not isinstance(each, BaseException), each
            found["done"] += 1
    return found


async def stored(desk: Desk, request: ApprovalRequest) -> Approval:
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        approval = await find_approval(session, desk.tenant.id, request.id)
    assert approval is not None
    return approval


async def assert_gapless(desk: Desk, approval: Approval) -> None:
    """Every step has its receipt and every receipt its step; all stand in a log without gaps."""
    house = desk.house
    kinds = await desk.kinds()
    assert len(kinds) == 1 + len(approval.steps)
    assert [each.ordinal for each in approval.steps] == list(range(1, len(approval.steps) + 1))
    stop = asyncio.Event()
    sequencer = asyncio.create_task(run_sequencer(house.storage, house.keyring, stop, host="t.example"))
    for each in approval.steps:
        await house.ledger.wait(desk.tenant.id, each.receipt_id)
    stop.set()
    await sequencer
    await check_logs(house.storage, house.keyring)
    assert [each async for each in audit(house.storage, AuditTotals())] == []
    async with house.storage.read(LedgerScope()) as session:
        driver = await session.driver()
        assert await driver.fetchval("SELECT count(*) FROM pending_receipts") == 0


async def test_fifty_uses_of_one_approval_are_one_use(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")

    found = await outcomes(desk.use(request) for _ in range(50))

    assert found == {"done": 1, "APPROVAL_USED": 49}
    approval = await stored(desk, request)
    assert [each.act for each in approval.steps] == [StepAct.APPROVE, StepAct.APPROVE, StepAct.USE]
    await assert_gapless(desk, approval)


async def test_fifty_people_who_approve_at_once_fill_each_place_once(desk):
    for number in range(21):
        for role in (Role.APPROVER_SECURITY, Role.APPROVER_FINANCE):
            name = f"{role.value}{number}"
            desk.people = {**desk.people, name: await add_person(desk.house, f"{name}@vendor.example", role)}
    names = [name for name in desk.people if name != "olive"][:46]
    request = await desk.ask()

    found = await outcomes(desk.approve(request, name) for name in (*names, *names[:4]))

    assert found["done"] == 2
    assert sum(found.values()) == 50
    assert set(found) <= {"done", "APPROVAL_COMPLETE", "NOT_AN_APPROVER", "SAME_APPROVER", "WOULD_BLOCK"}
    approval = await stored(desk, request)
    assert state_of(approval, desk.house.clock.now()) is ApprovalState.APPROVED
    assert {each.slot for each in approval.approvals} == {1, 2}
    assert len({each.person_id for each in approval.approvals}) == 2
    await assert_gapless(desk, approval)


@pytest.mark.parametrize("seed", range(3))
async def test_everything_at_once_leaves_one_end(desk, seed):
    """Approvals, a denial, a withdrawal and uses of one request, in whatever order they arrive."""
    request = await desk.ask()
    acts = [
        lambda: desk.approve(request, "sam"),
        lambda: desk.approve(request, "fay"),
        lambda: desk.use(request),
        lambda: desk.deny(request, "sid"),
        lambda: desk.withdraw(request),
    ]

    await outcomes(acts[(at * (seed + 1)) % len(acts)]() for at in range(50))

    approval = await stored(desk, request)
    assert approval.end is not None
    assert [each.act for each in approval.steps[:-1]] == [StepAct.APPROVE] * (len(approval.steps) - 1)
    assert await outcomes([desk.use(request), desk.withdraw(request)]) == {
        {"use": "APPROVAL_USED", "deny": "APPROVAL_DENIED", "withdraw": "APPROVAL_WITHDRAWN"}[
            approval.end.act.value
        ]: 2
    }
    await assert_gapless(desk, approval)
