"""cross-check: second sources, and what they came to for a report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "cross_check_sources",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("definition", JSONB(), comment="how its counters are found; null: withdrawn"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("set_by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("set_by_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "objective", "revision", name="cross_check_sources_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="cross_check_sources_tenant_id_receipt_id_fkey",
        ),
    )
    distribute("cross_check_sources")
    protect("cross_check_sources", app=("SELECT", "INSERT"))
    append_only("cross_check_sources")
    op.add_column(
        "sla_reports",
        sa.Column("cross_check", sa.Text(), comment="what it came to; null before there was one"),
    )
    op.add_column(
        "sla_reports",
        sa.Column("cross_check_sha256", sa.Text(), comment="of what second sources said, times aside"),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column("sla_reports", "cross_check_sha256")
    op.drop_column("sla_reports", "cross_check")
    op.drop_table("cross_check_sources")
