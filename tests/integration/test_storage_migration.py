"""The chain of migrations, and what it leaves for every table."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import sys
from pathlib import Path

from sqlalchemy import text

from tests.conftest import ServerThread
from trust_portal.runtime.migrate import check_drift, newest_revision
from trust_portal.runtime.shipped import shipped
from trust_portal.storage.metadata import TENANT_OWNED, metadata
from trust_portal.storage.migration import ROLES
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


async def test_tables_and_migrations_agree(database_url: str) -> None:
    await asyncio.to_thread(check_drift, database_url)


async def test_two_processes_may_migrate_an_empty_database_at_once(server_thread: ServerThread) -> None:
    name = server_thread.clone("template1")
    url = server_thread.servers.url_of(name)
    try:
        migrating = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "trust_portal.cli", "migrate"),
                env={**os.environ, "DATABASE_URL": url},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            for _ in range(2)
        ]
        said = [await process.communicate() for process in migrating]
        newest = f"The schema is at {newest_revision()}, the newest.\n".encode()
        assert said == [(newest, b"")] * 2
        assert [process.returncode for process in migrating] == [0, 0]
        await asyncio.to_thread(check_drift, url)
    finally:
        server_thread.drop(name)


async def test_every_table_with_a_tenant_forces_row_level_security(storage: Storage) -> None:
    """House tables that name a tenant without being one's are listed here, each with its reason."""
    registries = {
        "tenant_keys",  # external key → tenant: read before there is a scope
        "person_directory",  # who signs in: read before there is a scope
        "oidc_identities",  # the same, for single sign-on
        "vendor_roles",  # as whom the vendor's people may decide: every tenant's approvals refer to it
        "approval_rules",  # what a request may ask for: the same
    }
    async with storage.read(StaffScope()) as session:
        rows = await session.execute(
            text(
                "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
                " JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'"
                " WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace"
            )
        )
        unprotected = {name for name, forced in rows if not forced}
    assert unprotected <= registries | await _house_tables(storage)


async def _house_tables(storage: Storage) -> set[str]:
    """Tables outside tenancy by declaration: queues and states of single writers."""
    for module in _modules_with_tables():
        importlib.import_module(module)
    return {table.name for table in metadata.tables.values() if not table.info[TENANT_OWNED]}


async def test_every_key_of_a_tenants_table_holds_the_tenant(storage: Storage) -> None:
    house = await _house_tables(storage)
    async with storage.read(StaffScope()) as session:
        rows = await session.execute(
            text(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint"
                " JOIN pg_attribute ON attrelid = conrelid AND attname = 'tenant_id'"
                " WHERE contype IN ('p', 'u', 'x', 'f') AND NOT attnum = ANY (conkey)"
                " AND connamespace = 'public'::regnamespace"
            )
        )
        without = {(table, name) for table, name in rows if table not in house}
    # What they refer to are the vendor's rows, copied to wherever a tenant's are.
    assert without == {
        ("approval_requests", "approval_requests_rule_fkey"),
        ("approval_steps", "approval_steps_role_fkey"),
    }


async def test_no_role_of_the_product_can_log_in_or_go_around_the_policies(storage: Storage) -> None:
    async with storage.read(StaffScope()) as session:
        rows = await session.execute(
            text(
                "SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles"
                " WHERE rolname LIKE 'trust\\_portal\\_%' ORDER BY rolname"
            )
        )
        assert rows.all() == [(role, False) for role in sorted(ROLES)]


def test_every_revision_begins_as_citus_wants_it() -> None:
    for path in sorted((shipped("migrations") / "versions").glob("[0-9]*.py")):
        for verb in ("upgrade", "downgrade"):
            body = path.read_text().partition(f"def {verb}() -> None:\n")[2]
            statements = re.sub(r'^\s*""".*?"""\n', "", body, count=1, flags=re.DOTALL)
            assert statements.lstrip().startswith("begin_revision()"), f"{path.name}: {verb}"


def test_alembic_knows_every_module_that_declares_tables() -> None:
    environment = (shipped("migrations") / "env.py").read_text()
    for module in _modules_with_tables():
        package, _, name = module.rpartition(".")
        assert re.search(
            rf"(from {re.escape(package)} import .*\b{name}\b|import {re.escape(module)}\b)", environment
        ), f"import {module} in migrations/env.py"


def _modules_with_tables() -> list[str]:
    root = Path(__file__).parents[2]
    declares = re.compile(r"= (tenant|house)_table\(")
    return sorted(
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in (root / "trust_portal").rglob("*.py")
        if declares.search(path.read_text())
    )
