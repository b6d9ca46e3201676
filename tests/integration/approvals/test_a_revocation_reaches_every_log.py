"""A revoked passkey is revoked in the log of every tenant it signed for, once, whatever is interrupted."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from dual_control import Desk, add_person
from support.passkeys import enrol, signed_by

from jobs.passkeys import PASSKEY_DUTIES
from jobs.workbench import Workbench
from trust_portal.access.approvals.model import ApprovalKind, Approve
from trust_portal.errors import NotFound, Unavailable
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job

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


@pytest.mark.parametrize("passkey_id", [None, "live"])
async def test_what_is_not_revoked_is_spread_nowhere(desks, passkey_id: str | None):
    first, _ = desks
    passkey, device = await enrol(first.house, first.by("fay"))
    await sign(first, device)
    wanted: UUID = passkey.id if passkey_id else new_id()
    with pytest.raises(NotFound):
        await first.house.passkey_revocations.spread(VENDOR_ID, wanted)
    assert await first.predicates("passkey.revoked") == []
