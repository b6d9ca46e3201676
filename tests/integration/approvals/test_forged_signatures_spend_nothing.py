"""The tables take a signature as a row; whoever spends the approval has it proven, and nothing is done on a forged one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest
from dual_control import Desk, intent_of, refused, state
from sql_intruder import Intruder
from support.passkeys import device_of, enrol, just_signed_in

from trust_portal.access.approvals.attesting import DecisionAuditor
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import ApprovalState, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.model import Passkey
from trust_portal.demo.authenticator import Authenticator
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=12)

#: As ``Intruder.step`` has it.
REASON = "looks fine"


@pytest.fixture
async def intruder(desk: Desk) -> Intruder:
    """Sam has approved for security; finance is still needed, and Fay, who is that, knows of nothing."""
    request = await desk.ask()
    await desk.approve(request, "sam")
    return Intruder(desk, request)


async def introduced(intruder: Intruder, passkey_id: UUID) -> None:
    """The row by which this log knows the passkey, as Fay's."""
    row = {
        "tenant_id": intruder.request.tenant_id,
        "passkey_id": passkey_id,
        "person_id": intruder.desk.by("fay").id,
        "home_id": VENDOR_ID,
        "introduced_at": intruder.desk.house.clock.now(),
        "receipt_id": await intruder.receipt(),
    }
    await intruder.write(row, "passkey_introductions")


async def decided(
    intruder: Intruder, passkey_id: UUID, device: Authenticator, days: str = "30", **lies: object
) -> None:
    """Fay's approval, past the service: signed by ``device`` over the statement for that many days."""
    desk, fay = intruder.desk, intruder.desk.by("fay")
    said = replace(intruder.request, intent=intent_of(desk.tenant, desk.kind, days))
    statement = canonical(decision_statement(said, StepAct.APPROVE, 2, fay.id, fay.name, REASON))
    assertion = device.sign(challenge_of(statement))
    signature = {
        "tenant_id": intruder.request.tenant_id,
        "id": new_id(),
        "passkey_id": passkey_id,
        "person_id": fay.id,
        "about": intruder.request.id,
        "act": "approve",
        "statement": statement,
        "authenticator_data": assertion.authenticator_data,
        "client_data": assertion.client_data,
        "signature": assertion.signature,
        "at": desk.house.clock.now(),
    }
    await intruder.write(signature | lies, "passkey_signatures")
    place = {"slot": 2, "role": "approver_finance", "signature_id": signature["id"]}
    await intruder.write(await intruder.behind(2, "fay", **place))


async def of_fay(intruder: Intruder) -> tuple[Passkey, Authenticator]:
    passkey, device = await enrol(intruder.desk.house, intruder.desk.by("fay"))
    await introduced(intruder, passkey.id)
    return passkey, device


async def made_up(intruder: Intruder) -> None:
    passkey_id = new_id()
    await introduced(intruder, passkey_id)
    await decided(intruder, passkey_id, device_of(intruder.desk.house))


async def of_somebody_else(intruder: Intruder) -> None:
    passkey, device = await enrol(intruder.desk.house, intruder.desk.by("olive"))
    await introduced(intruder, passkey.id)
    await decided(intruder, passkey.id, device)


async def no_signature(intruder: Intruder) -> None:
    passkey, device = await of_fay(intruder)
    await decided(intruder, passkey.id, device, signature=b"\x30\x06\x02\x01\x01\x02\x01\x01")


async def by_another_device(intruder: Intruder) -> None:
    passkey, _ = await of_fay(intruder)
    await decided(intruder, passkey.id, device_of(intruder.desk.house))


async def of_another_intent(intruder: Intruder) -> None:
    passkey, device = await of_fay(intruder)
    await decided(intruder, passkey.id, device, days="3000")


async def by_her_link(intruder: Intruder) -> None:
    """Enrolled as Fay after coming in by a link of the one who asks."""
    house, fay = intruder.desk.house, intruder.desk.by("fay")
    brought = replace(just_signed_in(house, fay), brought_by=(intruder.desk.requester.id,))
    passkey, device = await enrol(house, fay, signed_in=brought)
    await introduced(intruder, passkey.id)
    await decided(intruder, passkey.id, device)


async def audited(desk: Desk) -> list[tuple[str, str]]:
    return [each async for each in DecisionAuditor().audit(desk.house.storage, desk.tenant.id)]


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (made_up, "they have enrolled no such passkey"),
        (of_somebody_else, "they have enrolled no such passkey"),
        (no_signature, "the assertion does not hold: Could not verify authentication signature"),
        (by_another_device, "the assertion does not hold: Could not verify authentication signature"),
        (of_another_intent, "what was signed is not this statement"),
        (by_her_link, "the passkey was enrolled after signing in by a link of the one who asks"),
    ],
)
async def test_what_the_tables_take_as_signed_and_the_person_did_not_sign_is_not_used(
    intruder: Intruder, forged: Callable[[Intruder], Awaitable[None]], why: str
) -> None:
    desk, request = intruder.desk, intruder.request
    await forged(intruder)
    view = await desk.house.approval_inbox.get(desk.by("fay"), desk.tenant.id, request.id)
    assert state(desk, view.approval) is ApprovalState.APPROVED, "as far as rows can say"
    before = await desk.stored()
    with pytest.raises(ApprovalRefused) as refusal:
        await desk.use(request)
    assert refusal.value.code == "SIGNATURE_UNPROVEN"
    assert refusal.value.message == f"the approval on record for Fay (step 2) is not theirs: {why}"
    assert await desk.stored() == before
    assert await audited(desk) == [(f"approval {request.id}, step 2", f"approve of Fay is not theirs: {why}")]


