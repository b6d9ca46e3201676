"""Signed approvals with the service bypassed: SQL, as the application role, in the tenant's scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from dual_control import Desk, add_person
from sql_intruder import Intruder
from support.passkeys import Devices

from trust_portal.access.approvals.model import ApprovalKind, Approve, Deny, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import new_id

REASON = "looked at it, fine"
FINANCE = {"slot": 1, "role": "approver_finance"}


@pytest.fixture
async def money(desk: Desk) -> Desk:
    rob = await add_person(desk.house, "rob@vendor.example", Role.APPROVER_RELIABILITY)
    return replace(desk, kind=ApprovalKind.CREDIT, people={**desk.people, "rob": rob})


@pytest.fixture
async def intruder(money: Desk) -> Intruder:
    return Intruder(money, await money.ask())


async def signatures_of(intruder: Intruder, name: str) -> list[dict[str, Any]]:
    async with intruder.connection() as driver:
        rows = await driver.fetch(
            "SELECT * FROM passkey_signatures WHERE tenant_id = $1 AND person_id = $2 ORDER BY at, id",
            intruder.request.tenant_id,
            intruder.desk.people[name].id,
        )
    return [dict(row) for row in rows]


async def signed_elsewhere(
    intruder: Intruder, name: str, slot: int, act: StepAct = StepAct.APPROVE
) -> dict[str, Any]:
    """The signature of a decision by ``name`` on another request, as it stands on record."""
    desk, actor = intruder.desk, intruder.desk.by(name)
    other = await desk.ask()
    signature = await Devices(desk.house).sign(other, actor, REASON, slot=slot, act=act)
    if act is StepAct.APPROVE:
        command = Approve(desk.tenant.id, other.id, other.digest, REASON, assertion=signature)
        await desk.house.decisions.approve(command, actor)
    else:
        await desk.house.decisions.deny(
            Deny(desk.tenant.id, other.id, other.digest, REASON, signature), actor
        )
    return (await signatures_of(intruder, name))[-1]


@pytest.mark.parametrize("kind", ApprovalKind)
async def test_an_approval_of_any_kind_is_no_row_without_its_signature(money: Desk, kind: ApprovalKind):
    request = await replace(money, kind=kind).ask()
    intruder = Intruder(money, request)
    first = {"slot": 1, "role": request.roles[0].value}
    step = await intruder.step("fay", **first, signature_id=None)
    assert await intruder.refused(step) == "unsigned_fkey"
    assert await intruder.refused(step | {"signature_id": new_id()}) == "signature_fkey"


async def test_nobody_adds_to_what_was_approved_before_approvals_were_signed(intruder: Intruder):
    row = {"tenant_id": intruder.request.tenant_id, "request_id": intruder.request.id, "ordinal": 1}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intruder.write(row, "unsigned_approvals")


async def test_a_signature_for_another_request_person_or_decision_carries_no_approval(intruder: Intruder):
    for name, slot, act in (
        ("fay", 1, StepAct.APPROVE),
        ("rob", 2, StepAct.APPROVE),
        ("fay", 1, StepAct.DENY),
    ):
        signature = await signed_elsewhere(intruder, name, slot, act)
        step = await intruder.step("fay", **FINANCE, signature_id=signature["id"])
        assert await intruder.refused(step) == "signature_fkey", (name, act)


async def test_a_signature_on_record_says_what_its_statement_says_and_answers_to_its_digest(
    intruder: Intruder,
):
    signature = await signed_elsewhere(intruder, "fay", 1)
    fay = intruder.desk.by("fay")
    table = "passkey_signatures"
    copy = signature | {"id": new_id()}
    for lie in ({"about": intruder.request.id}, {"act": "deny"}):
        assert await intruder.refused(copy | lie, table) == "statement_says_so", lie
    ours = canonical(decision_statement(intruder.request, StepAct.APPROVE, 1, fay.id, fay.name, REASON))
    moved = copy | {"about": intruder.request.id, "statement": ours}
    assert await intruder.refused(moved, table) == "challenge_is_of_the_statement"


async def test_nobody_signs_whose_passkey_the_log_does_not_know_as_theirs(intruder: Intruder):
    signature = await signed_elsewhere(intruder, "fay", 1)
    rob = intruder.desk.by("rob")
    statement = canonical(decision_statement(intruder.request, StepAct.APPROVE, 2, rob.id, rob.name, REASON))
    device = await Devices(intruder.desk.house).of(rob)
    assertion = device.sign(challenge_of(statement))
    row = signature | {
        "id": new_id(),
        "person_id": rob.id,
        "about": intruder.request.id,
        "statement": statement,
        "client_data": assertion.client_data,
    }
    assert await intruder.refused(row, "passkey_signatures") == "owner_fkey", "it is Fay's"
    assert await intruder.refused(row | {"passkey_id": new_id()}, "passkey_signatures") == "owner_fkey"


@pytest.mark.parametrize("table", ["passkey_introductions", "passkey_signatures"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"])
async def test_what_was_introduced_and_signed_stays(intruder: Intruder, table: str, statement: str):
    await signed_elsewhere(intruder, "fay", 1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with intruder.connection() as driver:
            await driver.execute(statement.format(table))
