"""The name a tenant's log bears for ever: the vendor's host and nothing that tells whose it is."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

import asyncpg

_FIND = "SELECT origin FROM logs WHERE tenant_id = $1"
_OPEN = """
INSERT INTO logs (tenant_id, origin, created_at) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO NOTHING
"""


async def open_log(
    driver: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, host: str, now: datetime
) -> str:
    """The origin of the tenant's log, named now if it has no name yet: ``<host>/log/<random>``.

    Runs in the caller's transaction. Two who name it at once agree on the one that committed first.
    """
    origin: str | None = await driver.fetchval(_FIND, tenant_id)
    if origin is None:
        await driver.execute(_OPEN, tenant_id, f"{host}/log/{secrets.token_hex(16)}", now)
        origin = await driver.fetchval(_FIND, tenant_id)
    assert origin is not None, "READ COMMITTED sees what the conflict was with"  # noqa: S101 - narrows the type
    return origin
