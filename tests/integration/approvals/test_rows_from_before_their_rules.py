"""What was decided before the tables held a rule stays as it was, readable and listed; and nothing joins it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from alembic import command
from dual_control import Desk, intent_of
from sqlalchemy import make_url

from tests.conftest import ServerThread
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import ApprovalState
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import new_id
from trust_portal.runtime.migrate import alembic_config, check_drift, migrate
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=15)

#: The last revision by which an approval could do without a signature, a looser threshold without an approval,
#: and a request with one approval.
BEFORE = "0031"
#: The last by which somebody could decide as what nobody had made them.
BEFORE_ROLES = "0050"
#: Of one scope, in the order in which they were set: looser than installed, tighter than that, looser again.
REVISIONS = ({"min_impact": 500.0}, {"min_impact": 50.0}, {"min_impact": 60.0})


async def asked_unsigned(driver: asyncpg.Connection[Any], request_id: object) -> None:
    """As if nobody had been asked to sign."""
    await driver.execute("ALTER TABLE approval_requests DISABLE TRIGGER approval_requests_append_only")
    await driver.execute("UPDATE approval_requests SET passkey = false WHERE id = $1", request_id)
    await driver.execute("ALTER TABLE approval_requests ENABLE TRIGGER approval_requests_append_only")


async def insert(driver: asyncpg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    await driver.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def rows(driver: asyncpg.Connection[Any], table: str, *but: str) -> list[dict[str, Any]]:
    """Every row, without the columns that revisions since then have brought or taken."""
    found = [dict(each) for each in await driver.fetch(f"SELECT * FROM {table}")]
    return sorted(({k: v for k, v in each.items() if k not in but} for each in found), key=repr)


@asynccontextmanager
async def owner_of(server_thread: ServerThread, url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Past every row's policy, as no role of the product is."""
    driver = await server_thread.servers._postgres.connect_as_bootstrap(make_url(url).database)
    try:
        yield driver
    finally:
        await driver.close()


