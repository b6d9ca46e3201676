"""policy-changes: sets of policies that were asked for, and which came into force by whose approval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_UUID = postgresql.UUID(as_uuid=True)
_INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "policy_requests",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("approval_id", _UUID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("texts", postgresql.JSONB(), nullable=False, comment="file name to text"),
        sa.PrimaryKeyConstraint("tenant_id", "approval_id"),
        sa.UniqueConstraint("tenant_id", "approval_id", "version", name="policy_requests_version_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id"],
            ["approval_requests.tenant_id", "approval_requests.id"],
            name="policy_requests_approval_fkey",
        ),
    )
    op.create_table(
        "policy_installs",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("previous", sa.Integer(), comment="ordinal of the one before; null: the first"),
        sa.Column("approval_id", _UUID),
        sa.Column("use_ordinal", sa.Integer()),
        sa.Column("use_act", sa.Text()),
        sa.Column("used_at", _INSTANT),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "ordinal"),
        sa.UniqueConstraint("tenant_id", "version", name="policy_installs_version_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "version"],
            ["policy_sets.tenant_id", "policy_sets.version"],
            name="policy_installs_set_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "previous"],
            ["policy_installs.tenant_id", "policy_installs.ordinal"],
            name="policy_installs_previous_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "version"],
            [f"policy_requests.{name}" for name in ("tenant_id", "approval_id", "version")],
            name="policy_installs_request_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "use_ordinal", "use_act", "used_at"],
            [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
            name="policy_installs_use_fkey",
        ),
        sa.CheckConstraint(
            "(ordinal = 1 AND num_nulls(previous, approval_id, use_ordinal, use_act, used_at) = 5)"
            " OR (ordinal > 1 AND num_nulls(previous, approval_id, use_ordinal, use_act, used_at) = 0"
            " AND previous = ordinal - 1 AND use_act = 'use' AND use_ordinal >= 3)",
            name="all_but_the_first_are_approved",
        ),
    )
    for table in ("policy_requests", "policy_installs"):
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_table("policy_installs")
    op.drop_table("policy_requests")
