"""posture: what was found of a customer's isolation, residency and keys; and the canary that probes reach for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "posture_checks",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("round_id", _UUID, nullable=False, comment="shared by what one look found"),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False, comment="in a sentence"),
        sa.Column("evidence", JSONB(), nullable=False, comment="as signed in the receipt"),
        sa.Column("checked_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("checked_by_id", _UUID, nullable=False),
        sa.Column("checked_by_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="posture_checks_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="posture_checks_tenant_id_receipt_id_fkey",
        ),
        sa.CheckConstraint(
            "\"check\" IN ('isolation', 'residency', 'customer_key')",
            name="posture_checks_check_is_known_check",
        ),
        sa.CheckConstraint(
            "outcome IN ('pass', 'fail', 'not_checked', 'not_applicable')",
            name="posture_checks_outcome_is_known_check",
        ),
    )
    op.create_index(
        "posture_checks_tenant_id_check_checked_at_idx",
        "posture_checks",
        ["tenant_id", "check", "checked_at", "id"],
    )
    distribute("posture_checks")
    protect("posture_checks", app=("SELECT", "INSERT"))
    append_only("posture_checks")
    op.create_table(
        "posture_canaries",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="posture_canaries_pkey"),
    )
    distribute("posture_canaries")
    # Every right, and to staff none: what stops a probe is row-level security, and nobody else looks.
    protect("posture_canaries", staff=())


def downgrade() -> None:
    begin_revision()
    op.drop_table("posture_canaries")
    op.drop_table("posture_checks")
