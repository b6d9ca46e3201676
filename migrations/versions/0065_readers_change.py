"""compliance_import_readers: that others may fetch an assessment's bytes than before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

_TABLE = "compliance_import_readers"


def upgrade() -> None:
    begin_revision()
    op.create_table(
        _TABLE,
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("import_id", UUID(as_uuid=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1, of the import"),
        sa.Column(
            "readers",
            sa.Text(),
            nullable=False,
            comment="customers, or vendor: who may fetch it from then on",
        ),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "import_id", "number", name=f"{_TABLE}_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name=f"{_TABLE}_receipt_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name=f"{_TABLE}_receipt_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "import_id"],
            ["compliance_imports.tenant_id", "compliance_imports.id"],
            name=f"{_TABLE}_import_fkey",
        ),
        sa.CheckConstraint("readers IN ('customers', 'vendor')", name="readers_are_known"),
        sa.CheckConstraint("number > 0", name="numbers_begin_with_one"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )
    distribute(_TABLE)
    protect(_TABLE, app=("SELECT", "INSERT"))
    append_only(_TABLE)


def downgrade() -> None:
    begin_revision()
    op.drop_table(_TABLE)
