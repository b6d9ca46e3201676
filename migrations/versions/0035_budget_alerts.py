"""budget alerts: what was said of a budget that burns too fast or is used up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TABLE = "budget_alerts"


def upgrade() -> None:
    begin_revision()
    op.create_table(
        _TABLE,
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("subsystem", sa.Text(), nullable=False, comment="empty: all together"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "hour",
            TIMESTAMP(timezone=True),
            nullable=False,
            comment="start of the last closed hour it is as of",
        ),
        sa.Column("month", sa.Date(), nullable=False, comment="first day of the budget's month"),
        sa.Column(
            "started_at",
            TIMESTAMP(timezone=True),
            nullable=False,
            comment="start of the first hour that counts",
        ),
        sa.Column("budget_revision", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False, comment="the month's budget, major units"),
        sa.Column("spent", sa.Numeric(), nullable=False, comment="from started_at through hour, exact"),
        sa.Column(
            "allowed", sa.Numeric(), nullable=False, comment="of the budget for that time, spent evenly"
        ),
        sa.Column("portions", JSONB(), nullable=False, comment="by subsystem: spent, and what was expected"),
        sa.Column("raised_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "subsystem", "currency", "kind", "hour", name="budget_alerts_pkey"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subsystem", "currency", "budget_revision"],
            ["budgets.tenant_id", "budgets.subsystem", "budgets.currency", "budgets.revision"],
            name="budget_alerts_budget_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="budget_alerts_receipt_fkey",
        ),
        sa.CheckConstraint("kind IN ('burning', 'used_up')", name="budget_alerts_kind_is_known_check"),
    )
    distribute(_TABLE)
    protect(_TABLE, app=("SELECT", "INSERT"))
    append_only(_TABLE)


def downgrade() -> None:
    begin_revision()
    op.drop_table(_TABLE)
