"""Who may decide, and that one person fills one place: a refusal each, and nothing has changed after it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dual_control import add_person, refused
from sqlalchemy import select

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import GrantRole
from trust_portal.access.tables import policy_decisions
from trust_portal.access.tokens.model import CreateToken
from trust_portal.errors import Denied, InvalidInput, NotFound
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=12)


# Who may decide


async def test_the_requester_does_not_approve_even_with_the_role(desk, house):
    sam = desk.by("sam")
    request = await desk.ask(sam)

    assert await refused(desk, desk.approve(request, sam), Denied) == "OWN_REQUEST"
    assert await refused(desk, desk.deny(request, sam), Denied) == "OWN_REQUEST"
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = select(policy_decisions.c.policies).where(policy_decisions.c.tenant_id == VENDOR_ID)
        assert [row.policies for row in await session.execute(query)] == [["requester-never-decides"]]


async def test_the_requester_behind_a_token_does_not_approve_either(desk, house):
    sam = desk.people["sam"]
    await house.people.grant(GrantRole(VENDOR_ID, sam.id, Role.SRE_OPERATOR), CONSOLE)
    scopes = frozenset({TokenScope.OPERATE, TokenScope.READ})
    issued = await house.tokens.create(CreateToken(VENDOR_ID, "bot", scopes, person_id=sam.id), CONSOLE)
    request = await desk.ask(await house.tokens.authenticate(issued.secret))

    assert (request.requester_id, request.requester_kind.value) == (sam.id, "token")
    assert await refused(desk, desk.approve(request, "sam"), Denied) == "OWN_REQUEST"


async def test_a_token_never_decides(desk, house):
    await house.people.grant(GrantRole(VENDOR_ID, desk.people["sam"].id, Role.SRE_OPERATOR), CONSOLE)
    request = await desk.ask()
    issued = await house.tokens.create(
        CreateToken(
            VENDOR_ID,
            "bot",
            frozenset(TokenScope) - {TokenScope.INGEST},
            person_id=desk.people["sam"].id,
        ),
        CONSOLE,
    )
    token = await house.tokens.authenticate(issued.secret)

    for act in (desk.approve(request, token), desk.deny(request, token), desk.withdraw(request, token)):
        before = await desk.stored()
        with pytest.raises(Denied) as caught:
            await act
        assert (caught.value.code, caught.value.policies) == ("DENIED", ("tokens-within-scope",))
        assert await desk.stored() == before


async def test_neither_clockwork_nor_console_decides(desk):
    request = await desk.ask()

    for actor in (SYSTEM, CONSOLE):
        assert await refused(desk, desk.approve(request, actor), Denied) == "DENIED"
        assert await refused(desk, desk.deny(request, actor), Denied) == "DENIED"


async def test_a_delegate_of_the_requester_does_not_approve(desk, house):
    boss = await add_person(house, "ada@vendor.example", Role.VENDOR_ADMIN)
    puppet = await add_person(house, "pat@vendor.example")
    await house.people.grant(GrantRole(VENDOR_ID, puppet.id, Role.APPROVER_FINANCE), boss.as_actor())
    request = await desk.ask(boss.as_actor())
    pat = replace(puppet, roles=frozenset({Role.APPROVER_FINANCE})).as_actor()

    assert await refused(desk, desk.approve(request, pat), Denied) == "DELEGATE_OF_REQUESTER"
    other = await desk.ask()
    assert (await desk.approve(other, pat)).open_slots == (1,)


async def test_the_same_person_does_not_approve_twice(desk):
    request = await desk.ask()
    await desk.approve(request, "both", slot=1)

    assert await refused(desk, desk.approve(request, "both", slot=2)) == "SAME_APPROVER"
    assert await refused(desk, desk.approve(request, "both")) == "SAME_APPROVER"
    assert await refused(desk, desk.deny(request, "both")) == "SAME_APPROVER"


async def test_a_role_that_is_not_asked_for_does_not_help(desk, house):
    request = await desk.ask()
    ron = await add_person(house, "ron@vendor.example", Role.APPROVER_RELIABILITY)

    assert await refused(desk, desk.approve(request, ron.as_actor()), Denied) == "NOT_AN_APPROVER"
    assert await refused(desk, desk.deny(request, ron.as_actor()), Denied) == "NOT_AN_APPROVER"
    assert await refused(desk, desk.approve(request, desk.requester), Denied) == "DENIED"


async def test_a_role_counts_as_it_is_now_not_as_the_session_believes(desk, house):
    request = await desk.ask()
    sam = desk.by("sam")
    await house.people.revoke(CONSOLE, VENDOR_ID, sam.id, Role.APPROVER_SECURITY)
    fay = desk.by("fay")
    await house.people.suspend(CONSOLE, VENDOR_ID, fay.id)

    for actor in (sam, fay):
        assert await refused(desk, desk.approve(request, actor), Denied) == "NOT_AN_APPROVER"


async def test_a_customer_does_not_decide_and_a_stranger_learns_nothing(desk, house):
    request = await desk.ask()
    own = await add_person(house, "carl@acme.example", Role.CUSTOMER_ADMIN, tenant=desk.tenant)
    stranger = await add_person(house, "gina@globex.example", Role.CUSTOMER_ADMIN, tenant=desk.stranger)

    assert await refused(desk, desk.approve(request, own.as_actor()), Denied) == "DENIED"
    for act in (desk.approve, desk.deny, desk.withdraw):
        assert await refused(desk, act(request, stranger.as_actor()), NotFound) == "NOT_FOUND"


# One person, one place


async def test_one_person_with_two_roles_fills_one_place_the_scarcer(desk, house):
    await house.people.suspend(CONSOLE, VENDOR_ID, desk.people["sid"].id)
    request = await desk.ask()

    # Security: Sam and Both; Finance: Fay and Both. Then Fay is gone and only Both can be Finance.
    await house.people.suspend(CONSOLE, VENDOR_ID, desk.people["fay"].id)
    assert await refused(desk, desk.approve(request, "both", slot=1)) == "WOULD_BLOCK"
    approval = await desk.approve(request, "both")
    assert (approval.steps[0].slot, approval.steps[0].role) == (2, Role.APPROVER_FINANCE)


async def test_a_place_is_filled_once_and_by_who_may(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")

    assert await refused(desk, desk.approve(request, "sid"), Denied) == "NOT_AN_APPROVER"
    assert await refused(desk, desk.approve(request, "sid", slot=1)) == "SLOT_TAKEN"
    assert await refused(desk, desk.approve(request, "sid", slot=2), Denied) == "NOT_AN_APPROVER"
    assert await refused(desk, desk.approve(request, "fay", slot=3), InvalidInput) == "INVALID"


async def test_a_request_that_nobody_could_fulfil_is_not_opened(desk, house):
    for name in ("fay", "both"):
        await house.people.suspend(CONSOLE, VENDOR_ID, desk.people[name].id)

    assert await refused(desk, desk.ask()) == "UNFULFILLABLE"


async def test_one_person_with_two_roles_cannot_fill_two_places_so_such_a_request_is_not_opened(desk, house):
    for name in ("sam", "sid", "fay"):
        await house.people.suspend(CONSOLE, VENDOR_ID, desk.people[name].id)

    assert await refused(desk, desk.ask()) == "UNFULFILLABLE"


async def test_the_requester_does_not_count_among_those_who_could(desk, house):
    await house.people.suspend(CONSOLE, VENDOR_ID, desk.people["both"].id)

    assert await refused(desk, desk.ask(desk.by("fay"))) == "UNFULFILLABLE"
    await desk.ask(desk.by("sam"))


async def test_without_a_rule_or_with_an_empty_one_nothing_is_opened_approved_or_used(desk, house):
    request = await desk.ask()
    rules = house.gate.policies.approval_rules
    rule = rules[desk.kind]
    for left in ({}, {desk.kind: replace(rule, approvers=())}):
        house.gate.policies = replace(house.gate.policies, approval_rules=left)
        assert await refused(desk, desk.ask()) == "NO_APPROVAL_RULE"
        assert await refused(desk, desk.approve(request, "sam")) == "NO_APPROVAL_RULE"
    house.gate.policies = replace(house.gate.policies, approval_rules=rules)
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    house.gate.policies = replace(house.gate.policies, approval_rules={})
    assert await refused(desk, desk.use(request)) == "NO_APPROVAL_RULE"


async def test_an_approval_under_another_rule_does_not_hold(desk, house):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    rules = house.gate.policies.approval_rules
    stricter = replace(rules[desk.kind], approvers=(*rules[desk.kind].approvers, Role.APPROVER_RELIABILITY))
    house.gate.policies = replace(house.gate.policies, approval_rules={**rules, desk.kind: stricter})

    assert await refused(desk, desk.use(request)) == "RULE_CHANGED"


@pytest.mark.parametrize("happens", ["suspended", "without the role", "a delegate"])
async def test_an_approval_does_not_hold_once_an_approver_may_no_longer_give_it(desk, house, happens):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    fay = desk.people["fay"]
    if happens == "suspended":
        await house.people.suspend(CONSOLE, VENDOR_ID, fay.id)
    else:
        await house.people.revoke(CONSOLE, VENDOR_ID, fay.id, Role.APPROVER_FINANCE)
    if happens == "a delegate":
        await house.people.grant(GrantRole(VENDOR_ID, desk.requester.id, Role.VENDOR_ADMIN, None), CONSOLE)
        granting = replace(desk.requester, roles=desk.requester.roles | {Role.VENDOR_ADMIN})
        await house.people.grant(GrantRole(VENDOR_ID, fay.id, Role.APPROVER_FINANCE, None), granting)

    assert await refused(desk, desk.use(request)) == "APPROVER_LEFT"
