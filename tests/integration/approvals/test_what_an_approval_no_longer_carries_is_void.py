"""``Approvals.settle``: done once, or void and said to whoever asked; other errors are nobody's refusal."""

from __future__ import annotations

import pytest
from dual_control import Desk, state

from trust_portal.access.approvals.decision import (
    ApprovalRefused,
    ApprovalSpent,
    IntentChanged,
    no_longer_stands,
    refuse_state,
)
from trust_portal.access.approvals.model import ApprovalRequest, ApprovalState, UsedApproval
from trust_portal.errors import Conflict, Unavailable

pytestmark = pytest.mark.takes(seconds=9)


async def approved(desk: Desk) -> ApprovalRequest:
    request = await desk.ask()
    for name in ("sam", "fay"):
        await desk.approve(request, name)
    return request


async def look(desk: Desk, request: ApprovalRequest) -> tuple[ApprovalState, str]:
    view = await desk.house.approval_inbox.get(desk.requester, desk.tenant.id, request.id)
    last = view.approval.steps[-1] if view.approval.steps else None
    return state(desk, view.approval), "" if last is None else last.reason


async def test_what_was_approved_is_done_once_and_nothing_is_done_in_any_other_state(desk: Desk) -> None:
    request, done = await desk.ask(), []

    async def act() -> UsedApproval:
        done.append(1)
        return await desk.use(request)

    settle = desk.house.approvals.settle
    assert await settle(desk.tenant.id, request.id, act, "It cannot be done") is None
    for name in ("sam", "fay"):
        await desk.approve(request, name)
    used = await settle(desk.tenant.id, request.id, act, "It cannot be done")
    assert used is not None
    assert state(desk, used.approval) is ApprovalState.USED
    assert await settle(desk.tenant.id, request.id, act, "It cannot be done") is None
    assert len(done) == 1


async def test_what_cannot_be_done_any_more_is_void_with_the_reason(desk: Desk) -> None:
    request = await approved(desk)

    async def act() -> None:
        with no_longer_stands():
            raise Conflict("the exports are gone", code="GONE")

    assert await desk.house.approvals.settle(desk.tenant.id, request.id, act, "It cannot be done") is None
    assert await look(desk, request) == (ApprovalState.VOID, "It cannot be done: the exports are gone.")


@pytest.mark.parametrize("error", [Conflict("busy"), Unavailable("away")], ids=["conflict", "unavailable"])
async def test_what_fails_for_another_reason_leaves_the_approval_as_it_is(
    desk: Desk, error: Conflict | Unavailable
) -> None:
    request = await approved(desk)
    before = await desk.stored()

    async def act() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        await desk.house.approvals.settle(desk.tenant.id, request.id, act, "It cannot be done")
    assert raised.value is error
    assert await desk.stored() == before


async def test_somebody_quicker_who_used_it_voids_nothing(desk: Desk) -> None:
    request = await approved(desk)

    async def act() -> UsedApproval:
        await desk.use(request)
        return await desk.use(request)

    assert await desk.house.approvals.settle(desk.tenant.id, request.id, act, "It cannot be done") is None
    assert (await look(desk, request))[0] is ApprovalState.USED


def test_refusals_that_are_caught_have_names_of_their_own() -> None:
    assert type(refuse_state(ApprovalState.USED)) is ApprovalSpent
    assert type(refuse_state(ApprovalState.EXPIRED)) is ApprovalRefused
    named = IntentChanged("another amount", code="INTENT_CHANGED", field="amount")
    with pytest.raises(IntentChanged) as kept, no_longer_stands():
        raise named
    assert kept.value is named
    with pytest.raises(ApprovalRefused) as turned, no_longer_stands():
        raise Conflict("somebody was quicker", code="STALE", field="revision")
    assert (turned.value.code, turned.value.field) == ("STALE", "revision")
