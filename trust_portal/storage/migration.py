"""What every revision says about its tables: who may see them, who may write, what never changes.

A revision is written as::

    def upgrade() -> None:
        begin_revision()
        op.create_table("things", ...)
        protect("things", app=("SELECT", "INSERT"), staff=("SELECT",))
        distribute("things")

The login that migrates owns the tables, and FORCE makes row-level security hold for it too: no
policy names it, so outside a scope (``storage.tenancy``) it sees nothing. The reasons for each
rule are in docs/decisions/0003-tenancy.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

APP = "trust_portal_app"
STAFF = "trust_portal_staff"
INTAKE = "trust_portal_intake"
LEDGER = "trust_portal_ledger"
ROLES = (APP, STAFF, INTAKE, LEDGER)

#: Rows of the tenant named by the transaction; none when it names nobody. No subquery: a policy stays a plain expression (decision 3).
TENANT_POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"

READ_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")


def begin_revision() -> None:
    """The first statement of every revision: one shard after the other, guards allowed (rule 13).

    Both settings are placeholders on plain PostgreSQL.
    """
    op.execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")
    op.execute("SET LOCAL citus.enable_unsafe_triggers = on")


def protect(
    table: str,
    *,
    app: Sequence[str] = READ_WRITE,
    staff: Sequence[str] = ("SELECT",),
    intake: Sequence[str] = (),
    ledger: Sequence[str] = (),
) -> None:
    """Force row-level security on a tenant's table and grant each role exactly what is listed.

    A privilege may name columns: ``"UPDATE (state, note)"``. ``app`` is bound to the tenant of its
    transaction; the other three see or write across tenants, but only with the commands listed:
    intake that only inserts is ``intake=("INSERT",)``.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    if app:
        op.execute(
            f"CREATE POLICY {table}_tenant ON {table} FOR ALL TO {APP} "
            f"USING ({TENANT_POLICY}) WITH CHECK ({TENANT_POLICY})"
        )
        _grant(table, APP, app)
    for role, name, privileges in (
        (STAFF, "staff", staff),
        (INTAKE, "intake", intake),
        (LEDGER, "ledger", ledger),
    ):
        for privilege in privileges:
            command = privilege.split(maxsplit=1)[0].upper()
            op.execute(
                f"CREATE POLICY {table}_{name}_{command.lower()} ON {table} "
                f"FOR {command} TO {role} {_EVERY_ROW[command]}"
            )
        _grant(table, role, privileges)


def grant_house(
    table: str,
    *,
    app: Sequence[str] = READ_WRITE,
    staff: Sequence[str] = ("SELECT",),
    intake: Sequence[str] = (),
    ledger: Sequence[str] = (),
) -> None:
    """Grants on a table outside tenancy; it has no row-level security."""
    _grant(table, APP, app)
    _grant(table, STAFF, staff)
    _grant(table, INTAKE, intake)
    _grant(table, LEDGER, ledger)


def append_only(table: str) -> None:
    """Rows stay as they were written: UPDATE, DELETE and TRUNCATE raise ``APPEND_ONLY_SQLSTATE``.

    The second lock behind the missing grants: it also stops the owner's slip of the hand. Row
    triggers reach the partitions of a partitioned table; TRUNCATE knows only statements.
    """
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION trust_portal_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION trust_portal_append_only()"
    )


def as_each_tenant(having: str, lent: Mapping[str, str], *statements: str) -> None:
    """Run ``statements`` (``:tenant_id`` is bound) in the scope of each tenant that has rows in ``having``.

    ``lent``: privileges by table that the application's role has for it, and not afterwards.
    """
    connection = op.get_bind()
    op.execute(f"SET LOCAL ROLE {STAFF}")
    tenant_ids = connection.execute(sa.text(f"SELECT DISTINCT tenant_id FROM {having}")).scalars().all()  # noqa: S608 - names of tables that revisions write down
    op.execute("RESET ROLE")
    for table, privilege in lent.items():
        op.execute(f"GRANT {privilege} ON {table} TO {APP}")
    op.execute(f"SET LOCAL ROLE {APP}")
    for tenant_id in tenant_ids:
        op.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        for statement in statements:
            connection.execute(sa.text(statement), {"tenant_id": tenant_id})
    op.execute("RESET ROLE")
    op.execute("SET LOCAL app.tenant_id = ''")
    for table, privilege in lent.items():
        op.execute(f"REVOKE {privilege} ON {table} FROM {APP}")


def distribute(table: str) -> None:
    """Spread a tenant's table over the workers by ``tenant_id``; nothing on plain PostgreSQL.

    Parents before children: all are co-located.
    """
    if _citus():
        op.execute(f"SELECT create_distributed_table('{table}', 'tenant_id')")


def reference(table: str) -> None:
    """Copy a small table to every worker; nothing on plain PostgreSQL."""
    if _citus():
        op.execute(f"SELECT create_reference_table('{table}')")


_EVERY_ROW = {
    "SELECT": "USING (true)",
    "INSERT": "WITH CHECK (true)",
    "UPDATE": "USING (true) WITH CHECK (true)",
    "DELETE": "USING (true)",
}


def _grant(table: str, role: str, privileges: Sequence[str]) -> None:
    if privileges:
        op.execute(f"GRANT {', '.join(privileges)} ON {table} TO {role}")


def _citus() -> bool:
    query = sa.text("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
    return op.get_bind().execute(query).first() is not None
