"""Dual control from asking to using: what is signed, and what is left where the act does not happen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dual_control import intent_of, state, statement

from trust_portal.access.approvals.model import ApprovalState, AskApproval
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Subject
from trust_portal.evidence.verification.receipts import check_approvers
from trust_portal.evidence.verification.report import Report
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=9)


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
