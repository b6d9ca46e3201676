"""The one writer of the logs. Receipts come in with their acts; here they get their place.

A group is everything that has committed since the last one, for all tenants, in one transaction:
take it from the inbox, extend each touched tree, sign one checkpoint per tree, commit. Whatever
dies at whatever moment, the group either happened whole or is still in the inbox.

One sequencer at a time: it holds an advisory lock on the very connection it writes through, so
losing the lock and losing the ability to write are the same event. Should that ever fail, the
primary keys of ``log_entries`` and ``checkpoints`` refuse a fork.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import structlog

from trust_portal.errors import Unavailable
from trust_portal.evidence.checkpoint import sign_checkpoint
from trust_portal.evidence.key_register import register_keys
from trust_portal.evidence.key_turnover import Turnover
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.log_check import check_logs
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.merkle import CompactRange, range_nodes
from trust_portal.evidence.proof_desk import INTEGRATED, PENDING
from trust_portal.storage.tenancy import LedgerScope
from trust_portal.storage.unit_of_work import Storage

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_log = structlog.get_logger("trust_portal.sequencer")

#: ASCII "tplogseq": the sequencer's seat.
_SEAT = 0x74706C6F67736571
#: Seconds between looks at the inbox when nobody says anything, and at an occupied seat.
_POLL = 0.2
#: Seconds between two groups under load. A group costs the same for one receipt as for fifty, and
#: so does telling those who wait, so a rest makes fewer and larger ones. A receipt that comes alone
#: does not wait for it.
_GATHER = 0.008
_SEAT_POLL = 0.5
#: Receipts in one transaction, at most: bounds its memory and the time a waiter waits.
_GROUP = 1024
#: Rows in one VALUES list. Each length is prepared once, so the count is kept small.
_ROWS = 64

#: An array, so that the rows are found by the index. As a join this reads the whole inbox, and most
#: of an inbox are dead rows that vacuum has not come round to.
_CLAIM = """
DELETE FROM pending_receipts
WHERE position = ANY (ARRAY(SELECT position FROM pending_receipts ORDER BY position LIMIT $1))
RETURNING position, tenant_id, receipt_id, leaf_hash
"""
_TREE_SIZE = "SELECT coalesce(max(tree_size), 0) FROM checkpoints WHERE tenant_id = $1"
#: Node by node, as in ``log_reader``.
_RANGE = """
SELECT wanted.level, wanted.index, n.hash
FROM unnest($2::smallint[], $3::bigint[]) AS wanted (level, index),
     LATERAL (SELECT hash FROM log_nodes
              WHERE tenant_id = $1 AND level = wanted.level AND index = wanted.index LIMIT 1) n
UNION ALL
SELECT 0, e.index, e.leaf_hash FROM log_entries e WHERE e.tenant_id = $1 AND e.index = $4
"""


async def run_sequencer(storage: Storage, keyring: Keyring, stop: asyncio.Event, *, host: str) -> None:
    """Integrate receipts until ``stop`` is set; wait for the seat while another process has it.

    ``host`` names new logs (``<host>/log/<random>``). A lost database is waited for;
    ``LedgerDisagrees`` and a foreign key file are not: they end the run.
    """
    while not stop.is_set():
        try:
            async with _seat(storage, stop) as driver:
                if driver is None:
                    return
                await register_keys(storage, keyring)
                await check_logs(storage, keyring)
                _log.info("sequencer.seated")
                turnover = Turnover(driver, keyring, storage.clock)
                await _work(driver, Sequencer(driver, storage, keyring, host), turnover, stop)
        except (OSError, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("sequencer.interrupted", error=repr(error))
            await _pause(stop, _SEAT_POLL)


@asynccontextmanager
async def _seat(storage: Storage, stop: asyncio.Event) -> AsyncIterator[Driver | None]:
    """A connection that holds the seat; ``None`` when ``stop`` came first.

    The lock is asked for again and again instead of waited for: a waiting statement would hold
    back vacuum for as long as another process sequences.
    """
    async with storage.coordinator.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Driver = raw.driver_connection
        seated = False
        try:
            while not stop.is_set():
                seated = bool(await driver.fetchval("SELECT pg_try_advisory_lock($1)", _SEAT))
                if seated:
                    break
                await _pause(stop, _SEAT_POLL)
            yield driver if seated else None
        finally:
            # Closed, not returned: the lock must not outlive the seat in somebody's pool.
            await connection.invalidate()


async def _work(driver: Driver, sequencer: Sequencer, turnover: Turnover, stop: asyncio.Event) -> None:
    wake = asyncio.Event()

    def on_pending(*_: object) -> None:
        wake.set()

    await driver.add_listener(PENDING, on_pending)
    while not stop.is_set():
        wake.clear()
        integrated = await sequencer.integrate()
        if integrated < _GROUP:  # nothing that was waiting is left, so a key turns between two acts
            await turnover.step()
        if integrated:
            await asyncio.sleep(_GATHER)
        else:
            await _pause(wake, _POLL, stop)


async def _pause(event: asyncio.Event, seconds: float, stop: asyncio.Event | None = None) -> None:
    """Until ``event`` (or ``stop``) is set, or ``seconds`` have passed."""
    waits = [asyncio.create_task(each.wait()) for each in (event, stop) if each is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


@dataclass(slots=True)
class _Tree:
    """A log in memory, as of the last commit of the seat's holder."""

    origin: str
    range: CompactRange


