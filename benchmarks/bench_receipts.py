"""Receipts a second with proof: 32 appenders, one receipt a transaction, fsync on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.receipt_appenders import bare_commit, drive, lock_per_receipt, with_proof
from benchmarks.row import Row, at_least, context
from trust_portal.evidence.keyring import Keyring, load_or_create_keyring
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import new_id
from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage

APPENDERS = 32
_CROWD = {"appenders": APPENDERS, "processes": 2}
#: What the product promises on two cores.
PROMISED = 2000.0

#: Tables of the two rivals, without row-level security or triggers: they get every advantage.
_RIVALS = """
CREATE TABLE bare_rows (tenant_id uuid, id uuid, content bytea, PRIMARY KEY (tenant_id, id));
CREATE TABLE locked_nodes (tenant_id uuid, level int, index bigint, hash bytea,
                           PRIMARY KEY (tenant_id, level, index));
CREATE TABLE locked_log (tenant_id uuid, tree_size bigint, envelope bytea, note text,
                         PRIMARY KEY (tenant_id, tree_size));
GRANT SELECT, INSERT ON bare_rows, locked_nodes, locked_log TO trust_portal_app;
"""


async def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "keys.json"
        keyring = load_or_create_keyring(key_file, SystemClock())
        async with embedded_servers(Path(folder) / "data") as servers:
            url = servers.database_url
            await migrate(url)
            await _create_rivals(url)
            many = [new_id() for _ in range(8)]

            bare = await drive(bare_commit, url, key_file, many, **_CROWD)
            locked = await drive(lock_per_receipt, url, key_file, [new_id()], **_CROWD)
            async with _sequencer(url, keyring):
                one_log = await drive(with_proof, url, key_file, [new_id()], **_CROWD)
                eight_logs = await drive(with_proof, url, key_file, many, **_CROWD)
    return [
        context(f"one-row commits, {APPENDERS} connections", bare, "commits/s"),
        context("a lock per receipt, one log", locked, "receipts/s"),
        at_least("receipts with proof, one log", one_log, "receipts/s", PROMISED, "promised on 2 cores"),
        at_least(
            "receipts with proof, eight logs", eight_logs, "receipts/s", PROMISED, "promised on 2 cores"
        ),
        Row("… of bare commits", one_log, "receipts/s", bare, "one-row commits", one_log / bare),
        at_least("… against a lock per receipt", one_log, "receipts/s", locked, "a lock per receipt"),
    ]


async def _create_rivals(url: str) -> None:
    engine = create_engine(url)
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(_RIVALS)
    await engine.dispose()


@asynccontextmanager
async def _sequencer(url: str, keyring: Keyring) -> AsyncIterator[None]:
    storage = Storage(create_engine(url))
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(storage, keyring, stop, host="bench.example"))
    try:
        yield
    finally:
        stop.set()
        await task
        await storage.engine.dispose()
