"""How a rotated key comes into force, and where in each log the one before it ends.

The sequencer does it, because it alone knows the places in the logs:

1. *Turn.* An approved rotation is put on record in one transaction: the new key, the place in every
   log from which it is good (the log's size then), and for a key that signs checkpoints, which only
   the sequencer uses, the end of the old one at that same size. From the commit on every process that
   records a receipt finds another key in force (``Ledger.record``) and signs with it.
2. *Retire.* A transaction that was open at that moment may still hold a receipt by the old key. Which
   ones were is asked of the database (``pg_locks``: each has a virtual transaction id), and once none of
   them is left and the inbox has been emptied past what they left there, nothing by the old key can
   come any more: its end is written for every log. No clock is asked and nobody is made to wait.

Whatever dies in between, the next holder of the seat goes on from the rows.
"""

from __future__ import annotations

import time
from typing import Any, Final, TypeAlias

import asyncpg
import structlog

from trust_portal.errors import InvalidInput
from trust_portal.evidence.keyring import KeyPurpose, Keyring
from trust_portal.evidence.ledger import IN_FORCE
from trust_portal.evidence.tables import END, FIRST
from trust_portal.kernel.clock import Clock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import LedgerScope

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_log = structlog.get_logger("trust_portal.sequencer")

#: Seconds between two looks.
_LOOK: Final = 0.5

#: Approved, and not in force yet.
_APPROVED = """
SELECT r.key_id, r.purpose, r.replaces, r.public_key FROM key_rotations r
WHERE r.tenant_id = $1 AND NOT EXISTS (SELECT 1 FROM signing_keys k WHERE k.key_id = r.key_id)
ORDER BY r.at LIMIT 1
"""
_PUT = """
INSERT INTO signing_keys (key_id, purpose, public_key, created_at, replaces) VALUES ($1, $2, $3, $4, $5)
"""
#: In every log, at its size now.
_EDGES = """
INSERT INTO key_edges (tenant_id, key_id, edge, index, at)
SELECT l.tenant_id, $1::text, $2::text, coalesce(max(c.tree_size), 0), $3::timestamptz
FROM logs l LEFT JOIN checkpoints c ON c.tenant_id = l.tenant_id GROUP BY l.tenant_id
ON CONFLICT DO NOTHING
"""
_RETIRE = "INSERT INTO key_retirements (key_id, at) VALUES ($1, $2)"
#: Replaced and not retired: only keys that others than the sequencer sign with.
_LEAVING = """
SELECT n.replaces FROM signing_keys n
WHERE n.replaces IS NOT NULL AND NOT EXISTS (SELECT 1 FROM key_retirements t WHERE t.key_id = n.replaces)
ORDER BY n.created_at LIMIT 1
"""
#: Transactions under way in this database, ours aside.
_UNDER_WAY = """
SELECT DISTINCT l.virtualxid || '/' || l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
  AND a.datname = current_database()
"""
_LAST_PENDING = "SELECT max(position) FROM pending_receipts"
_FIRST_PENDING = "SELECT min(position) FROM pending_receipts"


class Turnover:
    """Looks twice a second whether a key is to be turned or retired; between two groups, never within one."""

    def __init__(self, driver: Driver, keyring: Keyring, clock: Clock) -> None:
        self._driver = driver
        self._keyring = keyring
        self._clock = clock
        self._looked = 0.0
        self._leaving: str | None = None
        self._under_way: frozenset[str] | None = None
        self._inbox_up_to: int | None = None
        self._warned = ""

    async def step(self) -> None:
        """One look, and what it shows is to be done."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        rotation = await self._fetch(_APPROVED, VENDOR_ID)
        if rotation:
            await self._turn(rotation[0])
        await self._retire()

    async def _turn(self, rotation: asyncpg.Record) -> None:
        purpose, key_id, replaces = KeyPurpose(rotation["purpose"]), rotation["key_id"], rotation["replaces"]
        if not self._has(purpose, key_id):
            return
        now = self._clock.now()
        async with _Transaction(self._driver):
            await self._driver.execute(_PUT, key_id, purpose.value, rotation["public_key"], now, replaces)
            await self._driver.execute(_EDGES, key_id, FIRST, now)
            if purpose is KeyPurpose.CHECKPOINTS:
                await self._driver.execute(_EDGES, replaces, END, now)
                await self._driver.execute(_RETIRE, replaces, now)
        in_force = {KeyPurpose(row["purpose"]): row["key_id"] for row in await self._fetch(IN_FORCE)}
        self._keyring.follow(in_force)
        _log.info("key.turned", purpose=purpose.value, key=key_id, replaces=replaces)

    def _has(self, purpose: KeyPurpose, key_id: str) -> bool:
        """Whether this process could sign with it: nothing is turned that would stop the sequencer."""
        try:
            held, why = self._keyring.holds(purpose, key_id), "the key file does not hold it"
        except InvalidInput as error:
            held, why = False, error.message
        if not held and self._warned != key_id:
            self._warned = key_id
            _log.error("key.not_here", purpose=purpose.value, key=key_id, reason=why)
        return held

    async def _retire(self) -> None:
        leaving = await self._fetch(_LEAVING)
        if not leaving:
            return
        key_id: str = leaving[0]["replaces"]
        if self._leaving != key_id:
            self._leaving, self._under_way, self._inbox_up_to = key_id, None, None
        # Outside any transaction of ours, so that each statement sees what has committed by then.
        under_way = frozenset(row[0] for row in await self._driver.fetch(_UNDER_WAY))
        if self._under_way is None:
            self._under_way = under_way
        self._under_way &= under_way
        if self._under_way:
            return
        if self._inbox_up_to is None:
            self._inbox_up_to = (await self._fetch(_LAST_PENDING))[0][0] or 0
        oldest = (await self._fetch(_FIRST_PENDING))[0][0]
        if oldest is not None and oldest <= self._inbox_up_to:
            return
        async with _Transaction(self._driver):
            now = self._clock.now()
            await self._driver.execute(_EDGES, key_id, END, now)
            await self._driver.execute(_RETIRE, key_id, now)
        self._leaving = None
        _log.info("key.retired", key=key_id)

    async def _fetch(self, query: str, *arguments: object) -> list[Any]:
        async with _Transaction(self._driver):
            return list(await self._driver.fetch(query, *arguments))


class _Transaction:
    """A transaction on the seat's connection, in the ledger's scope."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def __aenter__(self) -> None:
        await self._driver.execute(f"BEGIN; {LedgerScope().statement()}")

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self._driver.execute("COMMIT")
        elif not self._driver.is_closed() and self._driver.is_in_transaction():
            await self._driver.execute("ROLLBACK")
