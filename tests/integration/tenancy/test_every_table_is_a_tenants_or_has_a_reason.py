"""The catalogue of the migrated database against the metadata and the rules of docs/decisions/0003-tenancy.md."""

from __future__ import annotations

import pytest
from adversary import GUARDED, OWNED, REFERENCES, REGISTRIES, Connection

from trust_portal.storage.metadata import metadata
from trust_portal.storage.migration import APP, TENANT_POLICY

#: Tables of nobody in particular, and why each may be outside tenancy.
HOUSE = {
    "alembic_version": "which revision the schema has",
    "event_keys": "source and id are unique whichever tenant an event names; hashes only",
    "incident_touches": "of which incidents the register still has to take something in",
    "key_retirements": "of the installation's own keys, like signing_keys",
    "outbox": "ids of work to be done; stays on the coordinator, where SKIP LOCKED works",
    "pending_receipts": "the sequencer's inbox: ids and hashes of several tenants in one commit",
    "playbook_actions": "what limits over all tenants count; stays on the coordinator, where their lock is",
    "round_setbacks": "ids of customers and incidents that a round is to try again later, and why in a code",
    "round_standings": "how each round of the workers fares, over all tenants",
    "signing_keys": "the installation's public keys",
    "usage_batches": "what the metering still has to roll up",
}

_TABLES = """
SELECT relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) AS owner
FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_KEYS = """
SELECT i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS index,
       array_agg(a.attname::text) AS columns
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indisunique AND i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
GROUP BY 1, 2
"""
_FOREIGN_KEYS = """
SELECT c.conname, c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent, c.confdeltype::text,
       (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = ANY (c.conkey))
           AS columns
FROM pg_constraint c WHERE c.contype = 'f'
"""
_POLICIES = (
    "SELECT tablename, policyname, roles::text[], cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
)


def test_there_are_tables_to_look_at() -> None:
    assert len(OWNED) > 20


async def test_every_table_of_the_database_is_known_and_a_tenants_or_has_a_reason(login: Connection) -> None:
    found = {row["relname"] for row in await login.fetch(_TABLES)}
    assert found == set(metadata.tables) | {"alembic_version"}
    assert found - set(OWNED) == set(HOUSE) | (set(REGISTRIES) - set(OWNED))


async def test_row_level_security_is_forced_on_every_tenants_table(login: Connection) -> None:
    forced = {
        row["relname"]
        for row in await login.fetch(_TABLES)
        if row["relrowsecurity"] and row["relforcerowsecurity"]
    }
    assert forced == set(GUARDED)


async def test_the_tenant_is_part_of_every_key_of_a_tenants_table(login: Connection) -> None:
    without = {
        row["index"]
        for row in await login.fetch(_KEYS)
        if row["table"] in OWNED and row["table"] not in REGISTRIES and "tenant_id" not in row["columns"]
    }
    assert without == set()


async def test_foreign_keys_stay_within_the_tenant_and_never_null_or_default(login: Connection) -> None:
    keys = await login.fetch(_FOREIGN_KEYS)
    assert len(keys) > 10
    for row in keys:
        if {row["child"], row["parent"]} <= {"key_retirements", "signing_keys"}:
            continue  # of the installation, on the coordinator both
        if row["parent"] in REFERENCES:
            assert (row["child"], row["confdeltype"]) in {("approval_requests", "a"), ("approval_steps", "a")}
            continue
        assert {row["child"], row["parent"]} <= set(OWNED), row["conname"]
        assert "tenant_id" in row["columns"], row["conname"]
        assert row["confdeltype"] in {"a", "r", "c"}, row["conname"]


async def test_policies_are_the_plain_expression_and_nothing_else(login: Connection) -> None:
    """Rule 3: no sub-query; only staff, intake and ledger see every row, command by command."""
    plain = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
    assert TENANT_POLICY.replace("nullif", "NULLIF").split(" = ")[0] in plain
    seen: set[str] = set()
    for row in await login.fetch(_POLICIES):
        (role,) = row["roles"]
        if role == APP:
            seen.add(row["tablename"])
            assert (row["cmd"], row["qual"], row["with_check"]) == ("ALL", plain, plain), row["policyname"]
        else:
            assert role in {"trust_portal_staff", "trust_portal_intake", "trust_portal_ledger"}
            assert row["cmd"] != "ALL"
            assert {row["qual"], row["with_check"]} <= {"true", None}
    assert seen == set(GUARDED)


async def test_nothing_runs_with_somebody_elses_rights(login: Connection) -> None:
    """No view, no SECURITY DEFINER function, no rule: there is no way around the policies to look for."""
    views = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm', 'f') AND relnamespace = 'public'::regnamespace"
    assert await login.fetch(views) == []
    functions = await login.fetch(
        "SELECT proname, prosecdef FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert [tuple(row) for row in functions] == [("trust_portal_append_only", False)]
    assert await login.fetch("SELECT rulename FROM pg_rules WHERE schemaname = 'public'") == []


@pytest.mark.parametrize(
    "role",
    ["trust_portal", "trust_portal_app", "trust_portal_staff", "trust_portal_intake", "trust_portal_ledger"],
)
async def test_no_role_has_an_attribute_that_lifts_it(login: Connection, role: str) -> None:
    row = await login.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin, rolinherit "
        "FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert row is not None
    assert not any(row[:5])
    assert row["rolcanlogin"] == (role == "trust_portal")
    if role == "trust_portal":
        assert not row["rolinherit"]
    else:
        owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = $1"
        assert await login.fetchval(owned, role) == 0
