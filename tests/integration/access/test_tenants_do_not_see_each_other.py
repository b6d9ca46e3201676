"""What SQL shows, as the application role and as the other three, in and out of scope."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.repository import StaffTraceScope
from trust_portal.access.action import Action, TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import PersonRef
from trust_portal.access.policy import Resource
from trust_portal.access.sessions.model import Client
from trust_portal.access.sign_in.repository import link_identity
from trust_portal.access.tokens.model import CreateToken
from trust_portal.errors import Denied
from trust_portal.kernel.actor import Role
from trust_portal.storage.tenancy import IntakeScope, LedgerScope, Scope, StaffScope, TenantScope

#: Deleted some time after they are over (decision 12).
PRUNED = ("sessions", "sign_in_links")
TABLES = (
    "tenants",
    "tenant_keys",
    "people",
    "person_directory",
    "oidc_identities",
    "role_grants",
    "sessions",
    "api_tokens",
    "sign_in_links",
    "policy_decisions",
    "access_log",
)


class NoTenant(Scope):
    """The application role without a tenant."""

    role = "trust_portal_app"


@pytest.fixture
async def full(access, acme, globex, member):
    """Every table has a row of both tenants."""
    for tenant in (acme, globex):
        carl = await member(tenant, f"carl@{tenant.key}.example", Role.CUSTOMER_ADMIN)
        link = await access.links.create(CONSOLE, tenant.id, carl.id, brought_by=())
        await access.links.consume(link.url.rpartition("/")[2], Client())
        actor = carl.as_actor()
        await access.tokens.create(CreateToken(tenant.id, "t", frozenset({TokenScope.READ})), actor)
        await access.access_log.trace(actor, [tenant.id], Access(Verb.DOWNLOADED, "export", "1"))
        with pytest.raises(Denied):
            await access.gate.require(actor, Action.SLA_REPORT_ISSUE, Resource("SLA report", tenant.id))
        async with access.storage.write(TenantScope(tenant.id)) as session:
            await link_identity(session, "https://idp.example", tenant.key, PersonRef(tenant.id, carl.id))
    return acme, globex


async def rows(access, scope, table):
    async with access.storage.read(scope) as session:
        return (await session.execute(text(f"SELECT tenant_id FROM {table}"))).scalars().all()


async def test_sql_as_the_application_role_shows_one_tenants_rows(access, full):
    for tenant in full:
        seen = {table: set(await rows(access, TenantScope(tenant.id), table)) for table in TABLES}
        assert seen == {table: {tenant.id} for table in TABLES}


async def test_without_a_tenant_nothing_is_visible(access, full):
    assert {table: len(await rows(access, NoTenant(), table)) for table in TABLES} == dict.fromkeys(TABLES, 0)


async def test_no_role_across_tenants_reads_credentials(access, full):
    for scope in (StaffScope(), IntakeScope(), LedgerScope()):
        for table in ("sessions", "api_tokens", "sign_in_links"):
            with pytest.raises(DBAPIError, match="permission denied"):
                await rows(access, scope, table)


async def test_a_row_cannot_be_written_for_or_moved_to_another_tenant(access, full):
    acme, globex = full
    for table in TABLES:
        copied = (
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, "
            f"jsonb_build_object('tenant_id', '{globex.id}'))).* FROM {table} t"
        )
        moved = f"UPDATE {table} SET tenant_id = '{globex.id}'"
        for statement in (copied, moved):
            with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
                async with access.storage.write(TenantScope(acme.id)) as session:
                    await session.execute(text(statement))


async def test_nobody_deletes_but_a_tenants_own_sign_ins(access, full):
    acme, globex = full
    own = TenantScope(acme.id)
    for scope in (own, StaffTraceScope(), IntakeScope(), LedgerScope()):
        for table in TABLES:
            if scope == own and table in PRUNED:
                continue
            with pytest.raises(DBAPIError, match="permission denied"):
                async with access.storage.write(scope) as session:
                    await session.execute(text(f"DELETE FROM {table}"))
    for table in PRUNED:
        async with access.storage.write(own) as session:
            await session.execute(text(f"DELETE FROM {table}"))
        assert await rows(access, own, table) == []
        assert set(await rows(access, TenantScope(globex.id), table)) == {globex.id}


async def test_the_records_cannot_be_changed(access, full):
    for table in ("policy_decisions", "access_log"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with access.storage.write(TenantScope(full[0].id)) as session:
                await session.execute(text(f"UPDATE {table} SET actor_name = 'nobody'"))


async def test_staff_write_nothing_but_their_traces(access, full):
    for table in set(TABLES) - {"access_log"}:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with access.storage.write(StaffTraceScope()) as session:
                await session.execute(text(f"INSERT INTO {table} DEFAULT VALUES"))
