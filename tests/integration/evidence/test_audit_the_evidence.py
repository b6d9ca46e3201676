"""What an intruder with the owner's rights changes is found, named, and stops the sequencer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from trust_portal.errors import LedgerDisagrees
from trust_portal.evidence.act import Act
from trust_portal.evidence.audit import AuditCode, AuditFinding, AuditTotals, audit
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.log_check import check_logs
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

MakeAct = Callable[..., Act]


@asynccontextmanager
async def intruder(storage: Storage) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The tables' owner, who switches the guards off first."""
    async with storage.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        for table in ("receipts", "log_entries", "log_nodes", "checkpoints"):
            await driver.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
            await driver.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        yield driver


@pytest.fixture
async def log_of_five(
    storage: Storage, ledger: Ledger, keyring: Keyring, tenant: UUID, make_act: MakeAct
) -> UUID:
    """Five receipts, integrated; nobody sequences any more."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example"))
    for number in range(5):
        async with storage.write(TenantScope(tenant)) as session:
            receipt = await ledger.record(session, make_act(tenant, f"thing {number}"))
        await ledger.wait(tenant, receipt.id, 60)
    stop.set()
    await task
    return tenant


async def findings_of(storage: Storage) -> list[AuditFinding]:
    return [each async for each in audit(storage, AuditTotals())]


async def test_an_untouched_log_has_no_findings(
    storage: Storage, keyring: Keyring, log_of_five: UUID
) -> None:
    totals = AuditTotals()
    assert [each async for each in audit(storage, totals)] == []
    assert (totals.tenants, totals.receipts, totals.checkpoints) == (2, 8, 6)  # three keys of the vendor
    assert await check_logs(storage, keyring) == 2


TAMPERING = {
    "a byte of an envelope": (
        (
            "UPDATE receipts SET envelope = set_byte(envelope, 40, get_byte(envelope, 40) # 1)"
            " WHERE tenant_id = $1 AND id = (SELECT receipt_id FROM log_entries WHERE tenant_id = $1 AND index = 2)"
        ),
        {AuditCode.BODY_CHANGED, AuditCode.BAD_SIGNATURE, AuditCode.UNREADABLE},
        False,
    ),
    "a leaf hash of the table": (
        (
            "UPDATE receipts SET leaf_hash = sha256(leaf_hash) WHERE tenant_id = $1"
            " AND id = (SELECT receipt_id FROM log_entries WHERE tenant_id = $1 AND index = 2)"
        ),
        {AuditCode.BODY_CHANGED},
        True,
    ),
    "a leaf of the log": (
        "UPDATE log_entries SET leaf_hash = sha256(leaf_hash) WHERE tenant_id = $1 AND index = 2",
        {AuditCode.BODY_CHANGED, AuditCode.NODE_CHANGED, AuditCode.CHECKPOINT_FORKED},
        True,
    ),
    "an entry gone": (
        "DELETE FROM log_entries WHERE tenant_id = $1 AND index = 2",
        {AuditCode.ENTRY_MISSING, AuditCode.RECEIPT_NOT_LOGGED},
        True,
    ),
    "the last entry gone": (
        "DELETE FROM log_entries WHERE tenant_id = $1 AND index = 4",
        {AuditCode.ENTRY_MISSING, AuditCode.RECEIPT_NOT_LOGGED},
        True,
    ),
    "the last checkpoint gone": (
        "DELETE FROM checkpoints WHERE tenant_id = $1 AND tree_size = 5",
        {AuditCode.NO_CHECKPOINT},
        True,
    ),
    "a root": (
        "UPDATE checkpoints SET root = sha256(root) WHERE tenant_id = $1 AND tree_size = 5",
        {AuditCode.CHECKPOINT_FORKED},
        True,
    ),
    "a signed note": (
        (
            "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE tenant_id = $1 AND tree_size = 4)"
            " WHERE tenant_id = $1 AND tree_size = 5"
        ),
        {AuditCode.CHECKPOINT_FORKED},
        True,
    ),
    "an inner node": (
        "UPDATE log_nodes SET hash = sha256(hash) WHERE tenant_id = $1 AND level = 2",
        {AuditCode.NODE_CHANGED},
        True,
    ),
    "a receipt gone": (
        (
            "DELETE FROM receipts WHERE tenant_id = $1"
            " AND id = (SELECT receipt_id FROM log_entries WHERE tenant_id = $1 AND index = 2)"
        ),
        {AuditCode.ENTRY_WITHOUT_RECEIPT},
        True,
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_by_the_audit_and_refused_by_the_sequencer(
    storage: Storage, keyring: Keyring, log_of_five: UUID, what: str
) -> None:
    statement, codes, refused = TAMPERING[what]
    async with intruder(storage) as driver:
        assert (await driver.execute(statement, log_of_five)).endswith(" 1")
    found = await findings_of(storage)
    assert found
    assert {each.code for each in found} <= codes
    assert {each.tenant_id for each in found} == {log_of_five}
    assert all(each.where and each.message and each.next for each in found)
    if refused:
        with pytest.raises(LedgerDisagrees):
            await run_sequencer(storage, keyring, asyncio.Event(), host="portal.example")


async def test_a_receipt_that_lost_its_place_in_the_queue_is_found(
    storage: Storage, keyring: Keyring, ledger: Ledger, log_of_five: UUID, make_act: MakeAct
) -> None:
    async with storage.write(TenantScope(log_of_five)) as session:
        await ledger.record(session, make_act(log_of_five))
    async with intruder(storage) as driver:
        await driver.execute("DELETE FROM pending_receipts")
    assert [each.code for each in await findings_of(storage)] == [AuditCode.RECEIPT_NOT_LOGGED]
    with pytest.raises(LedgerDisagrees, match="6 receipts are stored, 5 are logged or waiting"):
        await check_logs(storage, keyring)
