"""Rows written straight into the tables: what by its doors, with receipts, would take an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from trust_portal.runtime.embedded import Servers
from trust_portal.runtime.embedded.postgres import LOGIN


@asynccontextmanager
async def past_the_doors(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """A connection for which neither row security nor foreign keys hold.

    Afterwards everything is vacuumed, which a living database does by itself.
    """
    bootstrap = await servers.connect_as_bootstrap()
    await bootstrap.execute(
        f"GRANT SET ON PARAMETER session_replication_role TO {LOGIN}; ALTER ROLE {LOGIN} BYPASSRLS"
    )
    await bootstrap.close()
    connection = await asyncpg.connect(servers.database_url.replace("+asyncpg", ""))
    try:
        await connection.execute("SET session_replication_role = replica")
        yield connection
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
