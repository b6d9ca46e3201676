"""trust reports: what was published of each tenant, in one chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)
_INSTANT = TIMESTAMP(timezone=True)
_TABLE = "trust_reports"


def upgrade() -> None:
    begin_revision()
    op.create_table(
        _TABLE,
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the tenant's reports, from 1"),
        sa.Column("before", sa.Integer(), comment="number of the one before"),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="of the period's, from 1"),
        sa.Column("superseded", sa.Integer(), comment="revision of the period before this one"),
        sa.Column("as_of", _INSTANT, nullable=False, comment="of the snapshot"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("acknowledged", JSONB(), nullable=False, comment="sections that were let stand, and why"),
        sa.Column("reason", sa.Text(), comment="why there is a revision after the first"),
        sa.Column("published_at", _INSTANT, nullable=False),
        sa.Column("publisher_id", _UUID, nullable=False),
        sa.Column("publisher_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="trust_reports_pkey"),
        sa.UniqueConstraint("tenant_id", "number", name="trust_reports_number_key"),
        sa.UniqueConstraint("tenant_id", "period", "revision", name="trust_reports_revision_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="trust_reports_receipt_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "before"],
            ["trust_reports.tenant_id", "trust_reports.number"],
            name="trust_reports_before_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "period", "superseded"],
            ["trust_reports.tenant_id", "trust_reports.period", "trust_reports.revision"],
            name="trust_reports_superseded_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="trust_reports_receipt_fkey",
        ),
        sa.CheckConstraint(
            "number >= 1 AND (number = 1) = (before IS NULL) AND (before IS NULL OR before = number - 1)",
            name="follows_the_one_before",
        ),
        sa.CheckConstraint(
            "revision >= 1 AND (revision = 1) = (superseded IS NULL) AND "
            "(superseded IS NULL OR superseded = revision - 1)",
            name="supersedes_the_one_before",
        ),
        sa.CheckConstraint("(revision > 1) = (reason IS NOT NULL)", name="a_new_revision_has_a_reason"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    )
    distribute(_TABLE)
    protect(_TABLE, app=("SELECT", "INSERT"))
    append_only(_TABLE)


def downgrade() -> None:
    begin_revision()
    op.drop_table(_TABLE)
