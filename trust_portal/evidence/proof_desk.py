"""Where callers wait for the sequencer: one listener and one batch of queries for all of them.

The sequencer says when a group is integrated (NOTIFY); whoever waits in this process is then
answered together, so that the cost of a proof is shared as the cost of a commit is. A message can
get lost, so the desk also looks by itself, and asks the sequencer again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

import asyncpg

from trust_portal.errors import TrustPortalError, Unavailable
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.log_reader import LogReader
from trust_portal.storage.tenancy import LedgerScope
from trust_portal.storage.unit_of_work import Storage

#: Said by the sequencer after a commit; heard here.
INTEGRATED = "trust_portal_integrated"
#: Said here when somebody waits; heard by the sequencer.
PENDING = "trust_portal_pending"

#: Seconds until a lost message is made good.
_POLL = 0.25
#: Seconds in which a sequencer at work has usually spoken.
_SOON = 0.03
#: Seconds in which callers gather before the sequencer is asked for all of them at once.
_GATHER = 0.002
#: Seconds the listener stays after the last caller has left.
_LINGER = 2.0


class ProofDesk:
    """Hands proofs to waiting callers. Its task and its connection exist only while somebody waits."""

    def __init__(self, storage: Storage, reader: LogReader) -> None:
        self._storage = storage
        self._reader = reader
        self._waiting: dict[UUID, dict[UUID, set[asyncio.Future[TlogProof]]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._asked = False  # the sequencer was asked and has not spoken since
        self._fresh = False  # … and no time to answer has passed since
        self._news = False  # the sequencer said something since the last look

    async def wait(self, tenant_id: UUID, receipt_id: UUID, seconds: float) -> TlogProof:
        """The proof of a committed receipt. ``Unavailable`` after ``seconds``."""
        future: asyncio.Future[TlogProof] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, {}).setdefault(receipt_id, set()).add(future)
        if not self._asked:
            self._stir.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve(), name="proof desk")
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError as error:
            raise Unavailable(
                "the receipt is stored but not in the log yet; is a worker running?", code="NOT_INTEGRATED"
            ) from error
        finally:
            self._leave(tenant_id, receipt_id, future)

    def _leave(self, tenant_id: UUID, receipt_id: UUID, future: asyncio.Future[TlogProof]) -> None:
        futures = self._waiting[tenant_id][receipt_id]
        futures.discard(future)
        if not futures:
            del self._waiting[tenant_id][receipt_id]
        if not self._waiting[tenant_id]:
            del self._waiting[tenant_id]

    async def close(self) -> None:
        """Stop; whoever still waits runs into its own timeout."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _serve(self) -> None:
        while self._waiting:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TrustPortalError):
                await asyncio.sleep(_POLL)  # the server restarts; callers have their own timeouts

    async def _listen(self) -> None:
        async with self._storage.coordinator.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: asyncpg.Connection[asyncpg.Record] = raw.driver_connection
            await driver.add_listener(INTEGRATED, self._integrated)
            try:
                await self._attend(driver)
            finally:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await driver.remove_listener(INTEGRATED, self._integrated)

    async def _attend(self, driver: asyncpg.Connection[asyncpg.Record]) -> None:
        self._news = True  # whatever was said before this connection listened
        while True:
            if self._news:
                self._news = self._asked = False
                await self._answer()
            if self._waiting and not self._asked:
                # Asked once until the sequencer speaks: it looks again after each group, so that
                # whoever comes meanwhile is in this group or in the next.
                self._asked = True
                await driver.execute(f"NOTIFY {PENDING}")
                self._fresh = True
            try:
                async with asyncio.timeout(self._patience()):
                    await self._stir.wait()
            except TimeoutError:
                if not self._waiting:
                    return
                self._fresh = False
                self._news = True
            if not self._news:
                await asyncio.sleep(_GATHER)
            self._stir.clear()
            if driver.is_closed():
                raise ConnectionResetError("the listening connection is gone")

    def _patience(self) -> float:
        """Seconds until a look without news. The first is soon: about a receipt that was integrated
        long ago nothing will be said.
        """
        if not self._waiting:
            return _LINGER
        return _SOON if self._fresh else _POLL

    def _integrated(self, *_: object) -> None:
        self._news = True
        self._stir.set()

    async def _answer(self) -> None:
        # The ledger's scope: one transaction for the waiting callers of all tenants. A caller came
        # with the id of a receipt it had just recorded; nothing here is found by looking around.
        async with self._storage.read(LedgerScope()) as session:
            for tenant_id, waiting in list(self._waiting.items()):
                proofs = await self._reader.proofs(session, tenant_id, list(waiting))
                for receipt_id, proof in proofs.items():
                    for future in waiting.get(receipt_id, ()):
                        if not future.done():
                            future.set_result(proof)
