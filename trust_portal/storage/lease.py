"""A connection lent by SQLAlchemy's pool for one transaction.

Most of what a unit of work does for itself (begin with the scope, commit, the few hot statements)
asyncpg does alone. SQLAlchemy's own connection is laid over it only when a Core statement asks:
making and closing one costs as much time as the transaction itself.
"""

from __future__ import annotations

from typing import Any, cast

import asyncpg
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn


class Lease:
    """``driver`` is the asyncpg connection. Ends with ``give_back`` or ``discard``, exactly once."""

    def __init__(self, engine: AsyncEngine, raw: PoolProxiedConnection) -> None:
        self._engine = engine
        self._raw = raw
        self._core: AsyncConnection | None = None
        self.driver = cast("asyncpg.Connection[Any]", raw.driver_connection)

    @classmethod
    async def take(cls, engine: AsyncEngine) -> Lease:
        try:
            return cls(engine, await engine.raw_connection())
        except engine.sync_engine.dialect.loaded_dbapi.Error as error:
            # A refused connection comes in the pool's own wrapping, which hides asyncpg's SQLSTATE.
            raise error.__cause__ or error from None

    @property
    def core(self) -> AsyncConnection:
        """SQLAlchemy's connection over the same asyncpg one, in the same transaction."""
        if self._core is None:
            connection = Connection(self._engine.sync_engine, connection=self._raw)
            self._core = AsyncConnection(self._engine, connection)
        return self._core

    async def give_back(self) -> None:
        if self._core is None:
            await greenlet_spawn(self._raw.close)
        else:
            await self._core.close()

    async def discard(self) -> None:
        """Close it: whatever state it is in, nobody else gets it."""
        try:
            if self._core is None:
                await greenlet_spawn(self._raw.invalidate)
            else:
                await self._core.invalidate()
        finally:
            await self.give_back()
