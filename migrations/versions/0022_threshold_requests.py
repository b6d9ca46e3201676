"""threshold-requests: looser thresholds that were asked for, and the approval a revision rests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_WHAT = ("tenant_id", "approval_id", "subsystem", "revision")


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "threshold_requests",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("approval_id", UUID(as_uuid=True), nullable=False),
        sa.Column("subsystem", sa.Text(), nullable=False, comment="empty: all"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="which it becomes"),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("trial", JSONB(), comment="what a back-test found; null: none was made"),
        sa.PrimaryKeyConstraint("tenant_id", "approval_id", name="threshold_requests_pkey"),
        sa.UniqueConstraint(*_WHAT, name="threshold_requests_what_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id"],
            ["approval_requests.tenant_id", "approval_requests.id"],
            name="threshold_requests_approval_fkey",
        ),
    )
    distribute("threshold_requests")
    protect("threshold_requests", app=("SELECT", "INSERT"))
    append_only("threshold_requests")
    op.add_column(
        "thresholds",
        sa.Column(
            "approval_id", UUID(as_uuid=True), comment="of the request it rests on; null: set directly"
        ),
    )
    op.create_foreign_key(
        "thresholds_approval_fkey", "thresholds", "threshold_requests", list(_WHAT), list(_WHAT)
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("thresholds_approval_fkey", "thresholds")
    op.drop_column("thresholds", "approval_id")
    op.drop_table("threshold_requests")
