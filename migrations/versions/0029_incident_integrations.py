"""incident-integrations: pagers and the rules by which their alarms become incidents, and what no rule fits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TABLES = ("incident_integrations", "incident_unmatched")


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "incident_integrations",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="kind and name, as its events bear it"),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False, comment="the newest holds"),
        sa.Column("rules", sa.Text(), nullable=False, comment="YAML, as it was written"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False, comment="of a token, which is derived"),
        sa.Column(
            "sealed", sa.LargeBinary(), comment="a secret the pager made, under the installation's key"
        ),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source", "version", name="incident_integrations_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="incident_integrations_receipt_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="incident_integrations_receipt_key"),
        sa.CheckConstraint("version > 0 AND generation > 0", name="counts_from_one"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )
    op.create_table(
        "incident_unmatched",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the rules that did not fit"),
        sa.Column("fields", JSONB(), nullable=False, comment="what rules look at"),
        sa.Column("received_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source", "alarm_id", name="incident_unmatched_pkey"),
    )
    op.create_index(
        "incident_unmatched_newest_idx", "incident_unmatched", ["tenant_id", "source", "received_at"]
    )
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)
