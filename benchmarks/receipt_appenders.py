"""Appenders that the receipt benchmark compares: the ledger, a bare commit, and a lock per receipt.

Each is one coroutine that does one thing over and over; ``drive`` runs many of them in several
processes for a while and counts.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

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


async def drive(
    maker: Maker, url: str, key_file: Path, tenants: list[UUID], *, appenders: int, processes: int
) -> float:
    """Completed rounds a second of ``appenders`` in all, spread over ``processes`` and ``tenants``."""
    each = appenders // processes
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        rates = await asyncio.gather(
            *(
                loop.run_in_executor(pool, _process, maker.__name__, url, key_file, tenants, each)
                for _ in range(processes)
            )
        )
    return sum(rates)


def _process(maker: str, url: str, key_file: Path, tenants: list[UUID], appenders: int) -> float:
    return asyncio.run(_measure(MAKERS[maker], url, key_file, tenants, appenders))


async def _measure(maker: Maker, url: str, key_file: Path, tenants: list[UUID], appenders: int) -> float:
    storage = Storage(create_engine(url, pool_size=appenders + 2))
    keyring = load_keyring(key_file)
    ledger = Ledger(storage, keyring, storage.clock)
    done = 0
    over = False

    async def appender(once: Once) -> None:
        nonlocal done
        while not over:
            await once()
            done += 1

    tasks = [
        asyncio.create_task(appender(maker(storage, ledger, keyring, tenants[n % len(tenants)])))
        for n in range(appenders)
    ]
    await asyncio.sleep(WARM_UP)
    before, start = done, time.perf_counter()
    await asyncio.sleep(MEASURED)
    rate = (done - before) / (time.perf_counter() - start)
    over = True
    await asyncio.gather(*tasks)
    await ledger.close()
    await storage.engine.dispose()
    return rate
