"""Many appenders, several sequencers, and sequencers that are killed: no gap, no fork, no double."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from trust_portal.evidence.act import Act
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.ledger import Ledger, Receipt
from trust_portal.evidence.log_check import check_logs
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import LedgerScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

pytestmark = pytest.mark.takes(seconds=40)

MakeAct = Callable[..., Act]
#: Raise it to try harder: TRUST_PORTAL_KILLS=200 make test
KILLS = int(os.environ.get("TRUST_PORTAL_KILLS", "12"))


async def append(storage: Storage, ledger: Ledger, act: Act) -> Receipt:
    async with storage.write(TenantScope(act.tenant_id)) as session:
        return await ledger.record(session, act)


async def assert_whole(storage: Storage, keyring: Keyring, recorded: int) -> None:
    """Every receipt has exactly one place, places have no gaps, and nothing waits."""
    await check_logs(storage, keyring)
    totals = AuditTotals()
    assert [each async for each in audit(storage, totals)] == []
    assert totals.receipts == recorded + 3  # the vendor's keys
    async with storage.read(LedgerScope()) as session:
        driver = await session.driver()
        assert await driver.fetchval("SELECT count(*) FROM pending_receipts") == 0
        gaps = await driver.fetch(
            "SELECT tenant_id FROM log_entries GROUP BY tenant_id HAVING max(index) + 1 <> count(*)"
        )
        assert gaps == []


async def test_concurrent_appenders_under_two_sequencers_all_get_proofs_that_hold(
    storage: Storage, ledger: Ledger, keyring: Keyring, make_act: MakeAct
) -> None:
    stop = asyncio.Event()
    sequencers = [
        asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example")) for _ in range(2)
    ]
    tenants = [new_id() for _ in range(3)]
    spare = asyncio.Semaphore(6)

    async def appender(number: int) -> list[tuple[Receipt, TlogProof]]:
        found = []
        for turn in range(5):
            tenant_id = tenants[(number + turn) % 3]
            async with spare:
                receipt = await append(storage, ledger, make_act(tenant_id, f"{number}/{turn}"))
            found.append((receipt, await ledger.wait(tenant_id, receipt.id, 90)))
        return found

    results = await asyncio.gather(*(appender(number) for number in range(20)))
    places: set[tuple[UUID, int]] = set()
    for receipt, proof in (each for result in results for each in result):
        assert proof.verifies(leaf_hash(Envelope.parse(receipt.envelope).pae))
        places.add((receipt.tenant_id, proof.index))
    assert len(places) == 100
    stop.set()
    await asyncio.gather(*sequencers)
    await assert_whole(storage, keyring, 100)


async def test_a_group_keeps_the_order_in_which_one_transaction_recorded(
    storage: Storage, ledger: Ledger, sequencer: asyncio.Task[None], tenant: UUID, make_act: MakeAct
) -> None:
    async with storage.write(TenantScope(tenant)) as session:
        receipts = [await ledger.record(session, make_act(tenant, f"thing {n}")) for n in range(70)]
    proofs = [await ledger.wait(tenant, each.id, 60) for each in receipts]
    assert [proof.index for proof in proofs] == list(range(70))


async def test_every_two_checkpoints_of_a_log_are_consistent(
    storage: Storage, ledger: Ledger, sequencer: asyncio.Task[None], tenant: UUID, make_act: MakeAct
) -> None:
    for number in range(9):
        receipt = await append(storage, ledger, make_act(tenant, f"thing {number}"))
        await ledger.wait(tenant, receipt.id, 60)
    async with storage.read(TenantScope(tenant)) as session:
        heads = {size: await ledger.reader.tree_head(session, tenant, size) for size in range(1, 10)}
        for old in range(1, 10):
            for new in range(old, 10):
                proof = await ledger.reader.consistency(session, tenant, old, new)
                assert proof.verifies(heads[old].root)
                assert not proof.verifies(b"\0" * 32)


async def test_sequencers_killed_at_random_moments_lose_and_double_nothing(
    storage: Storage,
    ledger: Ledger,
    keyring: Keyring,
    database_url: str,
    tmp_path: Path,
    make_act: MakeAct,
) -> None:
    dice = random.Random(7)
    tenants = [new_id() for _ in range(4)]
    recorded: list[Receipt] = []
    room = 0
    over = False

    async def appender() -> None:
        while not over:
            # Some wait before a sequencer is up and some come while it works, however slowly it starts.
            if len(recorded) < room:
                recorded.append(await append(storage, ledger, make_act(dice.choice(tenants))))
            await asyncio.sleep(dice.uniform(0, 0.02))

    appenders = [asyncio.create_task(appender()) for _ in range(2)]
    script = Path(__file__).with_name("sequencing_process.py")
    command = (sys.executable, str(script), database_url, str(tmp_path / "keys.json"))
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        before = await entries(storage)
        room += 20
        async with asyncio.timeout(90):
            while await entries(storage) == before:  # it sits down and begins
                await asyncio.sleep(0.05)
        room += 20
        await asyncio.sleep(dice.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    over = True
    await asyncio.gather(*appenders)
    stop = asyncio.Event()
    last = asyncio.create_task(run_sequencer(storage, keyring, stop, host="portal.example"))
    for receipt in recorded:
        proof = await ledger.wait(receipt.tenant_id, receipt.id, 90)
        assert proof.verifies(leaf_hash(Envelope.parse(receipt.envelope).pae))
    stop.set()
    await last
    assert len(recorded) > KILLS
    await assert_whole(storage, keyring, len(recorded))


async def entries(storage: Storage) -> int:
    async with storage.read(LedgerScope()) as session:
        return (await session.execute(text("SELECT count(*) FROM log_entries"))).scalar_one()
