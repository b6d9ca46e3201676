"""Somebody who speaks SQL as the application does, and goes round the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from dual_control import Desk

from trust_portal.access.approvals.model import ApprovalRequest, StepAct
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.evidence.act import Act
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.ids import new_id
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope


@dataclass
class Intruder:
    """Somebody who speaks SQL in the tenant's scope and wants this request to have been approved."""

    desk: Desk
    request: ApprovalRequest

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        async with self.desk.house.storage.write(TenantScope(self.desk.tenant.id)) as session:
            driver = await session.driver()
            assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
            yield driver

    async def receipt(self):
        """One that no step has: whoever may write steps may write receipts."""
        storage, tenant_id = self.desk.house.storage, self.desk.tenant.id
        act = Act(
            kind=ReceiptKind.APPROVAL_APPROVED,
            tenant_id=tenant_id,
            actor=self.desk.requester,
            at=storage.clock.now(),
            subjects=(Subject(f"forged/{new_id()}", "0" * 64),),
            predicate={},
        )
        async with storage.write(TenantScope(tenant_id)) as session:
            return (await self.desk.house.ledger.record(session, act)).id

    async def step(self, name: str = "sam", **lies: Any) -> dict[str, Any]:
        """A first approval as the service would write it, but for the ``lies``; signed, if it is a decision."""
        request = self.request
        act, person_id = lies.get("act", "approve"), lies.get("person_id", self.desk.people[name].id)
        decides = act in {"approve", "deny"} and "signature_id" not in lies
        return {
            "tenant_id": request.tenant_id,
            "request_id": request.id,
            "ordinal": 1,
            "act": "approve",
            "previous": None,
            "previous_act": None,
            "previous_at": None,
            "slot": 1,
            "role": "approver_security",
            "granted_by": None,
            "person_id": self.desk.people[name].id,
            "person_name": name.title(),
            "reason": "looks fine",
            "at": self.desk.house.clock.now(),
            "digest": request.digest,
            "roles": [role.value for role in request.roles],
            "requester_id": request.requester_id,
            "expires_at": request.expires_at,
            "use_seconds": request.use_seconds,
            "signature_id": await self._signature(person_id, StepAct(act)) if decides else None,
            "receipt_id": await self.receipt(),
        } | lies

    async def _signature(self, person_id: UUID, act: StepAct) -> UUID:
        """One on record by this person; of nobody's, an id that no signature has."""
        house, request = self.desk.house, self.request
        known = next((each for each in self.desk.people.values() if each.id == person_id), None)
        if known is None:
            return new_id()
        actor = known.as_actor()
        assertion = await self.desk.devices.sign(request, actor, "looks fine", slot=1, act=act)
        statement = decision_statement(request, act, 1, actor.id, actor.name, "looks fine")
        signed = await house.signatures.check(actor, statement, assertion)
        async with house.storage.write(TenantScope(request.tenant_id)) as session:
            return (await house.signatures.record(session, signed, actor)).id

    async def behind(self, ordinal: int, name: str = "sam", **lies: Any) -> dict[str, Any]:
        """A step behind the last one there is, which is told to be number ``ordinal - 1``."""
        async with self.connection() as driver:
            last = await driver.fetchrow(
                "SELECT ordinal, act, at FROM approval_steps WHERE tenant_id = $1 AND request_id = $2"
                " ORDER BY ordinal DESC LIMIT 1",
                self.request.tenant_id,
                self.request.id,
            )
        link = {
            "ordinal": ordinal,
            "previous": ordinal - 1,
            "previous_act": last["act"],
            "previous_at": last["at"],
        }
        return await self.step(name, **(link | lies))

    async def write(self, row: dict[str, Any], table: str = "approval_steps") -> None:
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"
        async with self.connection() as driver:
            await driver.execute(statement, *row.values())

    async def refused(self, row: dict[str, Any], table: str = "approval_steps") -> str:
        """The constraint that refuses ``row``; nothing of dual control has changed."""
        before = await self.desk.stored()
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await self.write(row, table)
        assert await self.desk.stored() == before
        found = violation(caught.value)
        assert found is not None
        return found.constraint.removeprefix(f"{table}_").removesuffix("_check")
