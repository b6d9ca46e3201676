"""Published Trust Reports, none of which ever changes. They stand in one chain for each tenant, by ``number``."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

trust_reports = tenant_table(
    "trust_reports",
    uuid_column("id", primary_key=True),
    Column("number", Integer, nullable=False, comment="of the tenant's reports, from 1"),
    Column("before", Integer, comment="number of the one before"),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="of the period's, from 1"),
    Column("superseded", Integer, comment="revision of the period before this one"),
    instant("as_of", nullable=False, comment="of the snapshot"),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("acknowledged", JSONB, nullable=False, comment="sections that were let stand, and why"),
    Column("reason", Text, comment="why there is a revision after the first"),
    instant("published_at", nullable=False),
    uuid_column("publisher_id", nullable=False),
    Column("publisher_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "before"],
        ["trust_reports.tenant_id", "trust_reports.number"],
        name="trust_reports_before_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "period", "superseded"],
        ["trust_reports.tenant_id", "trust_reports.period", "trust_reports.revision"],
        name="trust_reports_superseded_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"], name="trust_reports_receipt_fkey"
    ),
    UniqueConstraint("tenant_id", "number", name="trust_reports_number_key"),
    UniqueConstraint("tenant_id", "period", "revision", name="trust_reports_revision_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="trust_reports_receipt_key"),
    CheckConstraint(
        "number >= 1 AND (number = 1) = (before IS NULL) AND (before IS NULL OR before = number - 1)",
        name="follows_the_one_before",
    ),
    CheckConstraint(
        "revision >= 1 AND (revision = 1) = (superseded IS NULL) AND "
        "(superseded IS NULL OR superseded = revision - 1)",
        name="supersedes_the_one_before",
    ),
    CheckConstraint("(revision > 1) = (reason IS NOT NULL)", name="a_new_revision_has_a_reason"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
)
