"""Receipts a second with proof: 32 appenders, one receipt a transaction, fsync on."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import uvloop

from benchmarks.receipt_appenders import Course, bare_commit, drive, lock_per_receipt, with_proof
from benchmarks.row import Row, at_least, context
from trust_portal.evidence.keyring import load_keyring, load_or_create_keyring
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
        load_or_create_keyring(key_file, SystemClock())
        async with embedded_servers(Path(folder) / "data") as servers:
            url = servers.database_url
            await migrate(url)
            await _create_rivals(url)
            one, many = (new_id(),), tuple(new_id() for _ in range(8))
            pids: tuple[int, ...] = (servers.postgres_pid,)

            bare = await drive(bare_commit, Course(url, key_file, pids, many), **_CROWD)
            locked = await drive(lock_per_receipt, Course(url, key_file, pids, (new_id(),)), **_CROWD)
            with _sequencer(url, key_file) as sequencer:
                pids = (*pids, sequencer)
                one_log = await drive(with_proof, Course(url, key_file, pids, one), **_CROWD)
                eight_logs = await drive(with_proof, Course(url, key_file, pids, many), **_CROWD)
    named = {"one log": one_log, "eight logs": eight_logs}
    return [
        context(f"one-row commits, {APPENDERS} connections", bare.rate, "commits/s"),
        context("… processor time of one", bare.cpu, "µs"),
        context("a lock per receipt, one log", locked.rate, "receipts/s"),
        *(
            at_least(f"receipts with proof, {name}", pace.rate, "receipts/s", PROMISED, "promised on 2 cores")
            for name, pace in named.items()
        ),
        *(
            context(f"… processor time of one, {name}: {part}", microseconds, "µs")
            for name, pace in named.items()
            for part, microseconds in (("appender", pace.appender_cpu), ("servers", pace.server_cpu))
        ),
        Row(
            "… of bare commits",
            one_log.rate,
            "receipts/s",
            bare.rate,
            "one-row commits",
            one_log.rate / bare.rate,
        ),
        at_least(
            "… against a lock per receipt", one_log.rate, "receipts/s", locked.rate, "a lock per receipt"
        ),
    ]


async def _create_rivals(url: str) -> None:
    engine = create_engine(url)
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(_RIVALS)
    await engine.dispose()


@contextmanager
def _sequencer(url: str, key_file: Path) -> Iterator[int]:
    """The pid of a sequencer in a process of its own, so that its processor time can be told apart."""
    processes = multiprocessing.get_context("spawn")
    stop = processes.Event()
    process = processes.Process(target=_sequence, args=(url, key_file, stop))
    process.start()
    assert process.pid is not None
    try:
        yield process.pid
    finally:
        stop.set()
        process.join()


def _sequence(url: str, key_file: Path, told: Event) -> None:
    async def work() -> None:
        storage = Storage(create_engine(url))
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def pass_on() -> None:
            told.wait()
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=pass_on, daemon=True).start()
        await run_sequencer(storage, load_keyring(key_file), stop, host="bench.example")
        await storage.engine.dispose()

    uvloop.run(work())
