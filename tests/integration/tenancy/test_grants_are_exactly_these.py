"""Who may do what to which table, to the letter: ``grants.txt`` is what a reviewer reads.

A new table adds its line there; so does a right that somebody comes to need.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from adversary import Connection

from trust_portal.storage.errors import APPEND_ONLY_SQLSTATE

_VALUES = {
    "uuid": UUID(int=7),
    "text": "x",
    "bytea": b"x" * 32,
    "bigint": 1,
    "jsonb": "[]",
    "timestamp with time zone": datetime(2026, 1, 1, tzinfo=UTC),
}
_EXPECTED = Path(__file__).with_name("grants.txt")
#: Columns are named only where a right is limited to them.
_GRANTS = """
SELECT table_name || ' ' || grantee || ': ' || string_agg(privilege, ', ' ORDER BY privilege) AS line
FROM (
    SELECT table_name, grantee, privilege_type AS privilege FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND grantee <> 'trust_portal'
    UNION ALL
    SELECT c.table_name, c.grantee,
           c.privilege_type || ' (' || string_agg(c.column_name, ', ' ORDER BY c.column_name) || ')'
    FROM information_schema.role_column_grants c
    WHERE c.table_schema = 'public' AND c.grantee <> 'trust_portal' AND NOT EXISTS (
        SELECT 1 FROM information_schema.role_table_grants t
        WHERE t.table_schema = 'public' AND (t.table_name, t.grantee, t.privilege_type)
            = (c.table_name, c.grantee, c.privilege_type))
    GROUP BY c.table_name, c.grantee, c.privilege_type
) AS grants GROUP BY table_name, grantee ORDER BY line
"""
#: What the evidence rests on. Not even the owner's slip of the hand changes these.
EVIDENCE = (
    "receipts", "log_entries", "log_nodes", "checkpoints", "logs", "signing_keys", "key_edges", "key_retirements", "key_rotations", "policy_installs", "policy_requests", "policy_returns", "policy_retirement_requests", "policy_retirements", "event_keys", "facts",
    "measurements", "sla_reports", "sla_report_inputs", "contracts", "access_log",
    "policy_decisions", "approval_requests", "approval_steps", "approval_rules", "vendor_roles", "lone_requests", "exclusions", "exclusion_states",
    "break_glass_grants", "break_glass_steps", "threshold_requests",
    "notifications", "notification_deliveries", "delivery_attempts", "delivery_outcomes",
    "delivery_replays", "notification_reads", "notification_preferences", "webhook_endpoints",
    "playbook_runs", "playbook_steps", "kill_switches",
    "access_reviews", "compliance_evaluations", "compliance_imports", "receipt_audits",
)  # fmt: skip


#: What may become sealed, once, and is else as it was written.
SEALABLE = ("artefacts", "export_files")


async def test_grants_are_exactly_these(login: Connection) -> None:
    found = [row["line"] for row in await login.fetch(_GRANTS)]
    assert found == _EXPECTED.read_text().splitlines()


async def test_nobody_may_hand_rights_on_or_do_more_to_a_table_than_rows(login: Connection) -> None:
    grants = await login.fetch(
        "SELECT table_name, grantee, privilege_type, is_grantable FROM information_schema.role_table_grants "
        "WHERE table_schema = 'public' AND grantee <> 'trust_portal'"
    )
    assert {row["privilege_type"] for row in grants} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert {row["is_grantable"] for row in grants} == {"NO"}
    assert "PUBLIC" not in {row["grantee"] for row in grants}


async def test_evidence_is_guarded_against_its_owner_too(login: Connection) -> None:
    """Triggers that fire for everybody: by row for UPDATE and DELETE, by statement for TRUNCATE."""
    triggers = await login.fetch(
        "SELECT tgrelid::regclass::text AS name, tgtype::int AS type, tgenabled::text AS enabled "
        "FROM pg_trigger WHERE tgfoid = 'trust_portal_append_only'::regproc"
    )
    assert {row["enabled"] for row in triggers} == {"O"}
    # pg_trigger.h: ROW 1, BEFORE 2, DELETE 8, UPDATE 16, TRUNCATE 32.
    for table in EVIDENCE:
        assert {row["type"] for row in triggers if row["name"] == table} == {1 + 2 + 8 + 16, 2 + 32}, table
    for table in SEALABLE:
        types = {row["type"] for row in triggers if row["name"] == table}
        assert types == {1 + 2 + 8 + 16, 1 + 2 + 16, 2 + 32}, table


@pytest.mark.parametrize("table", ["receipts", "log_entries", "checkpoints", "logs"])
async def test_the_owner_without_row_level_security_still_cannot_change_the_log(
    login: Connection, table: str
) -> None:
    await login.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    columns = await login.fetch(
        "SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute "
        "WHERE attrelid = $1::text::regclass AND attnum > 0 AND attnotnull",
        table,
    )
    values = [_VALUES[each["type"]] for each in columns]
    places = ", ".join(f"${at + 1}" for at in range(len(columns)))
    names = ", ".join(f'"{each["name"]}"' for each in columns)
    await login.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values)
    for statement in (
        f"UPDATE {table} SET tenant_id = tenant_id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.PostgresError) as caught:
            await login.execute(statement)
        assert caught.value.sqlstate == APPEND_ONLY_SQLSTATE, statement
    assert await login.fetchval(f"SELECT count(*) FROM {table}") == 1
