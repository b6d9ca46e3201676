"""trust batches: every tenant's Trust Report of a period, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import begin_revision, distribute, protect

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)
_INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "trust_batches",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), comment="tenants covered; known once planned"),
        sa.Column("planned", ARRAY(_UUID), comment="ids of those tenants, as the planner wrote them"),
        sa.Column("acknowledged", JSONB(), nullable=False, comment="what a person let stand for all of them"),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("requested_by_id", _UUID, nullable=False),
        sa.Column("requested_by_name", sa.Text(), nullable=False),
        sa.Column("completed_at", _INSTANT),
        sa.Column("receipt_id", _UUID, comment="of the completion"),
        sa.Column("counts", JSONB(), comment="tenants by outcome, at completion"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="trust_batches_pkey"),
        sa.UniqueConstraint("tenant_id", "period", name="trust_batches_period_key"),
        sa.CheckConstraint("state IN ('planning', 'running', 'complete')", name="state_is_known"),
    )
    op.create_table(
        "trust_batch_tenants",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("batch_id", _UUID, nullable=False),
        sa.Column(
            "attempt",
            sa.Integer(),
            nullable=False,
            comment="of the batch, at which this outcome was reached",
        ),
        sa.Column("tenant_key", sa.Text(), nullable=False),
        sa.Column("tenant_name", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), comment="in words, where no report was published"),
        sa.Column("report_id", _UUID),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "batch_id", name="trust_batch_tenants_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_id"],
            ["trust_reports.tenant_id", "trust_reports.id"],
            name="trust_batch_tenants_report_fkey",
        ),
        sa.CheckConstraint(
            "outcome IN ('pending', 'published', 'standing', 'blocked', 'failed')", name="outcome_is_known"
        ),
        sa.CheckConstraint(
            "(outcome IN ('published', 'standing')) = (report_id IS NOT NULL)",
            name="what_is_done_has_a_report",
        ),
    )
    for table in ("trust_batches", "trust_batch_tenants"):
        distribute(table)
        protect(table, app=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    begin_revision()
    op.drop_table("trust_batch_tenants")
    op.drop_table("trust_batches")
