"""Every table, every role, every way in: nothing of another tenant is read, written, moved or removed.

The rows that must not be reached are put there by a superuser with triggers and foreign keys off,
one in each table, so that "nothing seen" is never because there was nothing to see.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from adversary import APP, GUARDED, ROLES, STAFF, Connection
from sqlalchemy.engine import make_url

from trust_portal.kernel.ids import new_id
from trust_portal.storage.errors import APPEND_ONLY_SQLSTATE

ALPHA, BETA = new_id(), new_id()
_COLUMNS = """
SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef
"""
_VALUES: dict[str, object] = {
    "text": "x",
    "bytea": b"x" * 32,
    "timestamp with time zone": datetime(2026, 1, 1, tzinfo=UTC),
    "date": datetime(2026, 1, 1, tzinfo=UTC).date(),
    "boolean": True,
    "jsonb": "{}",
    "numeric": 1,
}
_NOTHING_NAMED = {
    "no tenant": "SELECT 1",
    "an empty tenant": "SET LOCAL app.tenant_id = ''",
    "a stranger": f"SET LOCAL app.tenant_id = '{new_id()}'",
    "another tenant": f"SET LOCAL app.tenant_id = '{BETA}'",
}
_MALFORMED = ("alpha", "' OR true --", f"{ALPHA},{BETA}", f"{ALPHA} ", "*", "%")

_ESCAPES = (
    "SET LOCAL row_security = off; SELECT count(*) FROM receipts",
    "SET LOCAL ROLE bootstrap",
    "SET SESSION AUTHORIZATION bootstrap",
    "SET LOCAL session_replication_role = replica",
    "CREATE ROLE mine BYPASSRLS",
    "ALTER ROLE trust_portal BYPASSRLS",
    "CREATE TABLE mine (id int)",
    "ALTER TABLE receipts NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE receipts DISABLE TRIGGER ALL",
    "DROP POLICY receipts_tenant ON receipts",
    "CREATE POLICY mine ON receipts USING (true)",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT nextval('pending_receipts_position_seq')",
    "SELECT setval('pending_receipts_position_seq', 1)",
)


@pytest.fixture
async def login(login: Connection, database_url: str, server_thread) -> AsyncIterator[Connection]:
    """The login, and a row of ``ALPHA`` in every table that a tenant owns."""
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(make_url(database_url).database)
    try:
        await superuser.execute("SET session_replication_role = replica")
        for table in GUARDED:
            await _plant(superuser, table)
        yield login
        for table in GUARDED:
            rows = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", ALPHA)
            assert rows == 1, f"{table}: the row that nobody may touch is not there once"
    finally:
        await superuser.close()


async def _plant(superuser: Connection, table: str) -> None:
    """One row of ``ALPHA`` with a value in every column that asks for one; checks are off for a moment."""
    checks = await superuser.fetch(
        "SELECT conname, pg_get_constraintdef(oid) AS text FROM pg_constraint "
        "WHERE conrelid = $1::text::regclass AND contype = 'c'",
        table,
    )
    for check in checks:
        await superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{check["conname"]}"')
    columns = await superuser.fetch(_COLUMNS, table)
    values = [ALPHA if each["name"] == "tenant_id" else _value(each["type"]) for each in columns]
    names = ", ".join(f'"{each["name"]}"' for each in columns)
    places = ", ".join(f"${at + 1}" for at in range(len(columns)))
    await superuser.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values)
    for check in checks:
        await superuser.execute(
            f'ALTER TABLE {table} ADD CONSTRAINT "{check["conname"]}" {check["text"]} NOT VALID'
        )


def _value(kind: str) -> object:
    if kind.endswith("[]"):
        return []
    if kind == "uuid":
        return uuid.uuid4()
    return _VALUES.get(kind, 1)


async def _attempt(login: Connection, role: str | None, setting: str, statement: str) -> object:
    """What a statement gave in a transaction that is then rolled back, or the error's class."""
    transaction = login.transaction()
    await transaction.start()
    try:
        await login.execute(setting)
        if role is not None:
            await login.execute(f"SET LOCAL ROLE {role}")
        if statement.startswith("SELECT"):
            return await login.fetchval(statement)
        return await login.execute(statement)
    except asyncpg.PostgresError as error:
        return error
    finally:
        await transaction.rollback()


async def test_reading_finds_nothing(login: Connection) -> None:
    for table, role, setting in itertools.product(GUARDED, (None, APP), _NOTHING_NAMED.values()):
        for statement in (
            f"SELECT count(*) FROM {table}",
            f"SELECT count(*) FROM {table} WHERE tenant_id = '{ALPHA}'",
            f"SELECT count(*) FROM (TABLE {table}) AS t",
        ):
            found = await _attempt(login, role, setting, statement)
            assert found == 0, (table, statement, found)


