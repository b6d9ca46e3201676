"""access: tenants, people, sessions, tokens, decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VENDOR = "00000000-0000-7000-8000-000000000001"

TENANT_TABLES = (
    "tenants",
    "people",
    "role_grants",
    "sessions",
    "api_tokens",
    "sign_in_links",
    "policy_sets",
    "policy_decisions",
    "access_log",
)
REGISTRIES = ("tenant_keys", "person_directory", "oidc_identities")


def upgrade() -> None:
    begin_revision()
    _registries()
    _people()
    _credentials()
    _records()
    _rights()
    _vendor()


def downgrade() -> None:
    begin_revision()
    for table in (*reversed(TENANT_TABLES), *REGISTRIES):
        op.drop_table(table)


def _registries() -> None:
    op.create_table(
        "tenant_keys",
        sa.Column("key", sa.Text, primary_key=True),
        _uuid("tenant_id"),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "person_directory",
        sa.Column("email", sa.Text, primary_key=True, comment="normalised"),
        _uuid("tenant_id", primary_key=True),
        _uuid("person_id"),
    )
    op.create_table(
        "oidc_identities",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        _uuid("tenant_id", primary_key=True),
        _uuid("person_id"),
        _instant("linked_at"),
    )


def _people() -> None:
    op.create_table(
        "tenants",
        _uuid("tenant_id", primary_key=True),
        sa.Column("key", sa.Text, nullable=False, comment="external key, as events and contracts name it"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False, comment="IANA name"),
        sa.Column("residency", sa.Text, nullable=False, comment="where its data lives, as agreed"),
        _instant("created_at"),
        _instant("onboarded_at"),
        _instant("offboarded_at", nullable=True),
    )
    op.create_table(
        "people",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        sa.Column("email", sa.Text, nullable=False, comment="normalised"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        _instant("created_at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
    )
    op.create_index("people_tenant_id_email_key", "people", ["tenant_id", "email"], unique=True)
    op.create_table(
        "role_grants",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _uuid("person_id"),
        sa.Column("role", sa.Text, nullable=False),
        _instant("granted_at"),
        _uuid("granted_by", comment="actor id"),
        _instant("expires_at", nullable=True),
        _instant("revoked_at", nullable=True),
        _uuid("revoked_by", nullable=True, comment="actor id"),
        _of_person(),
        sa.CheckConstraint("role <> 'auditor' OR expires_at IS NOT NULL", name="auditor_is_time_limited"),
        sa.CheckConstraint(
            f"(tenant_id = '{VENDOR}') = (role NOT IN ('customer_viewer', 'customer_admin', 'auditor'))",
            name="role_fits_tenant",
        ),
    )
    op.create_index(
        "role_grants_one_in_force_key",
        "role_grants",
        ["tenant_id", "person_id", "role"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _credentials() -> None:
    op.create_table(
        "sessions",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _uuid("person_id"),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, comment="SHA-256"),
        sa.Column("previous_hash", sa.LargeBinary, comment="still good for requests already under way"),
        _instant("previous_until", nullable=True),
        sa.Column("rotate_due", sa.Boolean, nullable=False),
        sa.Column("method", sa.Text, nullable=False, comment="link, oidc or persona"),
        sa.Column("user_agent", sa.Text, nullable=False, comment="shortened"),
        sa.Column("address", sa.Text, nullable=False, comment="network, last part dropped"),
        _instant("created_at"),
        _instant("last_seen_at"),
        _instant("expires_at"),
        _instant("revoked_at", nullable=True),
        _of_person(),
    )
    op.create_index("sessions_person_idx", "sessions", ["tenant_id", "person_id"])
    op.create_table(
        "api_tokens",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _uuid("person_id", comment="the issuer, whose roles bound the token"),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, comment="SHA-256"),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column(
            "sources", ARRAY(sa.Text), nullable=False, comment="event sources an ingest token may name"
        ),
        sa.Column("tenants", ARRAY(UUID(as_uuid=True)), nullable=False, comment="empty: every tenant"),
        _instant("created_at"),
        _uuid("created_by", comment="actor id"),
        _instant("expires_at"),
        _instant("last_used_at", nullable=True),
        _instant("revoked_at", nullable=True),
        _of_person(),
    )
    op.create_table(
        "sign_in_links",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _uuid("person_id"),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, comment="SHA-256"),
        _instant("created_at"),
        _uuid("created_by", comment="actor id"),
        _instant("expires_at"),
        _instant("used_at", nullable=True),
        _of_person(),
    )
    for table in ("sessions", "api_tokens", "sign_in_links"):
        op.create_index(
            f"{table}_tenant_id_secret_hash_key", table, ["tenant_id", "secret_hash"], unique=True
        )


def _records() -> None:
    op.create_table(
        "policy_sets",
        _uuid("tenant_id", primary_key=True),
        sa.Column("version", sa.Text, primary_key=True, comment="as receipts name it"),
        sa.Column("texts", JSONB, nullable=False, comment="file name to text"),
        _instant("installed_at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
    )
    op.create_table(
        "policy_decisions",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _instant("minute", comment="when, to the minute: repeats within it are one row"),
        _uuid("actor_id"),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("resource_kind", sa.Text, nullable=False),
        _uuid("resource_tenant_id"),
        sa.Column("resource_id", sa.Text, nullable=False),
        sa.Column(
            "policies", ARRAY(sa.Text), nullable=False, comment="what decided; none: no rule permits it"
        ),
        sa.Column("policy_version", sa.Text, nullable=False),
    )
    op.create_index(
        "policy_decisions_once_a_minute_key",
        "policy_decisions",
        ["tenant_id", "minute", "actor_id", "action", "resource_kind", "resource_tenant_id", "resource_id"],
        unique=True,
    )
    op.create_table(
        "access_log",
        _uuid("tenant_id", primary_key=True),
        _uuid("id", primary_key=True),
        _instant("minute", comment="repeats within it are one row"),
        _instant("at"),
        _uuid("actor_id"),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("actor_group", sa.Text, nullable=False, comment="staff, auditor, customer or system"),
        sa.Column("verb", sa.Text, nullable=False, comment="read or downloaded"),
        sa.Column("what", sa.Text, nullable=False, comment="kind of thing"),
        sa.Column("subject", sa.Text, nullable=False, comment="its id, or empty for a list"),
        sa.Column("purpose", sa.Text, nullable=False),
    )
    op.create_index(
        "access_log_once_a_minute_key",
        "access_log",
        ["tenant_id", "minute", "actor_id", "verb", "what", "subject"],
        unique=True,
    )
    op.create_index("access_log_newest_idx", "access_log", ["tenant_id", "at", "id"])


def _rights() -> None:
    """Nothing is deleted by the application; secrets are readable inside the tenant only."""
    protect("tenants", app=("SELECT", "INSERT", "UPDATE"))
    protect("people", app=("SELECT", "INSERT", "UPDATE"))
    protect("role_grants", app=("SELECT", "INSERT", "UPDATE (revoked_at, revoked_by)"))
    protect("sessions", app=("SELECT", "INSERT", "UPDATE"), staff=())
    protect("api_tokens", app=("SELECT", "INSERT", "UPDATE (last_used_at, revoked_at)"), staff=())
    protect("sign_in_links", app=("SELECT", "INSERT", "UPDATE (used_at)"), staff=())
    protect("policy_sets", app=("SELECT", "INSERT"))
    protect("policy_decisions", app=("SELECT", "INSERT"))
    protect("access_log", app=("SELECT", "INSERT"), staff=("SELECT", "INSERT"))
    for table in TENANT_TABLES:
        distribute(table)
    append_only("policy_sets")
    append_only("policy_decisions")
    append_only("access_log")
    # The registries stay on the coordinator, yet a tenant sees only its own rows of them.
    protect("tenant_keys", app=("SELECT", "INSERT", "UPDATE (active)"), intake=("SELECT",))
    protect("person_directory", app=("SELECT", "INSERT"))
    protect("oidc_identities", app=("SELECT", "INSERT"))


def _vendor() -> None:
    """The vendor is a tenant of its own installation from the first moment."""
    op.execute(f"SET LOCAL app.tenant_id = '{VENDOR}'")
    op.execute("SET LOCAL ROLE trust_portal_app")
    op.execute(
        "INSERT INTO tenants (tenant_id, key, name, time_zone, residency, created_at, onboarded_at) "
        f"VALUES ('{VENDOR}', 'vendor', 'The vendor', 'UTC', '', now(), now())"
    )
    op.execute(f"INSERT INTO tenant_keys (key, tenant_id, active) VALUES ('vendor', '{VENDOR}', true)")
    op.execute("RESET ROLE")
    op.execute("SET LOCAL app.tenant_id = ''")


def _uuid(
    name: str, *, primary_key: bool = False, nullable: bool = False, comment: str | None = None
) -> sa.Column:
    return sa.Column(
        name,
        UUID(as_uuid=True),
        primary_key=primary_key,
        nullable=nullable and not primary_key,
        comment=comment,
    )


def _instant(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _of_person() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "person_id"], ["people.tenant_id", "people.id"], ondelete="RESTRICT"
    )
