"""One request or job step is one transaction, and services commit through here only.

``ReadSession`` and ``WriteSession`` are different static types: a query function asks for the
first, and only a verb holds the second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.elements import ClauseElement

from trust_portal.errors import Broken, InvalidInput, Unavailable
from trust_portal.kernel.clock import Clock, SystemClock
from trust_portal.kernel.ids import new_id
from trust_portal.storage.errors import LOST, NOT_TEXT, is_not_now, sqlstate_of
from trust_portal.storage.lease import Lease
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import Scope, StaffScope, TenantScope, require_tenant_filter


class ReadSession:
    """One open transaction in one scope. Rows are turned into dataclasses by the repository."""

    def __init__(self, lease: Lease, scope: Scope) -> None:
        self._lease = lease
        self.scope = scope

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        if isinstance(self.scope, TenantScope) and isinstance(statement, ClauseElement):
            require_tenant_filter(statement)
        return await self._lease.core.execute(statement, parameters)

    async def driver(self) -> asyncpg.Connection[Any]:
        """The asyncpg connection under this transaction, for COPY and the few hot statements."""
        return self._lease.driver


class WriteSession(ReadSession):
    """A transaction that will commit; also writes the outbox."""

    def __init__(self, lease: Lease, scope: Scope, clock: Clock) -> None:
        super().__init__(lease, scope)
        self.clock = clock

    async def enqueue(
        self,
        job: Job,
        arguments: Mapping[str, str],
        *,
        dedupe_key: str | None = None,
        due_at: datetime | None = None,
    ) -> None:
        """Ask for ``job`` once this transaction has committed, but not before ``due_at``.

        ``arguments`` are ids as strings. With a ``dedupe_key`` that is already waiting, nothing is added.
        """
        now = self.clock.now()
        await self._lease.core.execute(
            insert(outbox)
            .values(
                id=new_id(),
                job=job.value,
                arguments=dict(arguments),
                dedupe_key=dedupe_key,
                created_at=now,
                due_at=due_at or now,
            )
            .on_conflict_do_nothing(index_elements=["dedupe_key"])
        )

    async def waits(self, dedupe_key: str) -> bool:
        """Whether a job that was asked for by this key is neither done nor given up."""
        row = await self._lease.core.execute(select(outbox.c.id).where(outbox.c.dedupe_key == dedupe_key))
        return row.first() is not None

    async def complete(self, row_id: UUID | None) -> bool:
        """Take the outbox row of the job at work away, in the transaction of the job's effect.

        Called first: the delete locks the row, so that of two workers holding the same job one waits
        and then learns (``False``) that the work is done. ``None`` (no job, a direct call) is ``True``.
        """
        if row_id is None:
            return True
        gone = await self._lease.core.execute(
            delete(outbox).where(outbox.c.id == row_id).returning(outbox.c.id)
        )
        return gone.first() is not None


class Storage:
    """Opens units of work. Every one begins with its scope and ends in commit or rollback.

    ``coordinator`` is the same for the one fixed node that advisory locks, LISTEN and NOTIFY need,
    where ``engine`` may lead to any node of a cluster; without an engine of its own it is this one.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock | None = None, *, coordinator: AsyncEngine | None = None
    ) -> None:
        self.engine = engine
        self.clock = clock or SystemClock()
        self.coordinator: Storage = self if coordinator is None else Storage(coordinator, self.clock)

    async def close(self) -> None:
        """Close every connection; units of work that are open lose theirs."""
        await self.engine.dispose()
        if self.coordinator is not self:
            await self.coordinator.close()

    @asynccontextmanager
    async def read(self, scope: Scope, *, snapshot: bool = False) -> AsyncIterator[ReadSession]:
        """A read-only transaction; ``snapshot`` makes all its statements see one moment."""
        mode = "ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "READ ONLY"
        async with self._transaction(scope, mode) as lease:
            yield ReadSession(lease, scope)

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[WriteSession]:
        """A transaction that commits when the block ends without an exception."""
        if isinstance(scope, StaffScope):
            raise TypeError("staff scope only reads; write in the tenant's own scope")
        async with self._transaction(scope, "READ WRITE") as lease:
            yield WriteSession(lease, scope, self.clock)

    async def ping(self) -> None:
        """One round trip; ``Unavailable`` if the database does not answer."""
        async with self.read(StaffScope()) as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def _transaction(self, scope: Scope, mode: str) -> AsyncIterator[Lease]:
        try:
            lease = await self._begin(f"BEGIN {mode}; {scope.statement()}")
            kept = True
            try:
                yield lease
                if await lease.driver.execute("COMMIT") != "COMMIT":
                    # PostgreSQL answers a COMMIT after a failed statement with a quiet ROLLBACK.
                    raise Broken("a failed statement was passed over; nothing was committed")
            except BaseException:
                try:
                    await lease.driver.execute("ROLLBACK")
                except BaseException:  # noqa: BLE001 - never back into the pool in the middle of a transaction
                    kept = False
                raise
            finally:
                await (lease.give_back() if kept else lease.discard())
        except PoolTimeout as error:
            raise Unavailable("the database has no free connection; try again") from error
        except (*LOST, asyncpg.PostgresError, DBAPIError) as error:
            if is_not_now(error):
                raise Unavailable("the database does not answer; try again") from error
            if sqlstate_of(error) == NOT_TEXT:
                raise InvalidInput("text cannot hold the character U+0000", field=None) from error
            raise

    async def _begin(self, opening: str) -> Lease:
        """A connection inside a new transaction.

        A pooled connection may have died with a restarted server. BEGIN changes nothing, so it is
        simply tried again on a fresh one: a ping that costs no round trip.
        """
        for last in (False, True):
            lease = await Lease.take(self.engine)
            try:
                if lease.driver.is_in_transaction():
                    raise asyncpg.InterfaceError("a connection came back with its transaction open")
                await lease.driver.execute(opening)
            except BaseException as error:
                await lease.discard()
                if last or not is_not_now(error):
                    raise
            else:
                return lease
        raise AssertionError("unreachable")
