"""The rules of dual control with the service bypassed: SQL, as the application role, in the tenant's scope."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from dual_control import Desk
from sql_intruder import Intruder

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
async def intruder(desk: Desk) -> Intruder:
    return Intruder(desk, await desk.ask())


END = {"slot": None, "role": None}


async def test_what_the_service_would_write_is_taken(intruder):
    await intruder.write(await intruder.step("sam"))
    await intruder.write(await intruder.behind(2, name="fay", slot=2, role="approver_finance"))
    await intruder.write(await intruder.behind(3, act="use", reason="", person_id=new_id(), **END))
    async with intruder.connection() as driver:
        kept = await driver.fetch("SELECT ordinal, act, slot FROM approval_steps ORDER BY ordinal")
    assert [tuple(each) for each in kept] == [(1, "approve", 1), (2, "approve", 2), (3, "use", None)]


async def test_the_requester_does_not_decide(intruder):
    own = intruder.request.requester_id

    for act in ("approve", "deny"):
        row = await intruder.step(act=act, person_id=own)
        assert await intruder.refused(row) == "requester_does_not_decide"


async def test_a_delegate_of_the_requester_does_not_decide(intruder):
    row = await intruder.step(granted_by=intruder.request.requester_id)

    assert await intruder.refused(row) == "requester_does_not_decide"


async def test_neither_the_vendor_nor_the_clockwork_nor_the_console_decides(intruder):
    for nobody in (VENDOR_ID, SYSTEM.id, CONSOLE.id):
        assert await intruder.refused(await intruder.step(person_id=nobody)) == "people_decide"


async def test_one_person_does_not_fill_two_places(intruder):
    await intruder.write(await intruder.step("both"))
    again = {"slot": 2, "role": "approver_finance", "person_id": intruder.desk.people["both"].id}

    assert await intruder.refused(await intruder.behind(2, **again)) == "one_decision_a_person_key"
    assert (
        await intruder.refused(await intruder.behind(2, act="deny", **again)) == "one_decision_a_person_key"
    )


async def test_one_place_is_not_filled_twice(intruder):
    await intruder.write(await intruder.step("sam"))
    row = await intruder.behind(2, person_id=intruder.desk.people["sid"].id)

    assert await intruder.refused(row) == "one_approval_a_slot_key"


async def test_a_decision_is_as_the_role_of_a_place(intruder):
    for lies in (
        {"role": "approver_finance"},
        {"role": "csm"},
        {"slot": 2},
        {"slot": 3, "role": None},
        {"slot": 0},
        {"slot": None},
        {"role": None},
        {"slot": None, "role": None},
    ):
        assert await intruder.refused(await intruder.step(**lies)) == "decides_as_a_role_of_the_rule", lies


async def test_a_step_repeats_what_was_asked_for(intruder):
    for lies in (
        {"digest": hashlib.sha256(b"another intent").hexdigest()},
        {"roles": ["approver_security"]},
        {"requester_id": new_id()},
        {"use_seconds": 10**6},
    ):
        assert await intruder.refused(await intruder.step(**lies)) == "terms_fkey", lies


async def test_nothing_is_decided_after_its_time(intruder):
    late = intruder.request.expires_at + MOMENT

    assert await intruder.refused(await intruder.step(at=late)) == "decided_in_time"
    assert await intruder.refused(await intruder.step(at=late, expires_at=late)) == "terms_fkey"


async def test_nothing_is_used_before_everybody_has_approved(intruder):
    use = {"act": "use", "person_id": new_id(), **END}
    assert await intruder.refused(await intruder.step(**use)) == "used_in_time"
    await intruder.write(await intruder.step("sam"))

    assert await intruder.refused(await intruder.behind(2, **use)) == "used_in_time"
    assert await intruder.refused(await intruder.behind(3, **use)) == "previous_fkey"


async def approved(intruder: Intruder) -> None:
    await intruder.desk.approve(intruder.request, "sam")
    await intruder.desk.approve(intruder.request, "fay")


async def test_nothing_is_used_after_its_time(intruder):
    await approved(intruder)
    late = intruder.desk.house.clock.now() + timedelta(hours=1) + MOMENT
    use = {"act": "use", "person_id": new_id(), "at": late, **END}

    assert await intruder.refused(await intruder.behind(3, **use)) == "used_in_time"
    assert await intruder.refused(await intruder.behind(3, **use, previous_at=late)) == "previous_fkey"
    assert await intruder.refused(await intruder.behind(3, **use, use_seconds=10**6)) == "terms_fkey"


async def test_nothing_is_used_twice_or_decided_once_it_is_used(intruder):
    await approved(intruder)
    await intruder.desk.use(intruder.request)
    use = {"act": "use", "person_id": new_id(), **END}

    assert await intruder.refused(await intruder.behind(3, **use, previous_act="approve")) == "pkey"
    assert await intruder.refused(await intruder.behind(4, **use)) == "follows_an_approval"
    assert (
        await intruder.refused(await intruder.behind(4, **use, previous_act="approve"))
        == "follows_an_approval"
    )


async def test_nothing_follows_a_denial(intruder):
    await intruder.desk.deny(intruder.request, "sam")
    other = {"person_id": intruder.desk.people["sid"].id}

    assert await intruder.refused(await intruder.behind(2, **other)) == "follows_an_approval"
    assert (
        await intruder.refused(await intruder.behind(2, **other, previous_act="approve")) == "previous_fkey"
    )
    assert await intruder.refused(await intruder.step("sid")) == "pkey"


async def test_there_is_no_place_beyond_the_last(intruder):
    await approved(intruder)

    row = await intruder.behind(3, person_id=intruder.desk.people["sid"].id)

    assert await intruder.refused(row) == "decided_in_time"


async def test_only_the_requester_withdraws_and_only_time_expires(intruder):
    now = intruder.desk.house.clock.now()

    assert await intruder.refused(await intruder.step(act="withdraw", **END)) == "requester_withdraws"
    early = await intruder.step(act="expire", at=intruder.request.expires_at, **END)
    assert await intruder.refused(early) == "expired_after_its_time"
    await approved(intruder)
    early = await intruder.behind(3, act="expire", at=now + timedelta(hours=1), **END)
    assert await intruder.refused(early) == "expired_after_its_time"


async def test_every_step_has_a_reason_and_a_receipt_of_its_own(intruder):
    assert await intruder.refused(await intruder.step(reason=" ")) == "reason_is_given"
    nowhere = await intruder.step(receipt_id=new_id())
    assert await intruder.refused(nowhere) == "tenant_id_receipt_id_fkey"
    await intruder.desk.approve(intruder.request, "sam")
    before = (await intruder.desk.stored())[1][0].receipt_id
    again = await intruder.behind(2, slot=2, role="approver_finance", person_id=new_id(), receipt_id=before)
    assert await intruder.refused(again) == "receipt_key"


async def test_a_request_states_its_intent_who_must_approve_why_and_until_when(intruder):
    async with intruder.connection() as driver:
        (row,) = await driver.fetch(
            "SELECT * FROM approval_requests WHERE tenant_id = $1", intruder.request.tenant_id
        )

    asked = {name: value for name, value in row.items() if name != "lone"}  # which is made from the others

    async def lie(**lies: Any) -> str:
        return await intruder.refused(
            asked | {"id": new_id(), "receipt_id": await intruder.receipt()} | lies, "approval_requests"
        )

    assert await lie(intent=b"{}") == "digest_is_of_the_intent"
    assert await lie(roles=[]) == "somebody_must_approve"
    assert await lie(roles=["approver_security"] * 5) == "somebody_must_approve"
    assert await lie(reason="  ") == "reason_is_given"
    assert await lie(nonce="0") == "nonce_is_32_bytes"
    assert await lie(expires_at=row["requested_at"]) == "time_is_limited"
    assert await lie(use_seconds=0) == "time_is_limited"
    assert await lie(receipt_id=new_id()) == "tenant_id_receipt_id_fkey"
    assert await lie(receipt_id=row["receipt_id"]) == "receipt_key"


async def test_what_rests_on_an_approval_rests_on_one_of_its_kind(intruder):
    """A request about retention carries no policies and no thresholds, whoever approves it."""
    about = {"tenant_id": intruder.request.tenant_id, "approval_id": intruder.request.id}

    policies = about | {"version": "0" * 64, "texts": "{}"}
    assert await intruder.refused(policies, "policy_requests") == "kind_fkey"
    thresholds = about | {"subsystem": "compute", "revision": 1, "figures": "{}"}
    assert await intruder.refused(thresholds, "threshold_requests") == "kind_fkey"


@pytest.mark.parametrize("table", ["approval_requests", "approval_steps"])
async def test_what_was_asked_and_decided_cannot_be_changed_or_removed(intruder, table):
    await intruder.desk.approve(intruder.request, "sam")
    before = await intruder.desk.stored()

    for statement in (
        f"UPDATE {table} SET reason = 'x'",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with intruder.connection() as driver:
                await driver.execute(statement)
    assert await intruder.desk.stored() == before


async def test_another_tenants_request_is_out_of_reach(intruder):
    row = await intruder.step()
    before = await intruder.desk.stored()
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))

    for lies in ({}, {"tenant_id": intruder.desk.stranger.id}):
        values = (row | lies).values()
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with intruder.desk.house.storage.write(TenantScope(intruder.desk.stranger.id)) as session:
                driver = await session.driver()
                await driver.execute(
                    f"INSERT INTO approval_steps ({', '.join(row)}) VALUES ({places})", *values
                )
        assert isinstance(caught.value, asyncpg.InsufficientPrivilegeError | asyncpg.ForeignKeyViolationError)
    assert await intruder.desk.stored() == before
