"""Fifty people do the same at the same moment: one outcome, and a receipt for each thing that happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from credit_desk import PLACES, Desk, promise
from sqlalchemy import text

from trust_portal.access.approvals.model import Approve
from trust_portal.errors import Conflict, Refused
from trust_portal.house import House
from trust_portal.reliability.credits.model import CreditState
from trust_portal.storage.tenancy import TenantScope

FIFTY = 50


async def all_at_once(act: Callable[[int], Awaitable[object]]) -> Counter[str]:
    """What became of fifty attempts, by code; ``done`` for those that went through."""

    async def attempt(number: int) -> str:
        try:
            await act(number)
        except Refused as refusal:
            return refusal.code
        return "done"

    return Counter(await asyncio.gather(*(attempt(number) for number in range(FIFTY))))


async def trail(desk: Desk, credit_id) -> list[tuple[int, str, bool]]:
    """The credit's states, and whether each has its own receipt of its own kind."""
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        rows = await session.execute(
            text(
                "SELECT s.ordinal, s.state, r.kind = 'credit.' || s.state AS receipted FROM credit_states s "
                "JOIN receipts r ON r.tenant_id = s.tenant_id AND r.id = s.receipt_id "
                "WHERE s.tenant_id = :t AND s.credit_id = :c ORDER BY s.ordinal"
            ),
            {"t": desk.tenant.id, "c": credit_id},
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def credit(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    return await desk.propose()


async def test_fifty_proposals_leave_one_credit(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    assert await all_at_once(lambda _: desk.propose()) == {"done": 1, "CREDIT_LIVE": FIFTY - 1}
    assert await desk.kinds() == ["credit.calculated", "credit.proposed"]
    assert await desk.kinds("approval.%") == ["approval.requested"]


async def test_fifty_approvals_are_two_and_the_credit_is_approved_once(desk: Desk, credit):
    request = (await desk.approval(credit)).request

    signatures = [
        await desk.devices.sign(request, desk.by(name), "looks right", slot=PLACES[name]) for name in PLACES
    ]

    async def approve(number: int) -> None:
        signature = signatures[number % 2]
        command = Approve(desk.tenant.id, request.id, request.digest, "looks right", assertion=signature)
        await desk.house.decisions.approve(command, desk.by(list(PLACES)[number % 2]))
        await desk.house.credit_decisions.approval_settled(desk.tenant.id, request.id)

    became = await all_at_once(approve)
    assert became["done"] == 2
    assert set(became) <= {"done", "SAME_APPROVER", "APPROVAL_COMPLETE", "ASSERTION_USED"}
    assert await trail(desk, credit.id) == [(1, "proposed", True), (2, "approved", True)]
    assert await desk.kinds("approval.approved") == ["approval.approved"] * 2


async def test_fifty_issues_are_one(desk: Desk, credit):
    approved = await desk.approve(credit)
    became = await all_at_once(lambda number: desk.issue(approved, reference=f"CN-{number}"))
    assert became == {"done": 1, "APPROVAL_USED": FIFTY - 1}
    assert await trail(desk, credit.id) == [(1, "proposed", True), (2, "approved", True), (3, "issued", True)]
    assert await desk.kinds() == ["credit.calculated", "credit.proposed", "credit.approved", "credit.issued"]
    assert await desk.kinds("approval.used") == ["approval.used"]


async def test_fifty_voids_are_one(desk: Desk, credit):
    became = await all_at_once(lambda _: desk.void(credit))
    assert became == {"done": 1, "CREDIT_NOT_OPEN": FIFTY - 1}
    assert await trail(desk, credit.id) == [(1, "proposed", True), (2, "voided", True)]
    assert await desk.kinds("approval.voided") == ["approval.voided"]


async def test_issuing_and_voiding_at_once_have_one_outcome(desk: Desk, credit):
    approved = await desk.approve(credit)

    async def act(number: int) -> None:
        if number % 2:
            await desk.void(approved)
        else:
            await desk.issue(approved, reference=f"CN-{number}")

    became = await all_at_once(act)
    assert became["done"] == 1
    end = (await desk.look(credit)).state
    assert end in {CreditState.ISSUED, CreditState.VOIDED}
    states = await trail(desk, credit.id)
    assert [each[:2] for each in states] == [(1, "proposed"), (2, "approved"), (3, end.value)]
    assert all(each[2] for each in states)
    ends = [kind for kind in await desk.kinds() if kind in {"credit.issued", "credit.voided"}]
    assert ends == [f"credit.{end.value}"]
    with pytest.raises(Conflict):
        await desk.void(approved)
