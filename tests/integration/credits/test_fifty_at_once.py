"""Fifty people do the same at the same moment: one outcome, and a receipt for each thing that happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import itemgetter

import pytest
from credit_desk import PLACES, Desk, promise
from sqlalchemy import text
from support.sequencing import sequencing

from trust_portal.access.approvals.model import Approve
from trust_portal.errors import Conflict, Refused
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.log_check import check_logs
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


async def assert_gapless(desk: Desk) -> None:
    """Every receipt of the tenant stands in its log once, at 0, 1, 2 …; of a credit and its approval in their order."""
    house, tenant_id = desk.house, desk.tenant.id
    async with sequencing(house):
        async with house.storage.read(TenantScope(tenant_id)) as session:
            query = "SELECT id FROM receipts WHERE tenant_id = :t"
            recorded = set((await session.execute(text(query), {"t": tenant_id})).scalars())
        for receipt_id in recorded:
            await house.ledger.wait(tenant_id, receipt_id)
    await check_logs(house.storage, house.keyring)
    async with house.storage.read(TenantScope(tenant_id)) as session:
        query = 'SELECT "index", receipt_id FROM log_entries WHERE tenant_id = :t ORDER BY "index"'
        entries = (await session.execute(text(query), {"t": tenant_id})).all()
        assert [each.index for each in entries] == list(range(len(recorded)))
        assert {each.receipt_id for each in entries} == recorded
        places = {each.receipt_id: each.index for each in entries}
        for chain in (
            "SELECT credit_id, ordinal, receipt_id FROM credit_states WHERE tenant_id = :t ORDER BY 1, 2",
            "SELECT request_id, ordinal, receipt_id FROM approval_steps WHERE tenant_id = :t ORDER BY 1, 2",
        ):
            found = (await session.execute(text(chain), {"t": tenant_id})).all()
            for _, links in groupby(found, key=itemgetter(0)):
                ordinals, positions = zip(
                    *((each.ordinal, places[each.receipt_id]) for each in links), strict=True
                )
                assert ordinals == tuple(range(1, len(ordinals) + 1))
                assert list(positions) == sorted(positions)
    assert [each async for each in audit(house.storage, AuditTotals())] == []


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
    await assert_gapless(desk)


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
    await assert_gapless(desk)


async def test_fifty_issues_are_one(desk: Desk, credit):
    approved = await desk.approve(credit)
    became = await all_at_once(lambda number: desk.issue(approved, reference=f"CN-{number}"))
    assert became == {"done": 1, "APPROVAL_USED": FIFTY - 1}
    assert await trail(desk, credit.id) == [(1, "proposed", True), (2, "approved", True), (3, "issued", True)]
    assert await desk.kinds() == ["credit.calculated", "credit.proposed", "credit.approved", "credit.issued"]
    assert await desk.kinds("approval.used") == ["approval.used"]
    await assert_gapless(desk)


async def test_fifty_voids_are_one(desk: Desk, credit):
    became = await all_at_once(lambda _: desk.void(credit))
    assert became == {"done": 1, "CREDIT_NOT_OPEN": FIFTY - 1}
    assert await trail(desk, credit.id) == [(1, "proposed", True), (2, "voided", True)]
    assert await desk.kinds("approval.voided") == ["approval.voided"]
    await assert_gapless(desk)


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
    await assert_gapless(desk)
    with pytest.raises(Conflict):
        await desk.void(approved)
