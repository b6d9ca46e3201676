"""QBRs as rows, none of which ever changes: snapshots, what was said about them, issues, commitments."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column


def _receipt(table: str) -> tuple[ForeignKeyConstraint, UniqueConstraint]:
    return (
        ForeignKeyConstraint(
            ["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"], name=f"{table}_receipt_fkey"
        ),
        UniqueConstraint("tenant_id", "receipt_id", name=f"{table}_receipt_key"),
    )


qbrs = tenant_table(
    "qbrs",
    uuid_column("id", primary_key=True),
    Column("number", Integer, nullable=False, comment="of the tenant's snapshots, from 1"),
    Column("period", Text, nullable=False),
    instant("as_of", nullable=False),
    Column("snapshot", LargeBinary, nullable=False, comment="RFC 8785 bytes of its sections"),
    Column("sha256", Text, nullable=False, comment="of snapshot"),
    Column("blocking", Integer, nullable=False, comment="sections that are stale or missing"),
    uuid_column("trust_report_id", comment="the latest that was published then"),
    Column(
        "obstacles",
        JSONB(none_as_null=True),
        comment="which section blocks, told from which, after when; null: gathered before it was kept",
    ),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "trust_report_id"],
        ["trust_reports.tenant_id", "trust_reports.id"],
        name="qbrs_trust_report_fkey",
    ),
    *_receipt("qbrs"),
    UniqueConstraint("tenant_id", "number", name="qbrs_number_key"),
    CheckConstraint("number >= 1 AND blocking >= 0", name="counts"),
    CheckConstraint("sha256 = encode(sha256(snapshot), 'hex')", name="digest_is_of_the_snapshot"),
)

qbr_entries = tenant_table(
    "qbr_entries",
    Column("period", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("text", Text, nullable=False, comment="empty: what was said is taken back"),
    Column("verdict", Text),
    Column("seen", Text, comment="digest of the recommendation that was reviewed"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("qbr_entries"),
    CheckConstraint("ordinal >= 1", name="counts_from_one"),
    CheckConstraint("kind IN ('comment', 'omission', 'review')", name="kind_is_known"),
    CheckConstraint("audience IN ('customer', 'internal')", name="audience_is_known"),
    CheckConstraint(
        "(kind = 'review') = (verdict IS NOT NULL) AND (kind = 'review') = (seen IS NOT NULL)",
        name="a_review_has_a_verdict",
    ),
)

qbr_issues = tenant_table(
    "qbr_issues",
    uuid_column("qbr_id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="of the period's, from 1"),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("acknowledged", JSONB, nullable=False),
    Column("reason", Text, comment="why there is a revision after the first"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "qbr_id"], ["qbrs.tenant_id", "qbrs.id"], name="qbr_issues_qbr_fkey"),
    *_receipt("qbr_issues"),
    UniqueConstraint("tenant_id", "period", "revision", name="qbr_issues_revision_key"),
    CheckConstraint(
        "revision >= 1 AND (revision > 1) = (reason IS NOT NULL)", name="a_new_revision_has_a_reason"
    ),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
)

qbr_commitments = tenant_table(
    "qbr_commitments",
    uuid_column("id", primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("evidence", Text),
    Column("period", Text, nullable=False, comment="of the review in which it was made"),
    instant("made_at", nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("qbr_commitments"),
    CheckConstraint("revision IN (1, 2)", name="is_made_and_settled"),
    CheckConstraint(
        "(revision = 1) = (state = 'open') AND (state = 'open') = (evidence IS NULL)",
        name="settled_says_why",
    ),
    CheckConstraint("state IN ('open', 'kept', 'missed', 'dropped')", name="state_is_known"),
)
