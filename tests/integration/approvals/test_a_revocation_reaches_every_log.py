"""A revoked passkey is revoked in the log of every tenant it signed for, once, whatever is interrupted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dual_control import Desk, add_person
from support.passkeys import enrol, signed_by

from jobs.passkeys import PASSKEY_DUTIES
from jobs.workbench import Workbench
from trust_portal.access.approvals.model import ApprovalKind, Approve
from trust_portal.access.passkeys.repository import introduction_of
from trust_portal.access.passkeys.signing import Signatures
from trust_portal.errors import Denied, NotFound, Unavailable
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope

REASON = "looked at it, fine"


@pytest.fixture
async def desks(desk: Desk) -> tuple[Desk, Desk]:
    """Two customers about whom finance and reliability sign."""
    rob = await add_person(desk.house, "rob@vendor.example", Role.APPROVER_RELIABILITY)
    first = replace(desk, kind=ApprovalKind.CREDIT, people={**desk.people, "rob": rob})
    return first, replace(first, tenant=desk.stranger, stranger=desk.tenant)


async def sign(desk: Desk, device, name: str = "fay", slot: int = 1):
    request, actor = await desk.ask(), desk.by(name)
    signature = signed_by(device, request, actor, REASON, slot=slot)
    command = Approve(desk.tenant.id, request.id, request.digest, REASON, slot, signature)
    return await desk.house.decisions.approve(command, actor)


async def work(desk: Desk) -> int:
    """Do what waits of passkeys, as the worker does."""
    backlog = Backlog(desk.house.storage)
    bench, (duty,) = Workbench(desk.house, backlog), PASSKEY_DUTIES
    done = 0
    for ticket in await backlog.hand_over(DEFAULT_QUEUE):
        if ticket.job is Job.SPREAD_REVOCATION:
            await bench.attempt(duty, str(ticket.row_id), ticket.attempts)
            done += 1
    return done


async def test_every_log_that_knows_the_key_learns_of_its_end_and_no_other(desks):
    first, second = desks
    fay = first.by("fay")
    passkey, device = await enrol(first.house, fay)
    other, unused = await enrol(first.house, fay)
    approval = await sign(first, device)
    await sign(second, device)
    assert await work(first) == 2, "each first signature has it looked at once more"
    assert await first.predicates("passkey.revoked") == []
    await first.house.passkeys.revoke(passkey.id, fay)
    assert await work(first) == 1
    for desk in desks:
        (said,) = await desk.predicates("passkey.revoked")
        assert said["result"]["passkey"] == str(passkey.id)
        assert said["result"]["home"] == str(VENDOR_ID)
        introduced, revoked = said["inputs"]
        assert introduced["name"].startswith("receipt/")
        assert revoked == {
            "name": f"revocation/{said['result']['revocation']['receipt']}",
            "digest": {"sha256": said["result"]["revocation"]["sha256"]},
        }
    assert approval.approvals[0].signature_id is not None, "what was signed before stays signed"

    await first.house.passkeys.revoke(other.id, fay)
    assert await work(first) == 1
    assert len(await first.predicates("passkey.revoked")) == 1, "it never signed here"
    assert unused.sign_count == 0


async def test_what_was_interrupted_goes_on_and_what_was_done_is_not_done_again(desks, monkeypatch):
    first, second = desks
    fay = first.by("fay")
    passkey, device = await enrol(first.house, fay)
    await sign(first, device)
    await sign(second, device)
    await first.house.passkeys.revoke(passkey.id, fay)
    record, calls = first.house.ledger.record, []

    async def once(session, act, *, receipt_id=None):
        calls.append(act.tenant_id)
        if len(calls) > 1:
            raise ConnectionResetError("the worker is killed")
        return await record(session, act, receipt_id=receipt_id)

    with monkeypatch.context() as patch:
        patch.setattr(first.house.ledger, "record", once)
        with pytest.raises(Unavailable):
            await first.house.passkey_revocations.spread(VENDOR_ID, passkey.id)
    assert sum([len(await desk.predicates("passkey.revoked")) for desk in desks]) == 1
    for _ in range(2):
        await first.house.passkey_revocations.spread(VENDOR_ID, passkey.id)
    assert [len(await desk.predicates("passkey.revoked")) for desk in desks] == [1, 1]


async def test_what_is_not_revoked_is_spread_nowhere(desks):
    first, _ = desks
    passkey, device = await enrol(first.house, first.by("fay"))
    await sign(first, device)
    await first.house.passkey_revocations.spread(VENDOR_ID, passkey.id)
    with pytest.raises(NotFound):
        await first.house.passkey_revocations.spread(VENDOR_ID, new_id())
    assert await first.predicates("passkey.revoked") == []


async def test_a_log_that_meets_the_key_while_it_is_revoked_learns_of_it_too(desks, monkeypatch):
    """Checked, then revoked and spread to nobody, then introduced: the introduction asks once more."""
    first, second = desks
    fay = first.by("fay")
    passkey, device = await enrol(first.house, fay)
    check = Signatures.check

    async def revoked_meanwhile(self, *arguments):
        signed = await check(self, *arguments)
        await first.house.passkeys.revoke(passkey.id, fay)
        assert await work(first) == 1
        return signed

    with monkeypatch.context() as patch:
        patch.setattr(Signatures, "check", revoked_meanwhile)
        await sign(first, device)
    assert await first.predicates("passkey.revoked") == []
    assert await work(first) == 1
    (said,) = await first.predicates("passkey.revoked")
    assert said["result"]["passkey"] == str(passkey.id)
    assert await second.predicates("passkey.revoked") == []


async def test_at_home_nothing_is_signed_after_the_revocation_whenever_it_was_checked(desks):
    first, _ = desks
    fay, house = first.by("fay"), first.house
    passkey, device = await enrol(house, fay)
    signatures = Signatures(house.storage, house.ledger)
    statement = {"request": str(new_id()), "decision": "approve", "person": {"id": str(fay.id)}}
    signed = await signatures.check(fay, statement, device.sign(challenge_of(canonical(statement))))
    await house.passkeys.revoke(passkey.id, fay)
    with pytest.raises(Denied) as refusal:
        async with house.storage.write(TenantScope(VENDOR_ID)) as session:
            await signatures.record(session, signed, fay)
    assert refusal.value.code == "PASSKEY_REVOKED"
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        assert await introduction_of(session, VENDOR_ID, passkey.id) is None
