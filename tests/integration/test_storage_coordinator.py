"""Locks, LISTEN and NOTIFY go to the coordinator's connections, and everything else to the others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from trust_portal.evidence.act import Act
from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_ADVISORY = """
SELECT DISTINCT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_the_seat_and_the_listener_are_at_the_coordinator(
    database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    storage = Storage(
        create_engine(database_url, application_name="any node"),
        clock,
        coordinator=create_engine(database_url, application_name="coordinator"),
    )
    keyring = load_or_create_keyring(tmp_path / "keys.json", clock)
    ledger = Ledger(storage, keyring)
    stop = asyncio.Event()
    sequencer = asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example"))
    act = Act(
        kind=ReceiptKind.SLA_REPORT_ISSUED,
        tenant_id=VENDOR_ID,
        actor=SYSTEM,
        at=datetime(2026, 7, 1, tzinfo=UTC),
        subjects=(Subject("report.json", "00" * 32),),
        predicate={},
    )
    async with storage.write(TenantScope(VENDOR_ID)) as session:
        assert await (await session.driver()).fetchval("SHOW application_name") == "any node"
        receipt_id: UUID = (await ledger.record(session, act)).id
    await ledger.wait(VENDOR_ID, receipt_id)
    onlooker = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    assert [row[0] for row in await onlooker.fetch(_ADVISORY)] == ["coordinator"]
    listening = (
        "SELECT application_name FROM pg_stat_activity WHERE query ~ '^(LISTEN|COMMIT; NOTIFY|NOTIFY)'"
    )
    assert {row[0] for row in await onlooker.fetch(listening)} <= {"coordinator"}
    await onlooker.close()
    stop.set()
    await sequencer
    await ledger.close()
    await storage.close()


async def test_without_one_of_its_own_the_storage_is_its_own_coordinator(storage: Storage) -> None:
    assert storage.coordinator is storage
