"""A P1 or P2 is not made less in the tables either: SQL, as the application's role, in the vendor's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from support.learning_world import Vendor, declared, named
from support.passkeys import Devices

from trust_portal.access.approvals.model import ApprovalRequest
from trust_portal.access.approvals.recording import load
from trust_portal.evidence.act import Act
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents.acts_model import ChangeSeverity
from trust_portal.learning.incidents.model import AppliedDowngrade, Severity
from trust_portal.runtime.migrate import alembic_config, check_drift, migrate
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)
#: The revision before the one that brought the rule.
BEFORE = "0045"
TABLES = ("incidents", "incident_downgrade_requests", "incident_downgrades", "approval_steps")
P1, P2, LESSER, ASKED, SETTLED = "INC-1", "INC-2", "INC-3", "INC-4", "INC-5"


@dataclass
class Register:
    """``P1`` and ``P2`` as declared; of ``LESSER`` (a P1) a P2 was made, of ``SETTLED`` (a P2) a P4, by two each.

    Of ``ASKED`` (a P1) a P3 is asked for, and nobody has decided.
    """

    vendor: Vendor
    requests: dict[str, ApprovalRequest]

    async def sql(self, statement: str, *values: object) -> None:
        async with self.vendor.house.storage.write(TenantScope(VENDOR_ID)) as session:
            driver = await session.driver()
            assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
            await driver.execute(statement, *values)

    async def refused(self, statement: str, *values: object) -> str:
        """The constraint that refuses it; no row has changed."""
        before = await self.rows()
        with pytest.raises(asyncpg.PostgresError) as caught:
            await self.sql(statement, *values)
        assert await self.rows() == before
        found = violation(caught.value)
        assert found is not None, caught.value
        return found.constraint.removesuffix("_check")

    async def update(self, key: str, **values: object) -> str:
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
        statement = f"UPDATE incidents SET {sets} WHERE tenant_id = '{VENDOR_ID}' AND id = $1"
        return await self.refused(statement, named(key), *values.values())

    async def insert(self, table: str, row: dict[str, Any]) -> str:
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        return await self.refused(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())

    async def receipt(self) -> UUID:
        """One that no row has: whoever may write rows may write receipts."""
        house = self.vendor.house
        act = Act(
            kind=ReceiptKind.INCIDENT_DOWNGRADED,
            tenant_id=VENDOR_ID,
            actor=SYSTEM,
            at=house.clock.now(),
            subjects=(Subject(f"forged/{new_id()}", "0" * 64),),
            predicate={},
        )
        async with house.storage.write(TenantScope(VENDOR_ID)) as session:
            return (await house.ledger.record(session, act)).id

    async def rows(self) -> list[Sequence[Any]]:
        async with self.vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
            driver = await session.driver()
            return [
                each
                for table in TABLES
                for each in await driver.fetch(f"SELECT * FROM {table} ORDER BY {table}::text")
            ]

    async def row(self, key: str) -> dict[str, Any]:
        """A downgrade as the service wrote it."""
        async with self.vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
            found = await (await session.driver()).fetchrow(
                "SELECT * FROM incident_downgrades WHERE incident_id = $1", named(key)
            )
        return dict(found)


@pytest.fixture
async def register(vendor: Vendor) -> Register:
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()
    two: list[Actor] = [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]
    await vendor.tell(
        declared(P1), declared(P2, "P2"), declared(LESSER), declared(ASKED), declared(SETTLED, "P2")
    )
    await vendor.register()
    vendor.clock.advance(timedelta(minutes=1))
    devices, house, requests = Devices(vendor.house), vendor.house, {}
    for key, less in ((LESSER, Severity.P2), (ASKED, Severity.P3), (SETTLED, Severity.P4)):
        id_ = await house.downgrades.ask(ChangeSeverity(named(key), "It hurt nobody", severity=less), sre)
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            requests[key] = (await load(session, VENDOR_ID, id_)).request
        if key != ASKED:
            for actor in two:
                await devices.approve(requests[key], actor, "It hurt nobody")
            await house.downgrades.approval_settled(id_)
    return Register(vendor, requests)


async def test_a_row_of_the_register_is_less_by_a_downgrade_of_its_own_only(register: Register) -> None:
    known = await register.vendor.register()
    rests_on = {key: each.downgrade for key, each in known.items()}
    assert rests_on == {
        P1: None, P2: None, ASKED: None,
        LESSER: AppliedDowngrade(register.requests[LESSER].id, Severity.P2),
        SETTLED: AppliedDowngrade(register.requests[SETTLED].id, Severity.P4),
    }  # fmt: skip

    takes_approval, of_another = "incidents_less_takes_approval", "incidents_downgrade_fkey"
    for key, severities in (
        (P1, ("P2", "P3", "P4")),
        (P2, ("P3", "P4")),
        (ASKED, ("P3",)),
        (LESSER, ("P3", "P4")),
    ):
        for severity in severities:
            assert await register.update(key, severity=severity) == takes_approval, (key, severity)
    for key, request_id in (
        (P1, register.requests[SETTLED].id),
        (ASKED, register.requests[ASKED].id),
        (LESSER, register.requests[LESSER].id),
        (P2, new_id()),
    ):
        lie = {"severity": "P4", "downgraded_by": request_id, "downgraded_to": "P4"}
        assert await register.update(key, **lie) == of_another, key
    for half in (
        {"downgraded_by": register.requests[SETTLED].id},
        {"downgraded_to": "P4"},
        {"severity": "P4", "downgraded_to": "P4"},
    ):
        assert await register.update(P1, **half) == takes_approval, half
    assert await register.update(SETTLED, downgraded_by=None, downgraded_to=None) == takes_approval
    # Nor is it less for being said to have been told so: it was declared.
    assert await register.update(P1, severity="P4", told_severity="P4") == "incidents_told_is_told"


async def test_a_downgrade_is_what_was_asked_for_and_stands_on_the_use_of_two_approvals(
    register: Register,
) -> None:
    asked, settled = register.requests[ASKED], await register.row(SETTLED)
    forged = settled | {"request_id": asked.id, "incident_id": named(ASKED), "before": "P1", "severity": "P3"}
    table = "incident_downgrades"
    for lie, rule in (
        ({}, "incident_downgrades_use_fkey"),
        ({"use_ordinal": 1, "use_act": "approve"}, "incident_downgrades_approved_by_two"),
        ({"use_ordinal": 2, "approvers": settled["approvers"][:1]}, "incident_downgrades_approved_by_two"),
        ({"approvers": settled["approvers"][:1]}, "incident_downgrades_approved_by_two"),
        ({"use_act": "approve"}, "incident_downgrades_approved_by_two"),
    ):
        assert (
            await register.insert(table, forged | {"receipt_id": await register.receipt()} | lie) == rule
        ), lie
    for lie, rule in (
        ({"request_id": new_id()}, "incident_downgrades_request_fkey"),
        ({}, "incident_downgrades_pkey"),
    ):
        row = settled | {"receipt_id": await register.receipt()} | lie
        assert await register.insert(table, row) == rule, lie
    for key, lies in ((P1, {"before": "P1"}), (SETTLED, {"severity": "P3"})):
        row = settled | {"request_id": asked.id, "incident_id": named(key)} | lies
        row["receipt_id"] = await register.receipt()
        assert await register.insert(table, row) == "incident_downgrades_request_fkey", key
    assert await register.insert(table, forged) == "incident_downgrades_receipt_key"

    requests, about = (
        "incident_downgrade_requests",
        {"incident_id": named(P2), "before": "P2", "severity": "P4"},
    )
    known = {"tenant_id": VENDOR_ID, "request_id": asked.id} | about
    assert await register.insert(requests, known) == "incident_downgrade_requests_pkey"
    unknown = known | {"request_id": new_id()}
    assert await register.insert(requests, unknown) == "incident_downgrade_requests_approval_fkey"
    for lie in ({"before": "P4"}, {"before": "P3"}, {"severity": "P2"}, {"severity": "P5"}):
        assert await register.insert(requests, unknown | lie) == "incident_downgrade_requests_lowers", lie
    for each in (table, requests):
        for verb in (f"DELETE FROM {each}", f"UPDATE {each} SET severity = 'P4'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await register.sql(verb)


async def test_rows_from_before_the_rule_name_their_downgrades_and_what_none_stands_behind_is_as_it_was(
    register: Register,
) -> None:
    known, url = await register.vendor.register(), register.vendor.house.settings.database_url
    await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE)
    for key in (P1, LESSER):
        await register.sql("UPDATE incidents SET severity = 'P4' WHERE id = $1", named(key))

    await migrate(url)
    await register.vendor.house.storage.engine.dispose()

    assert await register.vendor.register(follow=False) == known
    await asyncio.to_thread(check_drift, url)
