"""credit forecast: the flag it stands behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "forecast_flags",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("set_by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("set_by_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "revision", name="forecast_flags_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="forecast_flags_receipt_fkey",
        ),
    )
    distribute("forecast_flags")
    protect("forecast_flags", app=("SELECT", "INSERT"))
    append_only("forecast_flags")


def downgrade() -> None:
    begin_revision()
    op.drop_table("forecast_flags")
