"""Approvals are signed with the approver's own passkey, over exactly what was asked; nothing else counts."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest
from dual_control import Desk, add_person, intent_of
from support.passkeys import Devices, device_of, enrol, signed_by

from trust_portal.access.action import TokenScope
from trust_portal.access.approvals import repository
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest, Approve, Deny, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.signing import Signatures
from trust_portal.demo.authenticator import Authenticator
from trust_portal.errors import Conflict, Refused
from trust_portal.evidence.assertion import Assertion, challenge_of
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import new_id

REASON = "looked at it, fine"


@pytest.fixture
async def money(desk: Desk) -> Desk:
    """Requests that must be signed: finance first, then reliability."""
    rob = await add_person(desk.house, "rob@vendor.example", Role.APPROVER_RELIABILITY)
    return replace(desk, kind=ApprovalKind.CREDIT, people={**desk.people, "rob": rob})


@pytest.fixture
def devices(money: Desk) -> Devices:
    return Devices(money.house)


async def refused(desk: Desk, act: Awaitable[object]) -> str:
    """The code of the refusal, and that nothing changed by it."""
    before = await desk.stored()
    with pytest.raises(Refused) as refusal:
        await act
    assert await desk.stored() == before
    return refusal.value.code


def approve(
    desk: Desk, request: ApprovalRequest, actor: Actor, signature: Assertion | None, **changes: object
):
    command = Approve(desk.tenant.id, request.id, request.digest, REASON, assertion=signature)
    return desk.house.decisions.approve(replace(command, **changes), actor)


async def test_two_people_sign_and_the_receipts_hold_statement_and_assertion_whole(
    money: Desk, devices: Devices
):
    request = await money.ask()
    fay, rob = money.by("fay"), money.by("rob")
    by_fay = await devices.sign(request, fay, REASON, slot=1)
    assert (await approve(money, request, fay, by_fay)).open_slots == (2,)
    by_rob = await devices.sign(request, rob, REASON, slot=2)
    done = await approve(money, request, rob, by_rob)
    assert done.open_slots == ()
    assert await money.kinds() == ["requested", "approved", "approved"]
    for step, signature, actor in zip(done.approvals, (by_fay, by_rob), (fay, rob), strict=True):
        predicate = await money.predicate(step.receipt_id)
        signed = predicate["result"]["signature"]
        assert Assertion.of(signed["assertion"]) == signature
        assert signed["statement"] == decision_statement(
            request, StepAct.APPROVE, step.slot, actor.id, actor.name, REASON
        )
        introduced = await money.predicate(signed["passkey"]["receipt"])
        assert introduced["result"]["person"] == str(actor.id)
        assert f"receipt/{signed['passkey']['receipt']}" in [each["name"] for each in predicate["inputs"]]
        (enrolment,) = introduced["inputs"]
        assert enrolment["name"] == f"enrolment/{introduced['result']['enrolment']['receipt']}"


async def test_a_passkey_is_introduced_to_a_log_once_however_often_it_signs(money: Desk, devices: Devices):
    for _ in range(3):
        request = await money.ask()
        await approve(
            money,
            request,
            money.by("fay"),
            await devices.sign(request, money.by("fay"), REASON, slot=1),
        )
    assert await money.count("passkey.introduced") == 1


async def test_the_six_refusals_have_six_names_and_change_nothing(
    money: Desk, devices: Devices, clock: ManualClock
):
    request, other = await money.ask(), await money.ask()
    fay, rob = money.by("fay"), money.by("rob")
    names = {}

    # The amount edited on its way to the approver: what they signed is not what was asked for.
    edited = replace(request, intent=intent_of(money.tenant, money.kind, days="3000"))
    signature = await devices.sign(edited, fay, REASON, slot=1)
    names["edited"] = await refused(money, approve(money, request, fay, signature, digest=edited.digest))
    assert await refused(money, approve(money, request, fay, signature)) == "ASSERTION_NOT_THIS_STATEMENT"

    # An approval of one request, sent for another one of the same intent.
    signature = await devices.sign(other, fay, REASON, slot=1)
    names["replayed"] = await refused(money, approve(money, request, fay, signature))

    await approve(money, request, fay, await devices.sign(request, fay, REASON, slot=1))
    again = await devices.sign(request, fay, REASON, slot=2)
    names["same person"] = await refused(money, approve(money, request, fay, again, slot=2))

    both = await add_person(money.house, "asks@vendor.example", Role.SRE_OPERATOR, Role.APPROVER_RELIABILITY)
    own = await money.ask(both.as_actor())
    signature = await devices.sign(own, both.as_actor(), REASON, slot=2)
    names["requester"] = await refused(money, approve(money, own, both.as_actor(), signature))

    signature = await devices.sign(request, rob, REASON, slot=2)
    token = await token_of(money, rob)
    names["token"] = await refused(money, approve(money, request, token, signature))

    clock.advance(timedelta(days=7, seconds=1))
    names["expired"] = await refused(money, approve(money, request, rob, signature))

    assert names == {
        "edited": "INTENT_CHANGED",
        "replayed": "ASSERTION_NOT_THIS_STATEMENT",
        "same person": "SAME_APPROVER",
        "requester": "OWN_REQUEST",
        "token": "DENIED",
        "expired": "APPROVAL_EXPIRED",
    }
    assert len(set(names.values())) == 6


async def token_of(desk: Desk, issuer: Actor) -> Actor:
    """A token of the issuer's with every scope it can have, as it acts."""
    return Actor(
        kind=ActorKind.TOKEN,
        id=new_id(),
        name="a token",
        tenant_id=issuer.tenant_id,
        roles=issuer.roles,
        scopes=frozenset(TokenScope),
        person_id=issuer.id,
    )


