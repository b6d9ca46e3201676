"""accounts and qbrs: who looks after a customer, snapshots, what was said, what went out, what was promised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_TABLES = ("account_settings", "qbrs", "qbr_entries", "qbr_issues", "qbr_commitments")


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _count(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False, comment=comment)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False)


def _who() -> tuple[sa.Column[object], ...]:
    return _id("by_id"), _text("by_name"), _id("receipt_id")


def _receipt(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name=f"{table}_receipt_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name=f"{table}_receipt_key"),
    )


def _accounts() -> None:
    op.create_table(
        "account_settings",
        _id("tenant_id"),
        _count("revision"),
        _id("csm_id", nullable=True, comment="a person of the vendor"),
        _text("csm_name", nullable=True),
        sa.Column("review_on", sa.Date(), comment="the day of the next business review"),
        _count("lead_days"),
        _at("at"),
        *_who(),
        sa.PrimaryKeyConstraint("tenant_id", "revision", name="account_settings_pkey"),
        *_receipt("account_settings"),
        sa.CheckConstraint("revision > 0", name="counts_from_one"),
        sa.CheckConstraint("lead_days BETWEEN 1 AND 60", name="lead_is_possible"),
        sa.CheckConstraint("(csm_id IS NULL) = (csm_name IS NULL)", name="csm_is_whole"),
    )


def _snapshots() -> None:
    op.create_table(
        "qbrs",
        _id("tenant_id"),
        _id("id"),
        _count("number", comment="of the tenant's snapshots, from 1"),
        _text("period"),
        _at("as_of"),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes of its sections"),
        _text("sha256", comment="of snapshot"),
        _count("blocking", comment="sections that are stale or missing"),
        _id("trust_report_id", nullable=True, comment="the latest that was published then"),
        *_who(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="qbrs_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "trust_report_id"],
            ["trust_reports.tenant_id", "trust_reports.id"],
            name="qbrs_trust_report_fkey",
        ),
        *_receipt("qbrs"),
        sa.UniqueConstraint("tenant_id", "number", name="qbrs_number_key"),
        sa.CheckConstraint("number >= 1 AND blocking >= 0", name="counts"),
        sa.CheckConstraint("sha256 = encode(sha256(snapshot), 'hex')", name="digest_is_of_the_snapshot"),
    )
    op.create_table(
        "qbr_entries",
        _id("tenant_id"),
        _text("period"),
        _count("ordinal"),
        _text("kind"),
        _text("subject"),
        _text("audience"),
        _text("text", comment="empty: what was said is taken back"),
        _text("verdict", nullable=True),
        _text("seen", nullable=True, comment="digest of the recommendation that was reviewed"),
        _at("at"),
        *_who(),
        sa.PrimaryKeyConstraint("tenant_id", "period", "ordinal", name="qbr_entries_pkey"),
        *_receipt("qbr_entries"),
        sa.CheckConstraint("ordinal >= 1", name="counts_from_one"),
        sa.CheckConstraint("kind IN ('comment', 'omission', 'review')", name="kind_is_known"),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_is_known"),
        sa.CheckConstraint(
            "(kind = 'review') = (verdict IS NOT NULL) AND (kind = 'review') = (seen IS NOT NULL)",
            name="a_review_has_a_verdict",
        ),
    )


def _issues() -> None:
    op.create_table(
        "qbr_issues",
        _id("tenant_id"),
        _id("qbr_id"),
        _text("period"),
        _count("revision", comment="of the period's, from 1"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes"),
        _text("sha256", comment="of document"),
        sa.Column("acknowledged", JSONB(), nullable=False),
        _text("reason", nullable=True, comment="why there is a revision after the first"),
        _at("at"),
        *_who(),
        sa.PrimaryKeyConstraint("tenant_id", "qbr_id", name="qbr_issues_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "qbr_id"], ["qbrs.tenant_id", "qbrs.id"], name="qbr_issues_qbr_fkey"
        ),
        *_receipt("qbr_issues"),
        sa.UniqueConstraint("tenant_id", "period", "revision", name="qbr_issues_revision_key"),
        sa.CheckConstraint(
            "revision >= 1 AND (revision > 1) = (reason IS NOT NULL)", name="a_new_revision_has_a_reason"
        ),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    )
    op.create_table(
        "qbr_commitments",
        _id("tenant_id"),
        _id("id"),
        _count("revision"),
        _text("text"),
        _text("owner"),
        sa.Column("due", sa.Date(), nullable=False),
        _text("state"),
        _text("evidence", nullable=True),
        _at("made_at"),
        _at("at"),
        *_who(),
        sa.PrimaryKeyConstraint("tenant_id", "id", "revision", name="qbr_commitments_pkey"),
        *_receipt("qbr_commitments"),
        sa.CheckConstraint("revision IN (1, 2)", name="is_made_and_settled"),
        sa.CheckConstraint(
            "(revision = 1) = (state = 'open') AND (state = 'open') = (evidence IS NULL)",
            name="settled_says_why",
        ),
        sa.CheckConstraint("state IN ('open', 'kept', 'missed', 'dropped')", name="state_is_known"),
    )


def upgrade() -> None:
    begin_revision()
    _accounts()
    _snapshots()
    _issues()
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)
