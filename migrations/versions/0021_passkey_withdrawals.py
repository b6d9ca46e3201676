"""passkeys: which revocations a tenant's log knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "passkey_withdrawals",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("passkey_id", UUID(as_uuid=True), nullable=False),
        sa.Column("withdrawn_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "passkey_id", name="passkey_withdrawals_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "passkey_id"],
            ["passkey_introductions.tenant_id", "passkey_introductions.passkey_id"],
            name="passkey_withdrawals_tenant_id_passkey_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="passkey_withdrawals_tenant_id_receipt_id_fkey",
        ),
    )
    distribute("passkey_withdrawals")
    protect("passkey_withdrawals", app=("SELECT", "INSERT"))
    append_only("passkey_withdrawals")


def downgrade() -> None:
    begin_revision()
    op.drop_table("passkey_withdrawals")
