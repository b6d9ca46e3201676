"""policies: that a superseded set decides again is on record, and one can be retired by approval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

_UUID = postgresql.UUID(as_uuid=True)
_INSTANT = postgresql.TIMESTAMP(timezone=True)
_INSTALLED = ["policy_installs.tenant_id", "policy_installs.version"]
_TABLES = ("policy_returns", "policy_retirement_requests", "policy_retirements")


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "policy_returns",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Text(), nullable=False, comment="the newest version then"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "version", "in_force", "day"),
        sa.ForeignKeyConstraint(["tenant_id", "version"], _INSTALLED, name="policy_returns_version_fkey"),
        sa.ForeignKeyConstraint(["tenant_id", "in_force"], _INSTALLED, name="policy_returns_in_force_fkey"),
        sa.CheckConstraint("version <> in_force", name="another_is_in_force"),
    )
    op.create_table(
        "policy_retirement_requests",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("approval_id", _UUID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("approval_kind", sa.Text(), sa.Computed("'policy_change'::text", persisted=True)),
        sa.PrimaryKeyConstraint("tenant_id", "approval_id"),
        sa.UniqueConstraint(
            "tenant_id", "approval_id", "version", name="policy_retirement_requests_version_key"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "version"], _INSTALLED, name="policy_retirement_requests_install_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "approval_kind"],
            [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
            name="policy_retirement_requests_kind_fkey",
        ),
    )
    op.create_table(
        "policy_retirements",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("approval_id", _UUID, nullable=False),
        sa.Column("use_ordinal", sa.Integer(), nullable=False),
        sa.Column("use_act", sa.Text(), nullable=False),
        sa.Column("used_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "version"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "version"],
            [f"policy_retirement_requests.{name}" for name in ("tenant_id", "approval_id", "version")],
            name="policy_retirements_request_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "use_ordinal", "use_act", "used_at"],
            [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
            name="policy_retirements_use_fkey",
        ),
        sa.CheckConstraint("use_act = 'use' AND use_ordinal >= 3", name="two_approved_it"),
    )
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)
