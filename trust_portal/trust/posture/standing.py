"""Which database answers, so that what is stated of a place is stated of that one and of no other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Text, cast, column, func, select
from sqlalchemy.engine import URL

from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.posture.residency import Database

_CONTROL: Final = "pg_control_system"
_DEFAULT_PORT: Final = 5432


async def read_database(storage: Storage) -> Database:
    """The database that advisory locks are taken in: the one node that every process shares."""
    shared = storage.coordinator
    async with shared.read(TenantScope(VENDOR_ID)) as session:
        permitted = func.has_function_privilege(f"{_CONTROL}()", "EXECUTE")
        cluster = None
        if (await session.execute(select(permitted))).scalar_one():
            control = getattr(func, _CONTROL)().table_valued(column("system_identifier"))
            query = select(cast(control.c.system_identifier, Text))
            cluster = (await session.execute(query)).scalar_one()
    return Database(cluster, address_of(shared.engine.url))


def address_of(url: URL) -> str:
    """SHA-256 of ``host:port``, or of a socket's folder: neither names nor credentials leave the installation."""
    named = url.query.get("host", url.host or "")
    host = named if isinstance(named, str) else ",".join(named)
    where = host if host.startswith("/") else f"{host.lower()}:{url.port or _DEFAULT_PORT}"
    return sha256_hex(where.encode())
