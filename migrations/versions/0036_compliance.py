"""compliance: evaluations of controls, audits of receipts, reviews of roles, assessments from elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TABLES = ("compliance_evaluations", "receipt_audits", "access_reviews", "compliance_imports")


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "compliance_evaluations",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column(
            "at", TIMESTAMP(timezone=True), nullable=False, comment="the moment at which all of it was read"
        ),
        sa.Column(
            "document", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes, as digested in the receipt"
        ),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("satisfied", sa.Integer(), nullable=False),
        sa.Column("not_satisfied", sa.Integer(), nullable=False),
        sa.Column("not_evaluated", sa.Integer(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="compliance_evaluations_pkey"),
        *_receipt("compliance_evaluations"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
        sa.CheckConstraint("least(satisfied, not_satisfied, not_evaluated) >= 0", name="counts_are_counts"),
    )
    op.create_index("compliance_evaluations_newest_idx", "compliance_evaluations", ["tenant_id", "at", "id"])
    op.create_table(
        "receipt_audits",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("began_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False, comment="computed again"),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.Column("artefacts", sa.BigInteger(), nullable=False),
        sa.Column("finding_count", sa.Integer(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False, comment="the first of them: code, where, message"),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="receipt_audits_pkey"),
        *_receipt("receipt_audits"),
        sa.CheckConstraint("ended_at >= began_at", name="ends_after_it_began"),
        sa.CheckConstraint(
            "jsonb_array_length(findings) <= finding_count"
            " AND (jsonb_array_length(findings) = 0) = (finding_count = 0)",
            name="findings_are_named",
        ),
    )
    op.create_index("receipt_audits_newest_idx", "receipt_audits", ["tenant_id", "ended_at", "id"])
    op.create_table(
        "access_reviews",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("grant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("person_id", UUID(as_uuid=True), nullable=False, comment="who holds the role"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("by_id", UUID(as_uuid=True), nullable=False, comment="the person, also behind a token"),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="access_reviews_pkey"),
        *_receipt("access_reviews"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"],
            ["role_grants.tenant_id", "role_grants.id"],
            name="access_reviews_grant_fkey",
        ),
        sa.CheckConstraint("act IN ('confirm', 'revoke')", name="act_is_known"),
        sa.CheckConstraint("by_id <> person_id", name="nobody_reviews_themselves"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )
    op.create_index("access_reviews_grant_idx", "access_reviews", ["tenant_id", "grant_id", "at"])
    op.create_index(
        "access_reviews_one_end_key",
        "access_reviews",
        ["tenant_id", "grant_id"],
        unique=True,
        postgresql_where=sa.text("act = 'revoke'"),
    )
    op.create_table(
        "compliance_imports",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="who assessed, as we call them"),
        sa.Column(
            "document",
            sa.LargeBinary(),
            nullable=False,
            comment="OSCAL JSON, the bytes that were handed over",
        ),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("oscal_uuid", UUID(as_uuid=True), nullable=False),
        sa.Column("oscal_version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "as_of",
            TIMESTAMP(timezone=True),
            nullable=False,
            comment="when its newest result ended, or began",
        ),
        sa.Column(
            "max_age_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="how old it may be and still be fresh",
        ),
        sa.Column("satisfied", sa.Integer(), nullable=False),
        sa.Column("not_satisfied", sa.Integer(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("by_id", UUID(as_uuid=True), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="compliance_imports_pkey"),
        *_receipt("compliance_imports"),
        sa.UniqueConstraint("tenant_id", "sha256", name="compliance_imports_once_key"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
        sa.CheckConstraint("btrim(source) <> '' AND btrim(reason) <> ''", name="source_and_reason_are_given"),
        sa.CheckConstraint("max_age_seconds > 0", name="it_ages"),
        sa.CheckConstraint("least(satisfied, not_satisfied) >= 0", name="counts_are_counts"),
        sa.CheckConstraint("octet_length(document) <= 4194304", name="document_is_bounded"),
        sa.CheckConstraint("tenant_id = '00000000-0000-7000-8000-000000000001'", name="is_the_vendors"),
    )
    op.create_index("compliance_imports_newest_idx", "compliance_imports", ["tenant_id", "source", "at"])
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)


def _receipt(table: str) -> tuple[sa.ForeignKeyConstraint, sa.UniqueConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name=f"{table}_receipt_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name=f"{table}_receipt_key"),
    )
