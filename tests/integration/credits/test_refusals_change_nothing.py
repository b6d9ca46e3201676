"""Whatever is not as it was approved, or by the wrong person, is refused by its own name, and nothing changed."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest
from credit_desk import PLACES, Desk, correct, promise

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import Approve
from trust_portal.access.people.model import GrantRole
from trust_portal.access.tokens.model import CreateToken
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.reliability.credits.model import CreditState, IssueCredit, RejectCredit


async def refused(desk: Desk, act: Awaitable[object]) -> tuple[type[Refused], str]:
    """How ``act`` was refused; and that nothing changed by it."""
    before = await desk.stored()
    with pytest.raises(Refused) as refusal:
        await act
    assert await desk.stored() == before
    kind = Conflict if isinstance(refusal.value, ApprovalRefused) else type(refusal.value)
    return kind, refusal.value.code


@pytest.fixture
async def signed(house: House, desk: Desk):
    await promise(house)
    return await desk.sign()


async def approve(desk: Desk, credit, who) -> None:
    request = (await desk.approval(credit)).request
    actor = who if not isinstance(who, str) else desk.by(who)
    signature = None
    if who in PLACES:
        signature = await desk.devices.sign(request, actor, "looks right", slot=PLACES[who])
    command = Approve(desk.tenant.id, request.id, request.digest, "looks right", assertion=signature)
    await desk.house.decisions.approve(command, actor)


async def test_another_amount_than_was_approved_is_not_issued_and_none_twice(desk: Desk, signed):
    credit = await desk.approve(await desk.propose())
    assert await refused(desk, desk.issue(credit, amount="120.00")) == (Conflict, "INTENT_CHANGED")
    with pytest.raises(
        Conflict, match=r"120\.00 EUR is not the amount that was approved, which is \S+ EUR; book"
    ) as told:
        await desk.issue(credit, amount="120.00")
    assert told.value.field == "amount"
    issued = await desk.issue(credit)
    assert await refused(desk, desk.issue(issued, reference="CN-2")) == (Conflict, "APPROVAL_USED")


async def test_an_approval_is_good_for_a_day(desk: Desk, signed, clock: ManualClock):
    credit = await desk.approve(await desk.propose())
    clock.advance(timedelta(days=1, seconds=1))
    assert await refused(desk, desk.issue(credit)) == (Conflict, "APPROVAL_EXPIRED")
    await desk.house.credit_decisions.approval_settled(desk.tenant.id, credit.request_id)
    assert (await desk.look(credit)).state is CreditState.EXPIRED
    assert (await desk.kinds())[-1] == "credit.expired"


async def test_a_request_waits_for_a_week(desk: Desk, signed, clock: ManualClock):
    credit = await desk.propose()
    clock.advance(timedelta(days=7, seconds=1))
    assert await refused(desk, approve(desk, credit, "fay")) == (Conflict, "APPROVAL_EXPIRED")
    await desk.house.credit_decisions.approval_settled(desk.tenant.id, credit.request_id)
    assert (await desk.look(credit)).state is CreditState.EXPIRED
    assert (await desk.propose()).attempt == 2, "it can be proposed again"


async def test_one_person_does_not_approve_twice_whatever_their_roles(house: House, desk: Desk, signed):
    await house.people.grant(
        GrantRole(VENDOR_ID, desk.people["fay"].id, Role.APPROVER_RELIABILITY, None), CONSOLE
    )
    both = replace(desk.by("fay"), roles=frozenset({Role.APPROVER_FINANCE, Role.APPROVER_RELIABILITY}))
    credit = await desk.propose()
    await approve(desk, credit, "fay")
    assert await refused(desk, approve(desk, credit, both)) == (Conflict, "SAME_APPROVER")


async def test_who_asked_does_not_approve(house: House, desk: Desk, signed):
    roles = {Role.SRE_OPERATOR, Role.APPROVER_FINANCE}
    await house.people.grant(
        GrantRole(VENDOR_ID, desk.people["olive"].id, Role.APPROVER_FINANCE, None), CONSOLE
    )
    credit = await desk.propose()
    asked = replace(desk.by("olive"), roles=frozenset(roles))
    assert (await refused(desk, approve(desk, credit, asked)))[0] is Denied


async def test_a_token_approves_and_issues_nothing(house: House, desk: Desk, signed):
    credit = await desk.propose()
    issued = await house.tokens.create(
        CreateToken(VENDOR_ID, "robot", frozenset({TokenScope.OPERATE}), person_id=desk.people["finn"].id),
        CONSOLE,
    )
    robot = await house.tokens.authenticate(issued.secret)
    assert (await refused(desk, approve(desk, credit, robot)))[0] is Denied
    await desk.approve(credit)
    attempt = desk.house.credit_issues.issue(
        issue_command(desk, credit), replace(robot, scopes=frozenset(TokenScope))
    )
    assert (await refused(desk, attempt))[0] is Denied


def issue_command(desk: Desk, credit):
    return IssueCredit(desk.tenant.id, credit.id, "CN-1", credit.amount.decimal)


@pytest.mark.parametrize("who", ["olive", "fay"])
async def test_who_proposed_or_approved_does_not_issue(house: House, desk: Desk, signed, who: str):
    """Also when their role would let them."""
    credit = await desk.approve(await desk.propose())
    roles = frozenset({Role.FINOPS_OPERATOR, Role.APPROVER_FINANCE})
    actor = replace(desk.by(who), roles=roles)
    attempt = desk.house.credit_issues.issue(issue_command(desk, credit), actor)
    assert await refused(desk, attempt) == (Denied, "NOT_SEPARATE")


@pytest.mark.parametrize("who", ["cora", "olive", "carla"])
async def test_who_has_no_role_for_it_does_not_issue(desk: Desk, signed, who: str):
    credit = await desk.approve(await desk.propose())
    assert await refused(desk, desk.issue(credit, who)) == (Denied, "DENIED")


async def test_what_nobody_approved_yet_is_not_issued(desk: Desk, signed):
    credit = await desk.propose()
    assert await refused(desk, desk.issue(credit)) == (Conflict, "APPROVAL_PENDING")
    await approve(desk, credit, "fay")
    assert await refused(desk, desk.issue(credit)) == (Conflict, "APPROVAL_PENDING")


async def test_a_reference_stands_behind_one_credit_only(house: House, desk: Desk, signed):
    await desk.issued()
    await correct(house, range(10, 20), 0)
    await desk.sign("ten more minutes came in")
    supplement = await desk.approve(await desk.propose())
    assert await refused(desk, desk.issue(supplement)) == (Conflict, "REFERENCE_TAKEN")
    with pytest.raises(InvalidInput):
        await desk.issue(supplement, reference="=1+1")


async def test_an_approver_says_no_once_and_for_all(desk: Desk, signed):
    credit = await desk.propose()
    digest = (await desk.approval(credit)).request.digest
    reject = RejectCredit(desk.tenant.id, credit.id, digest, "the fee is wrong")
    changed = replace(reject, digest="0" * 64)
    denied = desk.house.credit_decisions.reject(changed, desk.by("fay"))
    assert await refused(desk, denied) == (Conflict, "INTENT_CHANGED")
    rejected = await desk.house.credit_decisions.reject(reject, desk.by("fay"))
    assert (rejected.state, rejected.last.reason) == (CreditState.REJECTED, "the fee is wrong")
    for act in (desk.issue(credit), approve(desk, credit, "rob")):
        assert await refused(desk, act) == (Conflict, "APPROVAL_DENIED")
    assert await refused(desk, desk.void(credit)) == (Conflict, "CREDIT_NOT_OPEN")
    assert (await desk.kinds())[-1] == "credit.rejected"


async def test_a_void_credit_can_be_neither_approved_nor_issued_and_makes_room(desk: Desk, signed):
    credit = await desk.propose()
    assert await refused(desk, desk.propose()) == (Conflict, "CREDIT_LIVE")
    assert await refused(desk, desk.void(credit, "cora")) == (Denied, "DENIED")
    voided = await desk.void(credit)
    assert voided.state is CreditState.VOIDED
    assert (await desk.kinds())[-1] == "credit.voided"
    for act in (desk.issue(credit), approve(desk, credit, "fay")):
        assert await refused(desk, act) == (Conflict, "APPROVAL_VOID")
    again = await desk.propose()
    assert (again.attempt, again.calculation.id) == (2, credit.calculation.id)


async def test_nothing_is_proposed_without_a_signed_report_or_where_nothing_is_due(house: House, desk: Desk):
    await promise(house, target="99.0", tiers=[{"to": "99.0", "credit_percent": "10"}])
    assert await refused(desk, desk.propose()) == (Refused, "NO_SIGNED_REPORT")
    assert await refused(desk, desk.propose(period="2026-13")) == (InvalidInput, "INVALID")
    await desk.sign()
    assert await refused(desk, desk.propose()) == (Refused, "NOTHING_DUE")


async def test_who_looked_at_an_earlier_revision_is_told(desk: Desk, signed):
    assert await refused(desk, desk.propose(revision=2)) == (Conflict, "REVISION_CHANGED")


async def test_where_nobody_could_approve_it_nothing_is_proposed_and_it_stays_due(house: House, desk: Desk):
    await promise(house, policy="{auto_propose: true}")
    await house.people.suspend(CONSOLE, VENDOR_ID, desk.people["rob"].id)
    report = await desk.sign()
    assert await refused(desk, desk.propose()) == (Conflict, "UNFULFILLABLE")
    assert await desk.consider(report) is None
    (due,) = await house.credits.due(desk.by("olive"), desk.tenant.id)
    assert str(due.amount) == "100.00 EUR"


async def test_approvers_that_the_contract_wants_and_the_rule_does_not_ask_stop_it(house: House, desk: Desk):
    await promise(house, policy="{approvers: [finance, security]}")
    await desk.sign()
    assert await refused(desk, desk.propose()) == (Conflict, "APPROVERS_DIFFER")


async def test_another_tenants_credit_does_not_exist(house: House, desk: Desk, signed):
    credit = await desk.propose()
    carla = desk.by("carla")
    with pytest.raises(NotFound):
        await house.credits.get(carla, new_id(), credit.id)
    assert await house.credits.get(carla, desk.tenant.id, credit.id) == credit
