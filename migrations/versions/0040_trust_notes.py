"""trust notes: what the vendor adds to Trust Reports in its own words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "trust_notes",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), comment="null: nothing is said of it any more"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), comment="the last day"),
        sa.Column("written_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("writer_id", _UUID, nullable=False),
        sa.Column("writer_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="trust_notes_pkey"),
        sa.UniqueConstraint("tenant_id", "kind", "subject", "revision", name="trust_notes_revision_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="trust_notes_receipt_fkey",
        ),
        sa.CheckConstraint("kind IN ('sub_processor', 'note')", name="kind_is_known"),
        sa.CheckConstraint("revision >= 1", name="counts_from_one"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ends_after_it_begins"),
    )
    distribute("trust_notes")
    protect("trust_notes", app=("SELECT", "INSERT"))
    append_only("trust_notes")


def downgrade() -> None:
    begin_revision()
    op.drop_table("trust_notes")
