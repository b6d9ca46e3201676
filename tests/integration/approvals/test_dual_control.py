"""Every rule of dual control, one refusal each, and after each refusal nothing has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from dual_control import Desk, add_person, intent_of
from sqlalchemy import select

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals import decision
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import ApprovalKind, ApprovalState, AskApproval
from trust_portal.access.approvals.velocity import PairHint
from trust_portal.access.people.model import GrantRole
from trust_portal.access.tables import policy_decisions
from trust_portal.access.tokens.model import CreateToken
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement, Subject
from trust_portal.evidence.verification.receipts import check_approvers
from trust_portal.evidence.verification.report import Report
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.outbox import outbox
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=30)


async def refused(desk: Desk, act, kind: type[Refused] = Conflict) -> str:
    """The code with which ``act`` is refused; whatever dual control stores is as it was."""
    before = await desk.stored()
    with pytest.raises(kind) as caught:
        await act
    # What is wrong with an approval is a conflict with a name of its own; nothing else may pass for one.
    assert type(caught.value) is kind or (kind is Conflict and type(caught.value) is ApprovalRefused)
    assert await desk.stored() == before
    return caught.value.code


async def statement(desk: Desk, receipt_id) -> Statement:
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        receipt = await find_receipt(session, desk.tenant.id, receipt_id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload)


def state(desk: Desk, approval) -> ApprovalState:
    return decision.state_of(approval, desk.house.storage.clock.now())


# From asking to using


async def test_two_people_in_two_roles_approve_and_the_act_uses_it_once(desk):
    request = await desk.ask()
    first = await desk.approve(request, "sam")
    second = await desk.approve(request, "fay")
    used = await desk.use(request)

    assert (state(desk, first), first.open_slots) == (ApprovalState.PENDING, (2,))
    assert (state(desk, second), second.open_slots) == (ApprovalState.APPROVED, ())
    assert state(desk, used.approval) is ApprovalState.USED
    assert used.requester_id == desk.requester.id
    assert used.approver_ids == {desk.people["sam"].id, desk.people["fay"].id}
    assert await desk.kinds() == ["requested", "approved", "approved", "used"]


async def test_every_receipt_names_those_before_it_and_the_act_names_them_all(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    used = await desk.use(request)

    receipts = [request.receipt_id, *(each.receipt_id for each in used.approval.steps)]
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        digests = [(await find_receipt(session, desk.tenant.id, each)).sha256 for each in receipts]
    named = [(f"receipt/{id_}", sha256) for id_, sha256 in zip(receipts, digests, strict=True)]
    assert [(each.name, each.sha256) for each in used.inputs] == named
    for at, receipt_id in enumerate(receipts[1:], start=1):
        predicate = (await statement(desk, receipt_id)).predicate
        before = [(each["name"], each["digest"]["sha256"]) for each in predicate["inputs"]]
        assert before[:at] == named[:at]
        signed = predicate["result"].get("signature")
        assert [name for name, _ in before[at:]] == (
            [] if signed is None else [f"receipt/{signed['passkey']['receipt']}"]
        )


async def test_the_request_signs_the_whole_intent_and_every_reason_is_in_a_receipt(desk):
    request = await desk.ask()
    approved = await desk.approve(request, "sam")
    denied = await desk.deny(request, "fay")

    asked = await statement(desk, request.receipt_id)
    assert asked.predicate["result"]["intent"] == request.intent.json()
    assert asked.subjects == (
        Subject(f"approval/{request.id}/intent", sha256_hex(request.intent.canonical())),
    )
    assert asked.predicate["rationale"] == "storage doubled"
    assert asked.predicate["policies"] == {
        "ids": ["retention-change-by-security-and-finance"],
        "version": desk.house.gate.policies.version,
    }
    said = [
        (await statement(desk, each.receipt_id)).predicate for each in (*approved.steps, denied.steps[-1])
    ]
    assert [each["rationale"] for each in said] == ["looked at it, fine", "not this month"]
    assert said[0]["policies"]["ids"] == ["approvers-decide", "retention-change-by-security-and-finance"]
    assert set(said[0]["result"].pop("signature")) == {"passkey", "statement", "assertion"}
    assert said[0]["result"] == {
        "approval": str(request.id),
        "subject": "exports/7",
        "kind": "retention_change",
        "digest": request.digest,
        "step": "1",
        "slot": "1",
        "role": "approver_security",
        "requester": {"person": str(desk.requester.id), "kind": "person"},
        "approvals": [
            {
                "person": str(desk.people["sam"].id),
                "role": "approver_security",
                "slot": "1",
                "receipt": str(approved.steps[0].receipt_id),
            }
        ],
        "needs": ["approver_finance"],
    }


async def test_the_receipt_of_the_act_passes_the_verifier_and_one_person_twice_does_not(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    used = await desk.use(request)

    def findings(approvals):
        report = Report()
        check_approvers({"result": {**used.result, "approvals": approvals}}, "x", report)
        return [each.code.value for each in report.findings]

    first, second = used.result["approvals"]
    assert findings([first, second]) == []
    assert findings([first, first]) == ["SAME_APPROVER"]
    assert findings([first, {**second, "person": str(desk.requester.id)}]) == ["SAME_APPROVER"]


async def test_an_act_that_fails_leaves_its_approval_unused_and_no_receipt(desk):
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    before = await desk.stored()
    approvers = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)

    with pytest.raises(RuntimeError):
        async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
            await desk.house.approvals.use(session, request.id, request.intent, desk.requester, approvers)
            raise RuntimeError("the act went wrong")

    assert await desk.stored() == before
    assert state(desk, (await desk.use(request)).approval) is ApprovalState.USED


async def test_a_request_whose_act_does_not_commit_was_never_made(desk):
    before = await desk.stored()
    approvers = await desk.house.approvals.who_could(desk.kind, desk.tenant.id)

    with pytest.raises(RuntimeError):
        async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
            ask = AskApproval(desk.tenant.id, intent_of(desk.tenant), "storage doubled", "exports/7")
            await desk.house.approvals.open(session, ask, desk.requester, approvers)
            raise RuntimeError("the act went wrong")

    assert await desk.stored() == before


async def test_whoever_asked_learns_of_every_end_but_its_own_use(desk):
    approved, denied, withdrawn, expired = [await desk.ask() for _ in range(4)]
    await desk.approve(approved, "sam")
    assert [job for job, _ in await desk.jobs() if job == "approval_settled"] == []
    await desk.approve(approved, "fay")
    await desk.use(approved)
    await desk.deny(denied, "sid")
    await desk.withdraw(withdrawn)
    desk.house.storage.clock.advance(timedelta(days=1, seconds=1))
    assert await desk.house.decisions.expire(desk.tenant.id, expired.id)

    settled = [arguments for job, arguments in await desk.jobs() if job == "approval_settled"]
    assert settled == [
        {"tenant": str(desk.tenant.id), "request": str(each.id), "kind": "retention_change"}
        for each in (approved, denied, withdrawn, expired)
    ]


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


# Time


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