async def test_unsigned_approvals_lone_requests_and_unapproved_thresholds_stay_as_they_were_and_nothing_joins_them(
    desk: Desk, server_thread: ServerThread
) -> None:
    house, tenant_id = desk.house, desk.tenant.id
    signed = await desk.ask()
    await desk.approve(signed, "sam")
    unsigned = await desk.ask(intent=intent_of(desk.tenant, desk.kind, days="60"))
    open_ = await desk.ask(intent=intent_of(desk.tenant, desk.kind, days="90"))
    url = house.settings.database_url

    await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE)
    async with owner_of(server_thread, url) as driver:
        await asked_unsigned(driver, unsigned.id)
        step = dict(await driver.fetchrow("SELECT * FROM approval_steps WHERE request_id = $1", signed.id))
        receipts = await driver.fetch("SELECT id FROM receipts WHERE tenant_id = $1 ORDER BY id", tenant_id)
        used = {each["receipt_id"] for each in await driver.fetch("SELECT receipt_id FROM approval_steps")}
        spare = [each["id"] for each in receipts if each["id"] not in used]
        asking = {
            each["receipt_id"] for each in await driver.fetch("SELECT receipt_id FROM approval_requests")
        }
        formerly = {key: value for key, value in step.items() if key != "milestone"} | {
            "request_id": unsigned.id,
            "digest": unsigned.digest,
            "expires_at": unsigned.expires_at,
            "signature_id": None,
            "passkey": False,
            "receipt_id": spare[0],
        }
        await insert(driver, "approval_steps", formerly)
        asked = dict(await driver.fetchrow("SELECT * FROM approval_requests WHERE id = $1", open_.id))
        lone = asked | {
            "id": new_id(),
            "roles": ["approver_security"],
            "receipt_id": step["receipt_id"],
        }
        await insert(driver, "approval_requests", lone)
        for number, figures in enumerate(REVISIONS, 1):
            await insert(
                driver,
                "thresholds",
                {
                    "tenant_id": tenant_id,
                    "subsystem": "compute",
                    "revision": number,
                    "figures": json.dumps(figures),
                    "reason": "noisy",
                    "set_at": house.clock.now(),
                    "set_by_id": CONSOLE.id,
                    "set_by_name": "x",
                    "receipt_id": step["receipt_id"],
                },
            )
        brought = ("passkey", "unsigned", "followed", "follows", "unapproved", "lone", "giver")
        tables = ("approval_requests", "approval_steps", "thresholds", "receipts", "passkey_signatures")
        before = {table: await rows(driver, table, *brought) for table in tables}

    await migrate(url)
    await house.storage.engine.dispose()

    await asyncio.to_thread(check_drift, url)
    async with owner_of(server_thread, url) as driver:
        assert {table: await rows(driver, table, *brought) for table in tables} == before
        assert await rows(driver, "unsigned_approvals") == [
            {"tenant_id": tenant_id, "request_id": unsigned.id, "ordinal": 1}
        ]
        assert await rows(driver, "lone_requests") == [{"tenant_id": tenant_id, "request_id": lone["id"]}]
        assert await rows(driver, "unapproved_thresholds") == [
            {"tenant_id": tenant_id, "subsystem": "compute", "revision": number} for number in (1, 3)
        ]
        unchecked = "SELECT conrelid::regclass::text FROM pg_constraint WHERE NOT convalidated"
        assert not {each["conrelid"] for each in await driver.fetch(unchecked)} & set(tables)
        enabled = "SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname LIKE '%_append_only'"
        assert [each["tgenabled"] for each in await driver.fetch(enabled)] == [b"O"]
    view = await house.approval_inbox.get(desk.by("fay"), tenant_id, unsigned.id)
    assert (view.state, view.approval.steps[0].person_name) == (ApprovalState.PENDING, "Sam")
    with pytest.raises(ApprovalRefused) as again:
        await desk.approve(unsigned, "fay")
    assert again.value.code == "RULE_CHANGED", "it is on record, and counts no more: ask again"
    alone = await house.approval_inbox.get(desk.by("fay"), tenant_id, lone["id"])
    assert (alone.state, alone.approval.request.roles) == (ApprovalState.PENDING, (Role.APPROVER_SECURITY,))
    with pytest.raises(ApprovalRefused) as by_one:
        await desk.approve(alone.approval.request, "sid")
    assert by_one.value.code == "RULE_CHANGED"
    history = await house.thresholds.history(CONSOLE, tenant_id)
    assert [dict(each.figures) for each in history] == list(REVISIONS)
    assert [each.followed for each in history] == [None, *REVISIONS[:2]]

    late = formerly | {"request_id": open_.id, "digest": open_.digest, "expires_at": open_.expires_at}
    late |= {"receipt_id": spare[1]}
    del late["passkey"]
    another = lone | {"id": new_id(), "receipt_id": next(each for each in spare if each not in asking)}
    del another["passkey"]
    looser = {
        "tenant_id": tenant_id,
        "subsystem": "compute",
        "revision": 4,
        "figures": '{"min_impact": 61.0}',
    }
    looser |= {"followed": json.dumps(REVISIONS[-1]), "reason": "x", "set_at": house.clock.now()}
    looser |= {"set_by_id": new_id(), "set_by_name": "x", "receipt_id": step["receipt_id"]}
    for table, row, rule in (
        ("approval_steps", late, "approval_steps_unsigned_fkey"),
        ("approval_requests", another, "approval_requests_lone_fkey"),
        ("thresholds", looser, "thresholds_unapproved_fkey"),
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError) as refused:
            async with house.storage.write(TenantScope(tenant_id)) as session:
                await insert(await session.driver(), table, row)
        found = violation(refused.value)
        assert found is not None
        assert found.constraint == rule


async def test_whoever_decided_as_what_nobody_made_them_is_named_and_nothing_is_migrated(
    desk: Desk, server_thread: ServerThread
) -> None:
    request, url = await desk.ask(), desk.house.settings.database_url
    await desk.deny(request, "sam")
    other = await desk.ask(intent=intent_of(desk.tenant, desk.kind, days="60"))
    await desk.house.storage.engine.dispose()
    await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_ROLES)
    stranger = new_id()
    async with owner_of(server_thread, url) as driver:
        step = dict(await driver.fetchrow("SELECT * FROM approval_steps WHERE request_id = $1", request.id))
        forged = {key: value for key, value in step.items() if key not in {"milestone", "unsigned"}}
        forged |= {"request_id": other.id, "digest": other.digest, "expires_at": other.expires_at}
        forged |= {"person_id": stranger, "receipt_id": other.receipt_id}
        await insert(driver, "approval_steps", forged)

    with pytest.raises(RuntimeError) as refused:
        await migrate(url)

    assert str(refused.value) == (
        "decided by people who were never given the role they decided as:"
        f" request {other.id}, step 1: {stranger} as approver_security"
    )
    async with owner_of(server_thread, url) as driver:
        assert await driver.fetchval("SELECT version_num FROM alembic_version") == BEFORE_ROLES
        assert await driver.fetchval("SELECT to_regclass('vendor_roles')") is None