async def test_in_its_own_tenant_the_row_is_there_so_the_others_looked_in_the_right_place(
    login: Connection,
) -> None:
    for table in GUARDED:
        statement = f"SELECT count(*) FROM {table}"
        found = await _attempt(login, APP, f"SET LOCAL app.tenant_id = '{ALPHA}'", statement)
        assert found == 1 or isinstance(found, asyncpg.InsufficientPrivilegeError), (table, found)


async def test_a_malformed_tenant_is_an_error_not_everybody(login: Connection) -> None:
    for table, text in itertools.product(GUARDED, _MALFORMED):
        setting = "SET LOCAL app.tenant_id = '" + text.replace("'", "''") + "'"
        found = await _attempt(login, APP, setting, f"SELECT count(*) FROM {table}")
        # PostgreSQL's uuid reader takes a few spellings of one UUID; none of these is one.
        assert isinstance(found, asyncpg.DataError | asyncpg.InsufficientPrivilegeError), (table, found)


async def test_writing_reaches_nothing(login: Connection) -> None:
    for table, role, setting in itertools.product(GUARDED, (None, APP), _NOTHING_NAMED.values()):
        for statement in (
            f"UPDATE {table} SET tenant_id = '{BETA}'",
            f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = '{ALPHA}'",
            f"DELETE FROM {table} WHERE tenant_id = '{ALPHA}'",
        ):
            done = await _attempt(login, role, setting, statement)
            assert done in ("UPDATE 0", "DELETE 0") or _refused(done), (role, table, statement, done)


#: The close of an hour serves all tenants in one commit, and makes these two anew from the facts.
_DERIVED_ANEW = {
    ("trust_portal_ledger", "cost_expectations"),
    ("trust_portal_ledger", "detector_states"),
}


async def test_no_role_moves_removes_or_truncates(login: Connection) -> None:
    """Staff, intake and ledger see across tenants, and still have no such right."""
    own = f"SET LOCAL app.tenant_id = '{ALPHA}'"
    for table, role in itertools.product(GUARDED, ROLES):
        moved = await _attempt(login, role, own, f"UPDATE {table} SET tenant_id = '{BETA}'")
        assert _refused(moved), (table, moved)
        emptied = await _attempt(login, role, own, f"TRUNCATE {table} CASCADE")
        assert isinstance(emptied, asyncpg.InsufficientPrivilegeError), (table, emptied)
        foreign = f"SET LOCAL app.tenant_id = '{BETA}'"
        gone = await _attempt(login, role, foreign, f"DELETE FROM {table}")
        if (role, table) in _DERIVED_ANEW:
            continue
        assert gone == "DELETE 0" or _refused(gone), (table, gone)


async def test_a_row_in_another_tenants_name_is_refused(login: Connection) -> None:
    for table in GUARDED:
        columns = await login.fetch(_COLUMNS, table)
        values = ", ".join(
            f"'{ALPHA}'" if each["name"] == "tenant_id" else f"NULL::{each['type']}" for each in columns
        )
        names = ", ".join(f'"{each["name"]}"' for each in columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({values})"
        for role in (None, APP, STAFF):
            if (role, table) == (STAFF, "access_log"):
                continue  # what staff reads, it writes down there, whoever's it was
            done = await _attempt(login, role, f"SET LOCAL app.tenant_id = '{BETA}'", statement)
            # Row-level security is asked before the columns are: not even a malformed row learns more.
            assert isinstance(done, asyncpg.InsufficientPrivilegeError), (role, table, done)


async def test_copy_takes_the_same_road(login: Connection) -> None:
    for table in GUARDED:
        for setting in _NOTHING_NAMED.values():
            async with login.transaction():
                await login.execute(setting)
                await login.execute(f"SET LOCAL ROLE {APP}")
                parts: list[bytes] = []

                async def keep(part: bytes, parts: list[bytes] = parts) -> None:
                    parts.append(part)

                await login.copy_from_query(f"SELECT * FROM {table}", output=keep)
                assert parts in ([], [b""]), table
    for statement in ("COPY people TO PROGRAM 'cat'", "COPY people TO '/tmp/people'"):
        for role in (None, APP):
            done = await _attempt(login, role, "SELECT 1", statement)
            assert isinstance(done, asyncpg.InsufficientPrivilegeError), statement


async def test_the_application_role_lifts_no_limit_of_its_own(login: Connection) -> None:
    for statement in _ESCAPES:
        done = await _attempt(login, APP, f"SET LOCAL app.tenant_id = '{BETA}'", statement)
        assert isinstance(done, asyncpg.InsufficientPrivilegeError), (statement, done)


def _refused(done: object) -> bool:
    """No grant, or the guard of an append-only table."""
    return isinstance(done, asyncpg.InsufficientPrivilegeError) or (
        getattr(done, "sqlstate", None) == APPEND_ONLY_SQLSTATE
    )
