"""Migrates an empty database of our own and asks alembic whether tables and migrations agree."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from trust_portal.runtime.embedded import embedded_servers
from trust_portal.runtime.migrate import check_drift, migrate


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_servers(Path(folder) / "data") as servers:
            await migrate(servers.database_url)
            await asyncio.to_thread(check_drift, servers.database_url)


asyncio.run(main())
