"""Who may approve what, with the service bypassed: SQL, as the application role, in the tenant's scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from dual_control import Desk, add_person, intent_of
from sql_intruder import Intruder
from sqlalchemy.exc import IntegrityError

from trust_portal.access.actors import CONSOLE, NOBODY
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.people.model import GrantRole
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope

SECURITY, FINANCE = Role.APPROVER_SECURITY, Role.APPROVER_FINANCE
#: What ``retention_change`` asks for.
ROLES = [SECURITY.value, FINANCE.value]


@pytest.fixture
async def intruder(desk: Desk) -> Intruder:
    return Intruder(desk, await desk.ask())


@pytest.fixture
async def lie(intruder: Intruder) -> Callable[..., Awaitable[str]]:
    """What refuses a request that differs from one of the service's."""
    async with intruder.connection() as driver:
        row = dict(
            await driver.fetchrow(
                "SELECT * FROM approval_requests WHERE tenant_id = $1", intruder.request.tenant_id
            )
        )
    del row["lone"]

    async def lie(**lies: Any) -> str:
        forged = row | {"id": new_id(), "receipt_id": await intruder.receipt()} | lies
        return await intruder.refused(forged, "approval_requests")

    return lie


async def test_nobody_decides_as_what_nobody_made_them(intruder: Intruder):
    """Fay may decide as finance, Olive on nothing, and Carl is of the customer."""
    desk = intruder.desk
    carl = await add_person(desk.house, "carl@acme.example", Role.CUSTOMER_ADMIN, tenant=desk.tenant)
    nora = await add_person(desk.house, "nora@vendor.example", Role.SRE_OPERATOR)
    desk.people = {**desk.people, "carl": carl, "nora": nora}

    for name in ("fay", "nora", "carl"):
        assert await intruder.refused(await intruder.step(name)) == "role_fkey", name
    denial = await intruder.step("nora", act="deny", signature_id=None)
    assert await intruder.refused(denial) == "role_fkey"
    stranger = await intruder.step("sam", act="deny", signature_id=None, person_id=new_id())
    assert await intruder.refused(stranger) == "role_fkey"


async def test_a_decision_says_who_gave_the_role(intruder: Intruder):
    """So that a delegate of the requester is none to the tables, whatever the row says."""
    desk = intruder.desk
    gil = await add_person(desk.house, "gil@vendor.example")
    await desk.house.people.grant(GrantRole(VENDOR_ID, desk.requester.id, Role.VENDOR_ADMIN, None), CONSOLE)
    olive = replace(desk.requester, roles=desk.requester.roles | {Role.VENDOR_ADMIN})
    await desk.house.people.grant(GrantRole(VENDOR_ID, gil.id, SECURITY, None), olive)
    desk.people = {**desk.people, "gil": gil}

    own = await intruder.step("gil", granted_by=olive.id)
    assert await intruder.refused(own) == "requester_does_not_decide"
    for other in (None, NOBODY, CONSOLE.id, desk.people["sam"].id):
        assert await intruder.refused(await intruder.step("gil", granted_by=other)) == "role_fkey", other
    given_by_another = await intruder.step("sam", granted_by=gil.id)
    assert await intruder.refused(given_by_another) == "role_fkey"


@pytest.mark.parametrize("kind", ApprovalKind)
async def test_no_request_of_any_kind_asks_for_one_approval(
    lie: Callable[..., Awaitable[str]], kind: ApprovalKind
):
    refused = {ApprovalKind.BREAK_GLASS_REVIEW: "two_review"} | dict.fromkeys(
        (ApprovalKind.PLAYBOOK_RUN, ApprovalKind.RETENTION_CHANGE, ApprovalKind.THRESHOLD_CHANGE), "lone_fkey"
    )
    assert await lie(kind=kind.value, roles=["approver_security"]) == refused.get(kind, "two_approve")


