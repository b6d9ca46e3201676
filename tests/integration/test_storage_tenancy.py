"""The four scopes against real row-level security, on a table protected as every room protects its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.errors import APPEND_ONLY_SQLSTATE
from trust_portal.storage.migration import TENANT_POLICY
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import IntakeScope, LedgerScope, Scope, StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

ALPHA, BETA = new_id(), new_id()

THINGS = f"""
CREATE TABLE things (tenant_id uuid, id uuid, note text, PRIMARY KEY (tenant_id, id));
ALTER TABLE things ENABLE ROW LEVEL SECURITY;
ALTER TABLE things FORCE ROW LEVEL SECURITY;
CREATE POLICY things_tenant ON things FOR ALL TO trust_portal_app
    USING ({TENANT_POLICY}) WITH CHECK ({TENANT_POLICY});
CREATE POLICY things_staff_select ON things FOR SELECT TO trust_portal_staff USING (true);
CREATE POLICY things_intake_insert ON things FOR INSERT TO trust_portal_intake WITH CHECK (true);
GRANT SELECT, INSERT ON things TO trust_portal_app;
GRANT SELECT ON things TO trust_portal_staff;
GRANT INSERT ON things TO trust_portal_intake;
CREATE TRIGGER things_append_only BEFORE UPDATE OR DELETE ON things
    FOR EACH ROW EXECUTE FUNCTION trust_portal_append_only();
CREATE TRIGGER things_no_truncate BEFORE TRUNCATE ON things
    FOR EACH STATEMENT EXECUTE FUNCTION trust_portal_append_only();
"""

INSERT = text("INSERT INTO things VALUES (:tenant, :id, :note)")
COUNT = text("SELECT count(*) FROM things")


async def as_login(url: str) -> asyncpg.Connection[asyncpg.Record]:
    parts = make_url(url)
    return await asyncpg.connect(
        host=parts.query["host"], user=parts.username, password=parts.password, database=parts.database
    )


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The login by itself, outside every scope; it owns the tables."""
    connection = await as_login(database_url)
    await connection.execute(THINGS)
    yield connection
    await connection.close()


@pytest.fixture
async def two_tenants(storage: Storage, login: asyncpg.Connection[asyncpg.Record]) -> None:
    for tenant in (ALPHA, BETA):
        async with storage.write(TenantScope(tenant)) as session:
            await session.execute(INSERT, {"tenant": tenant, "id": new_id(), "note": str(tenant)})


async def count(storage: Storage, scope: Scope) -> int:
    async with storage.read(scope) as session:
        return int((await session.execute(COUNT)).scalar_one())


@pytest.mark.usefixtures("two_tenants")
async def test_each_scope_sees_what_it_may(storage: Storage) -> None:
    assert await count(storage, TenantScope(ALPHA)) == 1
    assert await count(storage, TenantScope(new_id())) == 0
    assert await count(storage, StaffScope()) == 2


@pytest.mark.usefixtures("two_tenants")
@pytest.mark.parametrize("scope", [IntakeScope(), LedgerScope()])
async def test_a_role_without_the_grant_reads_nothing(storage: Storage, scope: Scope) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await count(storage, scope)


@pytest.mark.usefixtures("two_tenants")
async def test_the_owner_outside_a_scope_sees_nothing(login: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await login.fetchval("SELECT count(*) FROM things") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await login.execute("INSERT INTO things VALUES ($1, $1, 'x')", ALPHA)


@pytest.mark.usefixtures("two_tenants")
async def test_a_row_for_another_tenant_is_refused_and_nothing_is_kept(storage: Storage) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with storage.write(TenantScope(ALPHA)) as session:
            await session.execute(INSERT, {"tenant": ALPHA, "id": new_id(), "note": "mine"})
            await session.execute(INSERT, {"tenant": BETA, "id": new_id(), "note": "theirs"})
    assert await count(storage, StaffScope()) == 2


@pytest.mark.usefixtures("two_tenants")
async def test_no_scope_outlives_its_transaction(storage: Storage) -> None:
    async with storage.engine.connect() as connection:
        role, tenant = (
            await connection.execute(text("SELECT current_user, current_setting('app.tenant_id', true)"))
        ).one()
    assert (role, tenant or "") == ("trust_portal", "")


@pytest.mark.usefixtures("two_tenants")
async def test_rows_of_an_append_only_table_are_never_changed(
    login: asyncpg.Connection[asyncpg.Record],
) -> None:
    # Even the owner, given every right for a moment, is stopped by the guard.
    await login.execute("GRANT ALL ON things TO trust_portal_app")
    for statement in ("UPDATE things SET note = 'other'", "DELETE FROM things", "TRUNCATE things"):
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with login.transaction():
                if statement != "TRUNCATE things":
                    await login.execute(f"SET LOCAL app.tenant_id = '{ALPHA}'")
                    await login.execute("SET LOCAL ROLE trust_portal_app")
                await login.execute(statement)
        assert caught.value.sqlstate == APPEND_ONLY_SQLSTATE


async def test_a_failure_passed_over_is_no_commit(storage: Storage) -> None:
    from trust_portal.errors import Broken

    with pytest.raises(Broken, match="nothing was committed"):
        async with storage.write(TenantScope(VENDOR_ID)) as session:
            await session.enqueue(Job.BUILD_EXPORT, {"export": "1"})
            with pytest.raises(DBAPIError):
                await session.execute(text("SELECT 1 / 0"))
    async with storage.read(StaffScope()) as session:
        assert (await session.execute(text("SELECT count(*) FROM outbox"))).scalar_one() == 0


async def test_staff_scope_cannot_be_written_in(storage: Storage) -> None:
    with pytest.raises(TypeError, match="only reads"):
        async with storage.write(StaffScope()):
            pass


async def test_a_read_cannot_write(storage: Storage) -> None:
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with storage.read(TenantScope(VENDOR_ID)) as session:
            await session.execute(text("DELETE FROM outbox"))


async def test_a_snapshot_sees_one_moment(storage: Storage) -> None:
    waiting = text("SELECT count(*) FROM outbox")
    async with storage.read(StaffScope(), snapshot=True) as before:
        assert (await before.execute(waiting)).scalar_one() == 0
        async with storage.write(TenantScope(VENDOR_ID)) as session:
            await session.enqueue(Job.BUILD_EXPORT, {"export": "1"})
        assert (await before.execute(waiting)).scalar_one() == 0
    async with storage.read(StaffScope()) as after:
        assert (await after.execute(waiting)).scalar_one() == 1


async def test_a_job_asked_for_twice_with_one_key_waits_once(storage: Storage) -> None:
    for _ in range(2):
        async with storage.write(TenantScope(VENDOR_ID)) as session:
            await session.enqueue(Job.BUILD_EXPORT, {"export": "1"}, dedupe_key="export 1")
    async with storage.read(StaffScope()) as session:
        rows = (await session.execute(text("SELECT job, arguments, attempts FROM outbox"))).all()
    assert rows == [("build_export", {"export": "1"}, 0)]


async def test_a_connection_the_server_dropped_is_replaced_unnoticed(storage: Storage) -> None:
    async with storage.read(StaffScope()) as session:
        driver = await session.driver()
        pid = driver.get_server_pid()
    killer = await as_login(str(storage.engine.url.render_as_string(hide_password=False)))
    await killer.execute("SELECT pg_terminate_backend($1)", pid)
    await killer.close()
    await storage.ping()
    async with storage.read(StaffScope()) as session:
        assert (await session.driver()).get_server_pid() != pid
