"""Who may decide is read before the transaction: it carries no act but the one that it was read for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from dual_control import Desk, intent_of, state

from trust_portal.access.approvals.electorate import GOOD_FOR, Electorate
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest, ApprovalState, AskApproval
from trust_portal.errors import Broken, TrustPortalError, Unavailable
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=9)

#: How a reading goes that is not of this act.
Reading = Callable[[Desk], Awaitable[Electorate]]


async def _of_another_kind(desk: Desk) -> Electorate:
    return await desk.house.approvals.who_could(ApprovalKind.POLICY_CHANGE, desk.tenant.id)


async def _of_another_tenant(desk: Desk) -> Electorate:
    return await desk.house.approvals.who_could(desk.kind, desk.stranger.id)


async def _of_the_vendor(desk: Desk) -> Electorate:
    return await desk.house.approvals.who_could(desk.kind, VENDOR_ID)


async def _of_too_long_ago(desk: Desk) -> Electorate:
    known = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)
    desk.house.storage.clock.advance(GOOD_FOR + timedelta(seconds=1))
    return known


async def _by_other_policies(desk: Desk) -> Electorate:
    known = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)
    return replace(known, policy_version="0" * 64)


WRONG: dict[Reading, tuple[type[TrustPortalError], str]] = {
    _of_another_kind: (Broken, "WRONG_ELECTORATE"),
    _of_another_tenant: (Broken, "WRONG_ELECTORATE"),
    _of_the_vendor: (Broken, "WRONG_ELECTORATE"),
    _of_too_long_ago: (Unavailable, "ELECTORATE_STALE"),
    _by_other_policies: (Unavailable, "ELECTORATE_STALE"),
}


async def _open(desk: Desk, electorate: Electorate) -> ApprovalRequest:
    ask = AskApproval(desk.tenant.id, intent_of(desk.tenant, desk.kind), "storage doubled", "exports/7")
    async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
        return await desk.house.approvals.open(session, ask, desk.requester, electorate)


async def _use(desk: Desk, request: ApprovalRequest, electorate: Electorate) -> None:
    async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
        await desk.house.approvals.use(session, request.id, request.intent, desk.requester, electorate)


@pytest.mark.parametrize("read", WRONG, ids=lambda each: each.__name__.lstrip("_"))
async def test_an_electorate_that_is_not_of_this_neither_opens_a_request_nor_spends_one(
    desk: Desk, read: Reading
) -> None:
    kind, code = WRONG[read]
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    electorate = await read(desk)
    before = await desk.stored()

    with pytest.raises(kind) as opened:
        await _open(desk, electorate)
    with pytest.raises(kind) as used:
        await _use(desk, request, electorate)

    assert (type(opened.value), opened.value.code, used.value.code) == (kind, code, code)
    assert await desk.stored() == before
    assert state(desk, (await desk.use(request)).approval) is ApprovalState.USED


async def test_an_electorate_is_good_for_five_minutes(desk: Desk) -> None:
    known = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)
    desk.house.storage.clock.advance(timedelta(minutes=5))
    assert state(desk, await desk.approve(await _open(desk, known), "sam")) is ApprovalState.PENDING


async def test_nothing_is_asked_about_one_tenant_in_the_transaction_of_another(desk: Desk) -> None:
    known = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)
    ask = AskApproval(desk.tenant.id, intent_of(desk.tenant, desk.kind), "storage doubled", "exports/7")
    before = await desk.stored()
    with pytest.raises(Broken) as refused:
        async with desk.house.storage.write(TenantScope(desk.stranger.id)) as session:
            await desk.house.approvals.open(session, ask, desk.requester, known)
    assert refused.value.code == "WRONG_SCOPE"
    assert await desk.stored() == before


async def test_no_electorate_of_nobody_opens_anything(desk: Desk) -> None:
    nobody = desk.house.approvals.nobody(desk.kind, desk.tenant.id)
    before = await desk.stored()
    with pytest.raises(TrustPortalError) as refused:
        await _open(desk, nobody)
    assert refused.value.code == "UNFULFILLABLE"
    assert await desk.stored() == before
