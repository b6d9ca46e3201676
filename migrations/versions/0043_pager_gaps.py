"""pager gaps: deliveries that were turned away and alarms that no rule took are gaps in the coverage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TABLES = ("incident_unmatched_settled", "incident_refusals")


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "incident_unmatched",
        sa.Column("severity", sa.Text(), comment="what the rule made of it, as far as one fitted"),
    )
    op.create_check_constraint(
        "severity_is_known", "incident_unmatched", "severity IN ('P1', 'P2', 'P3', 'P4')"
    )
    op.create_table(
        "incident_unmatched_settled",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the rules that settle it"),
        sa.PrimaryKeyConstraint("tenant_id", "source", "alarm_id", name="incident_unmatched_settled_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "source", "alarm_id"],
            ["incident_unmatched.tenant_id", "incident_unmatched.source", "incident_unmatched.alarm_id"],
            name="incident_unmatched_settled_fkey",
        ),
    )
    op.create_table(
        "incident_refusals",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="a pager that is known"),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False, comment="as it was set then"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "first_at",
            TIMESTAMP(timezone=True),
            nullable=False,
            comment="when the first delivery was turned away",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "source", "version", "why", name="incident_refusals_pkey"),
        sa.CheckConstraint("why IN ('off', 'unproved', 'unreadable')", name="why_is_known"),
    )
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_column("incident_unmatched", "severity")
