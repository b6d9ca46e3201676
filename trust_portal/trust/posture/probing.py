"""Reaching for what is another tenant's, through the scopes and the role that every request uses.

The other tenant is a canary's: it is nobody's, holds one row, and no customer's data is touched. That its
own tenant does see the row is tried first; otherwise "nothing found" would prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import Executable, delete, func, insert, select, table, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.exc import DBAPIError

from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.errors import sqlstate_of
from trust_portal.storage.migration import APP, INTAKE, LEDGER, STAFF
from trust_portal.storage.tenancy import Scope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.posture.isolation import AppPolicy, CatalogueTable, DatabaseRole, Probe
from trust_portal.trust.posture.tables import posture_canaries as canaries

#: The tenant of the canary: nobody's, and none that could be made (``new_id`` carries a time).
CANARY_ID: Final = UUID("00000000-0000-7000-8000-00000000ca9a")
_REFUSED: Final = "refused"
#: insufficient_privilege: how PostgreSQL says that a new row violates row-level security.
_INSUFFICIENT_PRIVILEGE: Final = "42501"

_CATALOGUE: Final = """
SELECT CASE WHEN c.relnamespace = current_schema()::regnamespace THEN c.relname::text
            ELSE c.relnamespace::regnamespace::text || '.' || c.relname END AS name,
       c.oid::regclass::text AS reference, c.relkind::text AS kind, c.relispartition AS partition,
       c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) = $1 AS owned_by_app,
       has_column_privilege($1, c.oid, 'tenant_id', 'SELECT') AS readable,
       has_table_privilege($1, c.oid, 'TRUNCATE') AS emptied,
       has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE')
         OR has_table_privilege($1, c.oid, 'DELETE, TRUNCATE') AS granted
FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%'
  AND c.relnamespace::regnamespace::text <> 'information_schema'
  AND EXISTS (SELECT 1 FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
_POLICIES: Final = """
SELECT p.polrelid::regclass::text AS reference, p.polname::text AS name, p.polcmd::text AS command,
       pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_policy p
WHERE p.polpermissive AND EXISTS (
    SELECT 1 FROM unnest(p.polroles) AS r(oid)
    WHERE r.oid = 0 OR pg_has_role($1, r.oid, 'MEMBER'))
ORDER BY 1, 2
"""
_ROLES: Final = """
SELECT rolname::text AS name, rolsuper, rolbypassrls,
       rolname = $1 AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS o(name) WHERE pg_has_role($1, o.name, 'MEMBER'))
         AS above
FROM pg_roles WHERE rolname = ANY ($2::text[] || $1) OR rolname = session_user ORDER BY 1
"""


class _NobodyScope(Scope):
    """The application's role in a transaction that names no tenant."""

    role: ClassVar[str] = TenantScope.role


class _Undo(Exception):
    """Leaves a transaction without a trace of what was tried in it."""


async def read_catalogue(
    session: ReadSession,
) -> tuple[tuple[CatalogueTable, ...], tuple[DatabaseRole, ...], tuple[str, ...]]:
    """Tables, roles, and those of the tables of which the application may read whose rows are whose, spelled for a statement."""
    driver = await session.driver()
    policies: dict[str, list[AppPolicy]] = {}
    for row in await driver.fetch(_POLICIES, APP):
        policy = AppPolicy(row["name"], row["command"], row["using"], row["check"])
        policies.setdefault(row["reference"], []).append(policy)
    rows = await driver.fetch(_CATALOGUE, APP)
    tables = tuple(
        CatalogueTable(
            name=row["name"],
            kind=row["kind"],
            partition=row["partition"],
            row_security=row["relrowsecurity"],
            forced=row["relforcerowsecurity"],
            owned_by_app=row["owned_by_app"],
            granted=row["granted"],
            emptied=row["emptied"],
            policies=tuple(policies.get(row["reference"], ())),
        )
        for row in rows
    )
    roles = tuple(
        DatabaseRole(row["name"], row["rolsuper"], row["rolbypassrls"], row["above"])
        for row in await driver.fetch(_ROLES, APP, [STAFF, INTAKE, LEDGER])
    )
    return tables, roles, tuple(row["reference"] for row in rows if row["readable"])


async def probe(storage: Storage, tenant_id: UUID, readable: Sequence[str]) -> tuple[Probe, ...]:
    """Everything that is tried in the name of ``tenant_id``; nothing of it stays.

    ``readable`` are tables as ``read_catalogue`` spells them: in each, rows of the vendor's own tenant are
    looked for.
    """
    await _plant(storage)
    foreign = (canaries.c.tenant_id == CANARY_ID, canaries.c.id == CANARY_ID)
    count = select(func.count()).select_from(canaries).where(*foreign)
    row = {"tenant_id": CANARY_ID, "id": new_id(), "note": "written by another tenant"}
    return (
        Probe("its own tenant reads the canary", "1", await _counted(storage, TenantScope(CANARY_ID), count)),
        Probe("read by its tenant's id", "0", await _counted(storage, TenantScope(tenant_id), count)),
        Probe("read without naming a tenant", "0", await _unfiltered(storage, TenantScope(tenant_id))),
        Probe("read in a transaction of nobody", "0", await _unfiltered(storage, _NobodyScope())),
        Probe(
            "write in its name", _REFUSED, await _written(storage, tenant_id, insert(canaries).values(row))
        ),
        Probe(
            "change it",
            "0",
            await _written(storage, tenant_id, update(canaries).where(*foreign).values(note="changed")),
        ),
        Probe("remove it", "0", await _written(storage, tenant_id, delete(canaries).where(*foreign))),
        Probe("tables that show the vendor's rows", "none", await _shown(storage, tenant_id, readable)),
    )


async def _plant(storage: Storage) -> None:
    note = "No tenant but its own may reach this row."
    async with storage.write(TenantScope(CANARY_ID)) as session:
        await session.execute(
            insert_or(canaries).values(tenant_id=CANARY_ID, id=CANARY_ID, note=note).on_conflict_do_nothing()
        )


async def _counted(storage: Storage, scope: Scope, query: Executable) -> str:
    async with storage.read(scope) as session:
        return str((await session.execute(query)).scalar_one())


async def _unfiltered(storage: Storage, scope: Scope) -> str:
    """As a statement that forgot its filter: row-level security is all that is left."""
    async with storage.read(scope) as session:
        driver = await session.driver()
        query = str(select(func.count()).select_from(table(canaries.name)))
        return str(await driver.fetchval(query))


async def _written(storage: Storage, tenant_id: UUID, statement: Executable) -> str:
    """How many rows it reached; taken back in any case."""
    try:
        async with storage.write(TenantScope(tenant_id)) as session:
            reached = (await session.execute(statement)).rowcount
            raise _Undo
    except _Undo:
        return str(reached)
    except DBAPIError as error:
        if sqlstate_of(error) != _INSUFFICIENT_PRIVILEGE:
            raise
        return _REFUSED


async def _shown(storage: Storage, tenant_id: UUID, readable: Sequence[str]) -> str:
    looks = (
        f"SELECT {_quoted(name)} AS name WHERE EXISTS (SELECT 1 FROM {name} t WHERE t.tenant_id = $1)"  # noqa: S608 - names the catalogue spelled
        for name in readable
    )
    async with storage.read(TenantScope(tenant_id)) as session:
        driver = await session.driver()
        rows = await driver.fetch(" UNION ALL ".join(looks), VENDOR_ID)
    return ", ".join(sorted(row["name"] for row in rows)) or "none"


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
