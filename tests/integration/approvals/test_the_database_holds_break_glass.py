"""The rules of emergency access with the service bypassed: SQL, as the application role, in the tenant's scope."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from dual_control import Desk
from glass import Scene

from trust_portal.access.break_glass.model import GlassAct
from trust_portal.evidence.act import Act
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=8)

STEPS = "break_glass_steps"


class Intruder:
    """Speaks SQL in the tenant's scope and wants what Rita did to count as reviewed."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.desk = scene, scene.desk

    async def receipt(self):
        house, tenant_id = self.desk.house, self.desk.tenant.id
        act = Act(
            kind=ReceiptKind.BREAK_GLASS_REVIEWED,
            tenant_id=tenant_id,
            actor=self.desk.requester,
            at=house.clock.now(),
            subjects=(Subject(f"forged/{new_id()}", "0" * 64),),
            predicate={},
        )
        async with house.storage.write(TenantScope(tenant_id)) as session:
            return (await house.ledger.record(session, act)).id

    async def write(self, table: str, row: dict[str, Any]) -> None:
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        async with self.desk.house.storage.write(TenantScope(self.desk.tenant.id)) as session:
            driver = await session.driver()
            assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
            await driver.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())

    async def refused(self, table: str, row: dict[str, Any]) -> str:
        """The constraint that refuses it."""
        row = row | {"receipt_id": row.get("receipt_id") or await self.receipt()}
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await self.write(table, row)
        found = violation(caught.value)
        assert found is not None
        return found.constraint.removeprefix(f"{table}_").removesuffix("_check")


@pytest.fixture
async def intruder(desk: Desk) -> Intruder:
    return Intruder(await Scene(desk).cast())


async def test_a_grant_has_a_reason_an_end_and_a_customer(intruder):
    now = intruder.desk.house.clock.now()
    row = {
        "tenant_id": intruder.desk.tenant.id,
        "id": new_id(),
        "number": 1,
        "person_id": intruder.scene.people["rita"].id,
        "person_name": "Rita",
        "reason": "a reason that is long enough to be one",
        "opened_at": now,
        "until": now + timedelta(hours=1),
    }
    grants = "break_glass_grants"
    assert await intruder.refused(grants, row | {"reason": "short"}) == "reason_is_given"
    assert await intruder.refused(grants, row | {"until": now + timedelta(hours=5)}) == "time_is_limited"
    assert await intruder.refused(grants, row | {"until": now}) == "time_is_limited"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intruder.write(grants, row | {"tenant_id": VENDOR_ID, "receipt_id": await intruder.receipt()})
    await intruder.write(grants, row | {"receipt_id": await intruder.receipt()})
    assert await intruder.refused(grants, row | {"id": new_id()}) == "number_key"


async def test_a_review_is_over_only_by_a_decision_of_others_on_the_one_who_broke_it(intruder):
    scene, desk = intruder.scene, intruder.desk
    found = await scene.break_glass("rita")
    base = {
        "tenant_id": desk.tenant.id,
        "grant_id": found.grant.id,
        "actor_id": scene.people["rita"].id,
        "actor_name": "Rita",
        "person_id": scene.people["rita"].id,
        "reason": "fine",
        "at": desk.house.clock.now(),
    }
    review = {
        "act": "review",
        "ordinal": 3,
        "previous": 2,
        "previous_act": "ask",
        "outcome": "accepted",
        "decided": 3,
        "decided_act": "use",
        "decided_at": desk.house.clock.now(),
    }
    # Reviewed at once, without having been closed.
    assert (
        await intruder.refused(STEPS, base | review | {"ordinal": 1, "approval_id": new_id()})
        == "follows_its_step"
    )
    closed = await scene.close(found, "rita")
    asked = closed.step(GlassAct.ASK)
    its = {"approval_id": asked.approval_id}
    # Nobody decided: there is no such step of the request.
    assert await intruder.refused(STEPS, base | review | its) == "decided_fkey"
    # Without any decision, or by one that is none.
    nothing = {"decided": None, "decided_act": None, "decided_at": None}
    assert await intruder.refused(STEPS, base | review | its | nothing) == "reviewed_by_a_decision"
    assert (
        await intruder.refused(STEPS, base | review | its | {"decided_act": "approve"})
        == "reviewed_by_a_decision"
    )
    # By another request than one about Rita, whoever asked it.
    other = await desk.ask()
    assert await intruder.refused(STEPS, base | review | {"approval_id": other.id}) == "approval_fkey"
    ask_again = {"act": "ask", "ordinal": 3, "previous": 2, "previous_act": "ask"}
    assert await intruder.refused(STEPS, base | ask_again | {"approval_id": other.id}) == "approval_fkey"
    as_if = {"approval_id": other.id, "person_id": other.requester_id}
    assert await intruder.refused(STEPS, base | ask_again | as_if) == "grant_fkey"
    assert (await scene.look(found)).step(GlassAct.REVIEW) is None


async def test_a_review_takes_two(intruder):
    request = await intruder.desk.ask()
    async with intruder.desk.house.storage.write(TenantScope(intruder.desk.tenant.id)) as session:
        driver = await session.driver()
        row = await driver.fetchrow(
            "SELECT * FROM approval_requests WHERE tenant_id = $1 AND id = $2", request.tenant_id, request.id
        )
    made_from = {name: value for name, value in row.items() if name != "lone"}
    lies = {"id": new_id(), "receipt_id": None, "kind": "break_glass_review", "roles": ["approver_security"]}
    assert await intruder.refused("approval_requests", made_from | lies) == "two_review"


@pytest.mark.parametrize("table", ["break_glass_grants", STEPS])
async def test_what_happened_cannot_be_changed_or_removed(intruder, table):
    found = await intruder.scene.break_glass()
    await intruder.scene.close(found)
    for statement in (
        f"UPDATE {table} SET reason = 'x'",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with intruder.desk.house.storage.write(TenantScope(intruder.desk.tenant.id)) as session:
                await (await session.driver()).execute(statement)
