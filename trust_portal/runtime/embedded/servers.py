"""Both servers, for the length of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from trust_portal.runtime.embedded.data_dir import open_data_dir
from trust_portal.runtime.embedded.identity import server_identity
from trust_portal.runtime.embedded.postgres import DATABASE, Postgres
from trust_portal.runtime.embedded.valkey import Valkey
from trust_portal.runtime.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the running servers are. The pids change when a server that died was started again."""

    data_dir: Path
    redis_url: str
    _postgres: Postgres
    _supervisor: Supervisor

    @property
    def database_url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Another database of the same cluster, as the ordinary login."""
        return self._postgres.url(database)

    @property
    def postgres_pid(self) -> int:
        return self._supervisor.pid("postgres")

    @property
    def valkey_pid(self) -> int:
        return self._supervisor.pid("valkey")

    async def ready(self) -> None:
        """Wait until both can be used, after a restart too."""
        await self._supervisor.ready("postgres")
        await self._supervisor.ready("valkey")

    async def connect_as_bootstrap(self, database: str = "postgres") -> asyncpg.Connection[asyncpg.Record]:
        """The cluster's superuser, to make and drop databases. The product never asks for it."""
        return await self._postgres.connect_as_bootstrap(database)


@asynccontextmanager
async def embedded_servers(data_dir: Path) -> AsyncIterator[Servers]:
    """PostgreSQL and Valkey on ``data_dir`` (created where needed), restarted when they die.

    They stop with the block, and by the kernel's hand when this process is killed. Raises
    ``Conflict`` where another instance holds ``data_dir``, ``Unavailable`` where they do not start.
    Enter from the main thread: on Linux the servers live as long as the thread that started them.
    """
    identity = server_identity()
    with open_data_dir(data_dir, identity) as opened:
        async with Supervisor() as supervisor:
            postgres = Postgres(opened, identity)
            valkey = Valkey(opened, identity)
            await supervisor.start(valkey.program)
            await supervisor.start(postgres.program)
            yield Servers(opened.root, valkey.url(), postgres, supervisor)
