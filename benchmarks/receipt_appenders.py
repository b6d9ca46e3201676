"""Appenders that the receipt benchmark compares: the ledger, a bare commit, and a lock per receipt.

Each is one coroutine that does one thing over and over; ``drive`` runs many of them in several
processes for a while, counts, and asks what the processor spent on it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import uvloop

from benchmarks.cpu_time import family_seconds
from trust_portal.evidence.act import Act
from trust_portal.evidence.checkpoint import sign_checkpoint
from trust_portal.evidence.dsse import sign_envelope
from trust_portal.evidence.keyring import Keyring, load_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.merkle import CompactRange, leaf_hash, range_nodes
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import new_id
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

Once: TypeAlias = Callable[[], Awaitable[None]]
Maker: TypeAlias = Callable[[Storage, Ledger, Keyring, UUID], Once]

WARM_UP, MEASURED = 2.0, 6.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate`` is completed rounds a second; ``cpu`` the microseconds of processor time of one round,
    in the appenders and in the servers (PostgreSQL with all its backends, the sequencer).
    """

    rate: float
    appender_cpu: float
    server_cpu: float

    @property
    def cpu(self) -> float:
        return self.appender_cpu + self.server_cpu


def an_act(tenant_id: UUID) -> Act:
    """Of the size acts usually have: about a kilobyte as an envelope."""
    return Act(
        kind=ReceiptKind.SLA_REPORT_ISSUED,
        tenant_id=tenant_id,
        actor=SYSTEM,
        at=SystemClock().now(),
        subjects=(Subject("report.json", "5f" * 32),),
        predicate={"attained": {"numerator": "43170", "denominator": "43200"}, "period": "2026-06"},
        policies=("sla-report-issue",),
        policy_version="1",
    )


def with_proof(storage: Storage, ledger: Ledger, _: Keyring, tenant_id: UUID) -> Once:
    """The product's own way: act and receipt commit, then the inclusion proof is waited for."""

    async def once() -> None:
        async with storage.write(TenantScope(tenant_id)) as session:
            receipt = await ledger.record(session, an_act(tenant_id))
        await ledger.wait(tenant_id, receipt.id)

    return once


def bare_commit(storage: Storage, _: Ledger, __: Keyring, tenant_id: UUID) -> Once:
    """The limit: one row of the same size, one commit, no signature, no log, no proof."""
    row = os.urandom(1024)

    async def once() -> None:
        async with storage.write(TenantScope(tenant_id)) as session:
            driver = await session.driver()
            await driver.execute(
                "INSERT INTO bare_rows (tenant_id, id, content) VALUES ($1, $2, $3)", tenant_id, new_id(), row
            )

    return once


def lock_per_receipt(storage: Storage, _: Ledger, keyring: Keyring, tenant_id: UUID) -> Once:
    """What group commit is there to beat: each appender locks the log, extends and signs it itself."""

    async def once() -> None:
        id_ = new_id()
        statement, _ = an_act(tenant_id).statement(id_)
        envelope = sign_envelope(statement.canonical(), keyring.receipts)
        leaf = leaf_hash(envelope.pae)
        async with storage.write(TenantScope(tenant_id)) as session:
            driver = await session.driver()
            await driver.execute("SELECT pg_advisory_xact_lock(hashtext($1))", str(tenant_id))
            size = await driver.fetchval(
                "SELECT coalesce(max(tree_size), 0) FROM locked_log WHERE tenant_id = $1", tenant_id
            )
            wanted = range_nodes(size)
            rows = await driver.fetch(
                "SELECT level, index, hash FROM locked_nodes JOIN unnest($2::int[], $3::bigint[])"
                " AS w (level, index) USING (level, index) WHERE tenant_id = $1",
                tenant_id,
                [level for level, _ in wanted],
                [index for _, index in wanted],
            )
            tree = CompactRange.load(size, {(row["level"], row["index"]): row["hash"] for row in rows})
            grown, completed = tree.append([leaf])
            note = sign_checkpoint("locked.example/log", grown.size, grown.root, keyring.checkpoints)
            await driver.execute(
                "INSERT INTO locked_nodes SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bytea[])",
                tenant_id,
                [level for level, _ in completed],
                [index for _, index in completed],
                list(completed.values()),
            )
            await driver.execute(
                "INSERT INTO locked_log VALUES ($1, $2, $3, $4)",
                tenant_id,
                grown.size,
                envelope.to_json(),
                str(note),
            )

    return once


MAKERS: dict[str, Maker] = {maker.__name__: maker for maker in (with_proof, bare_commit, lock_per_receipt)}


@dataclass(frozen=True, slots=True)
class Course:
    """Where the appenders run: ``tenants`` share them, ``servers`` are the pids that work for them."""

    url: str
    key_file: Path
    servers: tuple[int, ...]
    tenants: tuple[UUID, ...]


async def drive(maker: Maker, course: Course, *, appenders: int, processes: int) -> Pace:
    """The pace of ``appenders`` in all, spread over ``processes``, as web and worker are two."""
    each = appenders // processes
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        windows = await asyncio.gather(
            *(loop.run_in_executor(pool, _process, maker.__name__, course, each) for _ in range(processes))
        )
    rate = sum(window.done / window.seconds for window in windows)
    own = sum(window.own_cpu / window.seconds for window in windows)
    # Every process watched the same servers for nearly the same seconds.
    servers = sum(window.server_cpu / window.seconds for window in windows) / processes
    return Pace(rate, own / rate * 1e6, servers / rate * 1e6)


@dataclass(frozen=True, slots=True)
class _Window:
    """What one process saw in its seconds of measuring."""

    done: int
    seconds: float
    own_cpu: float
    server_cpu: float


def _process(maker: str, course: Course, appenders: int) -> _Window:
    return uvloop.run(_measure(MAKERS[maker], course, appenders))


async def _measure(maker: Maker, course: Course, appenders: int) -> _Window:
    storage = Storage(create_engine(course.url, pool_size=appenders + 2))
    keyring = load_keyring(course.key_file)
    ledger = Ledger(storage, keyring)
    done = 0
    over = False

    async def appender(once: Once) -> None:
        nonlocal done
        while not over:
            await once()
            done += 1

    tasks = [
        asyncio.create_task(
            appender(maker(storage, ledger, keyring, course.tenants[n % len(course.tenants)]))
        )
        for n in range(appenders)
    ]
    await asyncio.sleep(WARM_UP)

    def reading() -> tuple[int, float, float, float]:
        return done, time.perf_counter(), time.process_time(), sum(map(family_seconds, course.servers))

    before = reading()
    await asyncio.sleep(MEASURED)
    after = reading()
    over = True
    await asyncio.gather(*tasks)
    await ledger.close()
    await storage.engine.dispose()
    done_in_it, seconds, own_cpu, server_cpu = (
        late - early for early, late in zip(before, after, strict=True)
    )
    return _Window(int(done_in_it), seconds, own_cpu, server_cpu)
