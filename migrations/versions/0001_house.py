"""house: the installation's own tables and the database roles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.errors import APPEND_ONLY_SQLSTATE
from trust_portal.storage.migration import (
    APP,
    READ_WRITE,
    ROLES,
    STAFF,
    begin_revision,
    grant_house,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    for role in ROLES:
        _create_role(role)
    op.execute(f"GRANT SELECT ON alembic_version TO {APP}, {STAFF}")
    op.execute(
        f"""
        CREATE FUNCTION trust_portal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
                USING ERRCODE = '{APPEND_ONLY_SQLSTATE}';
        END $$
        """
    )
    op.create_table(
        "outbox",
        sa.Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False, comment="ids only"),
        sa.Column("dedupe_key", sa.Text(), unique=True, comment="at most one waiting row per key"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True)),
        sa.Column(
            "failed_at",
            postgresql.TIMESTAMP(timezone=True),
            comment="given up; the row stays as the record of it",
        ),
    )
    op.create_index("outbox_due_idx", "outbox", ["due_at"])
    grant_house("outbox", app=READ_WRITE, intake=("SELECT", "INSERT"), ledger=READ_WRITE)


def downgrade() -> None:
    """The roles stay: other databases of the same server may use them."""
    begin_revision()
    op.drop_table("outbox")
    op.execute("DROP FUNCTION trust_portal_append_only()")
    op.execute(f"REVOKE SELECT ON alembic_version FROM {APP}, {STAFF}")


def _create_role(role: str) -> None:
    """A NOLOGIN role, and the migrating login able to step down to it.

    Roles belong to the server, not to the database: another installation may have made them, or
    be making them right now. From PostgreSQL 16 on the membership gives the login nothing until
    it steps down (INHERIT FALSE).
    """
    op.execute(
        f"""
        DO $$
        DECLARE may_step_down boolean;
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
                BEGIN
                    CREATE ROLE {role} NOLOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN
                    NULL;
                END;
            END IF;
            IF current_setting('server_version_num')::int >= 160000 THEN
                EXECUTE format('SELECT pg_has_role(current_user, %L, %L)', '{role}', 'SET')
                    INTO may_step_down;
                IF NOT may_step_down THEN
                    EXECUTE 'GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';
                END IF;
            ELSIF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
                GRANT {role} TO CURRENT_USER;
            END IF;
        END $$
        """
    )
