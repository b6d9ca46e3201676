"""detector back-tests: what detectors came to on history, and which of them a flag rests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "detector_backtests",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False, comment="name and version that was tried"),
        sa.Column("live", sa.Text(), nullable=False, comment="name and version beside which it was tried"),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column(
            "starts_at", TIMESTAMP(timezone=True), nullable=False, comment="start of the first hour replayed"
        ),
        sa.Column(
            "ends_at", TIMESTAMP(timezone=True), nullable=False, comment="end of the last hour replayed"
        ),
        sa.Column("document", JSONB(), nullable=False, comment="parameters and results"),
        sa.Column("digest", sa.Text(), nullable=False, comment="hex SHA-256 of the document, RFC 8785"),
        sa.Column("ran_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ran_by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("ran_by_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="detector_backtests_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="detector_backtests_tenant_id_receipt_id_fkey",
        ),
    )
    op.create_index("detector_backtests_newest_idx", "detector_backtests", ["tenant_id", "ran_at", "id"])
    distribute("detector_backtests")
    protect("detector_backtests", app=("SELECT", "INSERT"))
    append_only("detector_backtests")
    op.add_column(
        "detector_flags",
        sa.Column("back_test_id", UUID(as_uuid=True), comment="null: switched off"),
    )
    op.create_foreign_key(
        "detector_flags_tenant_id_back_test_id_fkey",
        "detector_flags",
        "detector_backtests",
        ["tenant_id", "back_test_id"],
        ["tenant_id", "id"],
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column("detector_flags", "back_test_id")
    op.drop_table("detector_backtests")