async def test_a_request_asks_for_the_roles_that_a_rule_asks_of_its_kind(
    lie: Callable[..., Awaitable[str]],
):
    for roles in (
        [SECURITY.value] * 2,
        ROLES[::-1],
        [*ROLES, SECURITY.value],
        ["sre_operator", "csm"],
        ["customer_admin", "customer_viewer"],
    ):
        assert await lie(roles=roles) == "rule_fkey", roles
    assert await lie(kind=ApprovalKind.CREDIT.value) == "rule_fkey", "those of another kind"
    assert await lie(kind="coffee") == "rule_fkey"


async def test_what_a_rule_that_comes_into_force_asks_for_can_be_asked_for(desk: Desk):
    policies = desk.house.gate.policies
    rule = replace(policies.approval_rules[desk.kind], approvers=(SECURITY, SECURITY))
    changed = {**policies.approval_rules, desk.kind: rule}
    desk.house.gate.policies = replace(policies, approval_rules=changed)
    with pytest.raises(IntegrityError, match="approval_requests_rule_fkey"):
        await desk.ask()
    desk.house.gate.shipped = desk.house.gate.policies

    assert await desk.house.policies.install() is True

    request = await desk.ask()
    assert request.roles == (SECURITY, SECURITY)
    await desk.approve(request, "sam")
    await desk.approve(request, "sid")


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("lone_requests", {"request_id": new_id()}),
        ("vendor_roles", {"person_id": new_id(), "role": SECURITY.value, "granted_by": NOBODY}),
        ("approval_rules", {"kind": "retention_change", "roles": [SECURITY.value] * 2}),
    ],
)
async def test_what_these_rest_on_is_not_a_tenants_to_write(
    intruder: Intruder, table: str, row: dict[str, Any]
):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intruder.write({"tenant_id": VENDOR_ID} | row, table)
    own = {"tenant_id": intruder.request.tenant_id} | row
    if table == "lone_requests":
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await intruder.write(own, table)
    else:
        assert await intruder.refused(own, table) == "is_the_vendors"
    for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with intruder.desk.house.storage.write(TenantScope(VENDOR_ID)) as session:
                await (await session.driver()).execute(statement)


async def test_a_role_is_kept_with_whoever_gave_it_once(desk: Desk):
    sam = desk.people["sam"]
    again = GrantRole(VENDOR_ID, sam.id, SECURITY, None)
    await desk.house.people.grant(again, CONSOLE)
    await desk.house.people.revoke(CONSOLE, VENDOR_ID, sam.id, SECURITY)
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT role, granted_by, tenant_id FROM vendor_roles WHERE tenant_id = $1 AND person_id = $2",
            VENDOR_ID,
            sam.id,
        )
    assert [tuple(row) for row in rows] == [(SECURITY.value, NOBODY, VENDOR_ID)]
    request = await desk.ask(intent=intent_of(desk.tenant, desk.kind))
    await desk.approve(request, "sid")


async def test_a_role_that_an_earlier_version_gave_counts_once_a_process_of_this_one_starts(desk: Desk):
    """While versions change, one that knows nothing of ``vendor_roles`` may still grant roles."""
    house = desk.house
    desk.people = {**desk.people, "nils": await add_person(house, "nils@vendor.example")}
    row = {
        "tenant_id": VENDOR_ID,
        "id": new_id(),
        "person_id": desk.people["nils"].id,
        "role": SECURITY.value,
    }
    row |= {"granted_at": house.clock.now(), "granted_by": CONSOLE.id}
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        statement = f"INSERT INTO role_grants ({', '.join(row)}) VALUES ({places})"
        await (await session.driver()).execute(statement, *row.values())
    request = await desk.ask()
    desk.people["nils"] = replace(desk.people["nils"], roles=frozenset({SECURITY}))
    with pytest.raises(IntegrityError, match="approval_steps_role_fkey"):
        await desk.approve(request, "nils")

    await house.open()

    approved = await desk.approve(request, "nils")
    assert [each.person_name for each in approved.steps] == ["Nils"]
