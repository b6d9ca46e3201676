"""What is decided on, and how a request ends: a refusal for each way around it, and nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dual_control import intent_of, refused, state

from trust_portal.access.approvals.model import ApprovalKind, ApprovalState
from trust_portal.errors import Denied, InvalidInput
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import digest
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)


# What is decided on


async def test_any_change_of_the_intent_voids_the_approval(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    for change in (
        {"title": "Keep exports for ever"},
        {"effect": "About 4,000.00 EUR less storage a month"},
        {"risk": "None"},
        {"act": intent_of(desk.tenant, days="3").act},
        {"evidence": ()},
        {"tenant_key": "globex"},
        {"kind": ApprovalKind.PLAYBOOK_RUN},
    ):
        other = replace(request.intent, **change)
        assert await refused(desk, desk.use(request, other)) == "INTENT_CHANGED", change


async def test_a_decision_is_on_what_was_shown(desk):
    request = await desk.ask()
    other = digest({"shown": "something else"})

    assert await refused(desk, desk.approve(request, "sam", digest=other)) == "INTENT_CHANGED"
    assert await refused(desk, desk.deny(request, "sam", digest=other)) == "INTENT_CHANGED"


async def test_reasons_are_required_of_everybody(desk):
    request = await desk.ask()
    before = await desk.stored()

    for reason in ("", "  \n", "x" * 2001, "looks \u202efine"):
        for command in (desk.approve, desk.deny):
            with pytest.raises(InvalidInput) as caught:
                await command(request, "sam", reason=reason)
            assert caught.value.field == "reason"
    assert await desk.stored() == before


# One end


async def test_an_approval_is_used_once(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    await desk.use(request)

    assert await refused(desk, desk.use(request)) == "APPROVAL_USED"
    assert await refused(desk, desk.approve(request, "sid")) == "APPROVAL_USED"
    assert await refused(desk, desk.withdraw(request)) == "APPROVAL_USED"


async def test_nothing_is_used_before_everybody_has_approved(desk):
    request = await desk.ask()
    assert await refused(desk, desk.use(request)) == "APPROVAL_PENDING"
    await desk.approve(request, "sam")
    assert await refused(desk, desk.use(request)) == "APPROVAL_PENDING"


async def test_one_denial_ends_it_also_after_approvals(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    denied = await desk.deny(request, "sid")

    assert state(desk, denied) is ApprovalState.DENIED
    assert await refused(desk, desk.approve(request, "fay")) == "APPROVAL_DENIED"
    assert await refused(desk, desk.deny(request, "fay")) == "APPROVAL_DENIED"
    assert await refused(desk, desk.use(request)) == "APPROVAL_DENIED"
    assert await desk.kinds() == ["requested", "approved", "denied"]


async def test_once_everybody_has_approved_nobody_decides_any_more(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")

    assert await refused(desk, desk.approve(request, "both")) == "APPROVAL_COMPLETE"
    assert await refused(desk, desk.deny(request, "sid")) == "APPROVAL_COMPLETE"


async def test_the_requester_withdraws_and_nobody_else_does(desk):
    request = await desk.ask()
    assert await refused(desk, desk.withdraw(request, desk.by("sam")), Denied) == "DENIED"
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")

    withdrawn = await desk.withdraw(request)

    assert state(desk, withdrawn) is ApprovalState.WITHDRAWN
    assert await refused(desk, desk.use(request)) == "APPROVAL_WITHDRAWN"
    assert await refused(desk, desk.withdraw(request)) == "APPROVAL_WITHDRAWN"
    assert await desk.kinds() == ["requested", "approved", "approved", "withdrawn"]


async def test_what_no_longer_stands_is_void_and_an_end_stays_an_end(desk, house):
    request, ended = await desk.ask(), await desk.ask()
    await desk.deny(ended, "sam")

    async def void(request):
        async with house.storage.write(TenantScope(desk.tenant.id)) as session:
            return await house.approvals.void(session, request.id, "the anomaly was closed", SYSTEM)

    assert await void(request) is True
    assert await refused(desk, desk.approve(request, "sam")) == "APPROVAL_VOID"
    assert await refused(desk, desk.use(request)) == "APPROVAL_VOID"
    before = await desk.stored()
    assert await void(request) is False
    assert await void(ended) is False
    assert await desk.stored() == before