Row: TypeAlias = tuple[Any, ...]


class Sequencer:
    """Extends the logs through one connection. Trees stay in memory: nobody else may write them."""

    def __init__(self, driver: Driver, storage: Storage, keyring: Keyring, host: str) -> None:
        self._driver = driver
        self._clock = storage.clock
        self._keyring = keyring
        self._host = host
        self._trees: dict[UUID, _Tree] = {}
        self._statements: dict[str, Any] = {}

    async def integrate(self) -> int:
        """Integrate one group; the number of receipts in it, 0 when none is waiting."""
        driver = self._driver
        await driver.execute(f"BEGIN; {LedgerScope().statement()}")
        try:
            claimed = await (await self._prepared(_CLAIM)).fetch(_GROUP)
            if claimed:
                await self._extend(claimed)
            # The message is its own transaction behind the commit: one inside would hold a
            # database-wide lock while the disk is waited for.
            await driver.execute(f"COMMIT; NOTIFY {INTEGRATED}" if claimed else "ROLLBACK")
        except BaseException:
            self._trees.clear()
            if not driver.is_closed() and driver.is_in_transaction():
                await driver.execute("ROLLBACK")
            raise
        return len(claimed)

    async def _extend(self, claimed: Sequence[asyncpg.Record]) -> None:
        groups: dict[UUID, list[tuple[UUID, bytes]]] = {}
        for row in sorted(claimed, key=lambda row: row["position"]):
            groups.setdefault(row["tenant_id"], []).append((row["receipt_id"], row["leaf_hash"]))
        now = self._clock.now()
        entries: list[Row] = []
        nodes: list[Row] = []
        checkpoints: list[Row] = []
        for tenant_id, group in groups.items():
            tree = self._trees.get(tenant_id) or await self._load(tenant_id)
            first = tree.range.size
            grown, completed = tree.range.append(leaf for _, leaf in group)
            note = sign_checkpoint(tree.origin, grown.size, grown.root, self._keyring.checkpoints)
            entries += [(tenant_id, first + n, id_, leaf) for n, (id_, leaf) in enumerate(group)]
            nodes += [
                (tenant_id, level, index, value) for (level, index), value in completed.items() if level
            ]
            checkpoints.append((tenant_id, grown.size, grown.root, str(note), now))
            self._trees[tenant_id] = _Tree(tree.origin, grown)
        await self._insert("log_entries (tenant_id, index, receipt_id, leaf_hash)", entries)
        await self._insert("log_nodes (tenant_id, level, index, hash)", nodes)
        await self._insert("checkpoints (tenant_id, tree_size, root, note, at)", checkpoints)

    async def _load(self, tenant_id: UUID) -> _Tree:
        """A tree as stored; a new one for a tenant whose first receipt this is."""
        origin = await open_log(self._driver, tenant_id, self._host, self._clock.now())
        size: int = await self._driver.fetchval(_TREE_SIZE, tenant_id)
        wanted = range_nodes(size)
        inner = [node for node in wanted if node[0]]
        leaf = next((index for level, index in wanted if level == 0), None)
        found = await self._driver.fetch(
            _RANGE, tenant_id, [level for level, _ in inner], [index for _, index in inner], leaf
        )
        nodes = {(each["level"], each["index"]): each["hash"] for each in found}
        return _Tree(origin, CompactRange.load(size, nodes))

    async def _insert(self, target: str, rows: Sequence[Row]) -> None:
        """One VALUES list for the rows of all tenants (decision 3), in prepared lengths."""
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            width = len(part[0])
            values = ", ".join(
                "(" + ", ".join(f"${line * width + column + 1}" for column in range(width)) + ")"
                for line in range(len(part))
            )
            statement = await self._prepared(f"INSERT INTO {target} VALUES {values}")  # noqa: S608 - only placeholders
            await statement.fetch(*(value for row in part for value in row))

    async def _prepared(self, sql: str) -> Any:
        if sql not in self._statements:
            self._statements[sql] = await self._driver.prepare(sql)
        return self._statements[sql]