async def test_without_a_signature_there_is_no_approval_but_a_denial(money: Desk):
    request = await money.ask()
    assert await refused(money, approve(money, request, money.by("fay"), None)) == "PASSKEY_REQUIRED"
    denied = await money.house.decisions.deny(
        Deny(money.tenant.id, request.id, request.digest, "no"), money.by("fay")
    )
    assert denied.end is not None
    assert denied.end.signature_id is None


async def test_a_denial_that_is_signed_says_so(money: Desk, devices: Devices):
    request, fay = await money.ask(), money.by("fay")
    signature = await devices.sign(request, fay, "no", slot=1, act=StepAct.DENY)
    deny = Deny(money.tenant.id, request.id, request.digest, "no", signature)
    denied = await money.house.decisions.deny(deny, fay)
    assert denied.end is not None
    signed = (await money.predicate(denied.end.receipt_id))["result"]["signature"]
    assert signed["statement"]["decision"] == "deny"


async def test_a_signed_approval_is_no_denial_and_another_reason_is_not_what_was_signed(
    money: Desk, devices: Devices
):
    request, fay = await money.ask(), money.by("fay")
    signature = await devices.sign(request, fay, REASON, slot=1)
    deny = Deny(money.tenant.id, request.id, request.digest, REASON, signature)
    assert await refused(money, money.house.decisions.deny(deny, fay)) == "ASSERTION_NOT_THIS_STATEMENT"
    changed = approve(money, request, fay, signature, reason="gladly")
    assert await refused(money, changed) == "ASSERTION_NOT_THIS_STATEMENT"


async def test_nobody_signs_with_somebody_elses_passkey_nor_with_a_revoked_one(money: Desk, devices: Devices):
    request, fay, rob = await money.ask(), money.by("fay"), money.by("rob")
    await devices.of(rob)
    foreign = signed_by(await devices.of(rob), request, fay, REASON, slot=1)
    assert await refused(money, approve(money, request, fay, foreign)) == "PASSKEY_UNKNOWN"
    passkey, device = await enrol(money.house, fay)
    await money.house.passkeys.revoke(passkey.id, fay)
    late = signed_by(device, request, fay, REASON, slot=1)
    assert await refused(money, approve(money, request, fay, late)) == "PASSKEY_REVOKED"


def otherwise(device: Authenticator, **changes: object) -> Authenticator:
    """The same key in a device that behaves differently."""
    return replace(device, **changes)