async def test_what_a_withdrawn_passkey_signs_past_the_service_is_not_used(intruder: Intruder) -> None:
    desk = intruder.desk
    passkey, device = await of_fay(intruder)
    await desk.house.passkeys.revoke(passkey.id, desk.by("fay"))
    await decided(intruder, passkey.id, device)
    assert await refused(desk, desk.use(intruder.request)) == "PASSKEY_REVOKED"


async def test_what_the_person_did_sign_is_used_whoever_wrote_the_row(intruder: Intruder) -> None:
    """So that it is for their signatures that the others are refused."""
    passkey, device = await of_fay(intruder)
    await decided(intruder, passkey.id, device)
    used = await intruder.desk.use(intruder.request)
    assert state(intruder.desk, used.approval) is ApprovalState.USED
    assert await audited(intruder.desk) == []


async def test_an_approval_falls_with_the_passkey_that_signed_it_and_is_given_anew_with_another(
    desk: Desk,
) -> None:
    request, sam = await desk.ask(), desk.by("sam")
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    (passkey,) = await desk.house.passkeys.of(sam)
    await desk.house.passkeys.revoke(passkey.id, sam)
    before = await desk.stored()
    with pytest.raises(ApprovalRefused) as refusal:
        await desk.use(request)
    assert refusal.value.code == "PASSKEY_REVOKED"
    assert refusal.value.message == (
        "the passkey with which Sam approved this (step 1) has been revoked; ask again"
    )
    assert await desk.stored() == before
    assert await audited(desk) == [], "it was Sam's when he approved"

    desk.devices.held.pop(sam.id)
    again = await desk.ask()
    await desk.approve(again, "sam")
    await desk.approve(again, "fay")
    assert state(desk, (await desk.use(again)).approval) is ApprovalState.USED


async def test_a_revocation_that_only_the_tenants_log_knows_counts_too(desk: Desk) -> None:
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    (passkey,) = await desk.house.passkeys.of(desk.by("sam"))
    intruder = Intruder(desk, request)
    withdrawal = {
        "tenant_id": desk.tenant.id,
        "passkey_id": passkey.id,
        "withdrawn_at": desk.house.clock.now(),
        "receipt_id": await intruder.receipt(),
    }
    await intruder.write(withdrawal, "passkey_withdrawals")
    assert await refused(desk, desk.use(request)) == "PASSKEY_REVOKED"


async def test_whoever_brings_approvers_without_their_passkeys_spends_nothing(desk: Desk) -> None:
    request = await desk.ask()
    await desk.approve(request, "sam")
    await desk.approve(request, "fay")
    approvals, storage = desk.house.approvals, desk.house.storage
    known = await approvals.who_could(request.kind, desk.tenant.id)
    assert {each.name: len(each.passkeys) for each in known.people} == {
        "Both": 0,
        "Fay": 1,
        "Sam": 1,
        "Sid": 0,
    }
    bare = replace(known, people=tuple(replace(each, passkeys=()) for each in known.people))

    async def use() -> None:
        async with storage.write(TenantScope(desk.tenant.id)) as session:
            await approvals.use(session, request.id, request.intent, desk.requester, bare)

    assert await refused(desk, use()) == "SIGNATURE_UNPROVEN"


async def test_the_audit_looks_at_denials_too_and_at_more_than_fit_one_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trust_portal.access.approvals.attesting._AT_ONCE", 1)
    for days in ("30", "60"):
        await desk.approve(await desk.ask(intent=intent_of(desk.tenant, desk.kind, days)), "sam")
    request, sid = await desk.ask(), desk.by("sid")
    signature = await desk.devices.sign(request, sid, "not this month", slot=1, act=StepAct.DENY)
    await desk.deny(request, "sid", assertion=signature)
    assert await audited(desk) == []

    forged = Intruder(desk, await desk.ask())
    (passkey,) = await desk.house.passkeys.of(sid)
    statement = canonical(decision_statement(forged.request, StepAct.DENY, 1, sid.id, sid.name, REASON))
    assertion = device_of(desk.house).sign(challenge_of(statement))
    row = {
        "tenant_id": desk.tenant.id,
        "id": new_id(),
        "passkey_id": passkey.id,
        "person_id": sid.id,
        "about": forged.request.id,
        "act": "deny",
        "statement": statement,
        "authenticator_data": assertion.authenticator_data,
        "client_data": assertion.client_data,
        "signature": assertion.signature,
        "at": desk.house.clock.now(),
    }
    await forged.write(row, "passkey_signatures")
    await forged.write(await forged.step("sid", act="deny", signature_id=row["id"]))
    ((where, why),) = await audited(desk)
    assert where == f"approval {forged.request.id}, step 1"
    assert why.startswith("deny of Sid is not theirs: the assertion does not hold")