async def test_what_no_honest_browser_sends_does_not_hold(money: Desk, devices: Devices):
    request, fay = await money.ask(), money.by("fay")
    device = await devices.of(fay)
    statement = decision_statement(request, StepAct.APPROVE, 1, fay.id, fay.name, REASON)
    challenge = challenge_of(canonical(statement))
    forged = Authenticator(device.rp_id, device.origin, credential_id=device.credential_id)
    good = device.sign(challenge)
    bad = {
        "unseen": device.sign(challenge, verified=False),
        "elsewhere": otherwise(device, origin="https://trust.example.evil").sign(challenge),
        "other party": otherwise(device, rp_id="example").sign(challenge),
        "other key": forged.sign(challenge),
        "one bit": replace(good, authenticator_data=good.authenticator_data[:-1] + b"\xff"),
        "no JSON": replace(good, client_data=b"\xff"),
    }
    for name, signature in bad.items():
        assert await refused(money, approve(money, request, fay, signature)) == "BAD_ASSERTION", name


async def test_a_signature_counts_once_and_a_device_that_counts_backwards_is_a_copy(
    money: Desk, devices: Devices
):
    first, second, fay = await money.ask(), await money.ask(), money.by("fay")
    device = await devices.of(fay)
    copy = replace(device)
    for _ in range(3):
        device.sign(b"elsewhere")
    await approve(money, first, fay, signed_by(device, first, fay, REASON, slot=1))
    by_copy = signed_by(copy, second, fay, REASON, slot=1)
    assert await refused(money, approve(money, second, fay, by_copy)) == "SIGN_COUNT_REGRESSED"
    copy.sign_count = device.sign_count - 1
    same = signed_by(copy, second, fay, REASON, slot=1)
    assert await refused(money, approve(money, second, fay, same)) == "ASSERTION_USED"


async def test_devices_that_keep_no_count_sign_as_often_as_they_like(money: Desk):
    fay = money.by("fay")
    device = replace(device_of(money.house), counts=False)
    await enrol(money.house, fay, device)
    for _ in range(2):
        request = await money.ask()
        signature = signed_by(device, request, fay, REASON, slot=1)
        approval = await approve(money, request, fay, signature)
        assert [(step.act, step.person_id) for step in approval.steps] == [(StepAct.APPROVE, fay.id)]


async def test_a_place_that_somebody_else_takes_while_one_signs_is_a_conflict(money: Desk, monkeypatch):
    """No place was named: the server meant the one that fewest others can fill, which is filled when the signature comes to be kept."""
    bo = await add_person(money.house, "bo@vendor.example", Role.APPROVER_FINANCE, Role.APPROVER_RELIABILITY)
    request, devices, rob = await money.ask(), Devices(money.house), money.by("rob")
    by_bo = await devices.sign(request, bo.as_actor(), REASON, slot=2)
    by_rob = await devices.sign(request, rob, REASON, slot=2)
    check = Signatures.check

    async def overtaken(self, *arguments):
        signed = await check(self, *arguments)
        monkeypatch.setattr(Signatures, "check", check)
        await approve(money, request, rob, by_rob)
        return signed

    monkeypatch.setattr(Signatures, "check", overtaken)
    with pytest.raises(Conflict) as refusal:
        await approve(money, request, bo.as_actor(), by_bo)
    assert (refusal.value.code, refusal.value.field) == ("SLOT_TAKEN", "slot")
    assert await money.kinds() == ["requested", "approved"]


@pytest.mark.parametrize("kind", ApprovalKind)
async def test_an_approval_of_any_kind_takes_a_passkey(money: Desk, kind: ApprovalKind):
    request = await replace(money, kind=kind).ask()
    who = next(name for name in ("fay", "rob", "sam") if {request.roles[0]} & set(money.people[name].roles))
    assert await refused(money, approve(money, request, money.by(who), None)) == "PASSKEY_REQUIRED"


async def test_what_was_approved_before_approvals_were_signed_is_asked_for_again(desk: Desk, monkeypatch):
    """Such rows are of an installation that was upgraded between the approval and its use."""
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    read = repository.find_approval

    async def formerly(*arguments):
        found = await read(*arguments)
        return replace(found, steps=tuple(replace(each, signature_id=None) for each in found.steps))

    monkeypatch.setattr(repository, "find_approval", formerly)
    assert await refused(desk, desk.use(request)) == "RULE_CHANGED"
