"""What compliance leaves behind. All of it is added to and never changed; each row stands on its receipt.

Evaluations, audits and reviews belong to the tenant they are about; what is imported belongs to the vendor.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column


def _receipt(table: str) -> tuple[ForeignKeyConstraint, UniqueConstraint]:
    return (
        ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name=f"{table}_receipt_fkey",
        ),
        UniqueConstraint("tenant_id", "receipt_id", name=f"{table}_receipt_key"),
    )


compliance_evaluations = tenant_table(
    "compliance_evaluations",
    uuid_column("id", primary_key=True),
    instant("at", nullable=False, comment="the moment at which all of it was read"),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes, as digested in the receipt"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("satisfied", Integer, nullable=False),
    Column("not_satisfied", Integer, nullable=False),
    Column("not_evaluated", Integer, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("compliance_evaluations"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    CheckConstraint("least(satisfied, not_satisfied, not_evaluated) >= 0", name="counts_are_counts"),
    Index("compliance_evaluations_newest_idx", "tenant_id", "at", "id"),
)

receipt_audits = tenant_table(
    "receipt_audits",
    uuid_column("id", primary_key=True),
    instant("began_at", nullable=False),
    instant("ended_at", nullable=False),
    Column("receipts", BigInteger, nullable=False, comment="computed again"),
    Column("checkpoints", BigInteger, nullable=False),
    Column("artefacts", BigInteger, nullable=False),
    Column("finding_count", Integer, nullable=False),
    Column("findings", JSONB, nullable=False, comment="the first of them: code, where, message"),
    uuid_column("receipt_id", nullable=False),
    *_receipt("receipt_audits"),
    CheckConstraint("ended_at >= began_at", name="ends_after_it_began"),
    CheckConstraint(
        "jsonb_array_length(findings) <= finding_count AND (jsonb_array_length(findings) = 0) = (finding_count = 0)",
        name="findings_are_named",
    ),
    Index("receipt_audits_newest_idx", "tenant_id", "ended_at", "id"),
)

access_reviews = tenant_table(
    "access_reviews",
    uuid_column("id", primary_key=True),
    uuid_column("grant_id", nullable=False),
    uuid_column("person_id", nullable=False, comment="who holds the role"),
    Column("role", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False, comment="the person, also behind a token"),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("access_reviews"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id"],
        ["role_grants.tenant_id", "role_grants.id"],
        name="access_reviews_grant_fkey",
    ),
    CheckConstraint("act IN ('confirm', 'revoke')", name="act_is_known"),
    CheckConstraint("by_id <> person_id", name="nobody_reviews_themselves"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    Index("access_reviews_grant_idx", "tenant_id", "grant_id", "at"),
    # What is revoked is not reviewed any more.
    Index(
        "access_reviews_one_end_key",
        "tenant_id",
        "grant_id",
        unique=True,
        postgresql_where=text("act = 'revoke'"),
    ),
)

#: At the vendor: that an assessment from elsewhere counts no more; its bytes stay.
compliance_import_withdrawals = tenant_table(
    "compliance_import_withdrawals",
    uuid_column("import_id", primary_key=True),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("compliance_import_withdrawals"),
    ForeignKeyConstraint(
        ["tenant_id", "import_id"],
        ["compliance_imports.tenant_id", "compliance_imports.id"],
        name="compliance_import_withdrawals_import_fkey",
    ),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)

#: At the vendor: that others may fetch an assessment's bytes than before; the last number holds.
compliance_import_readers = tenant_table(
    "compliance_import_readers",
    uuid_column("import_id", primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1, of the import"),
    Column("readers", Text, nullable=False, comment="customers, or vendor: who may fetch it from then on"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("compliance_import_readers"),
    ForeignKeyConstraint(
        ["tenant_id", "import_id"],
        ["compliance_imports.tenant_id", "compliance_imports.id"],
        name="compliance_import_readers_import_fkey",
    ),
    CheckConstraint("readers IN ('customers', 'vendor')", name="readers_are_known"),
    CheckConstraint("number > 0", name="numbers_begin_with_one"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)

#: At the vendor: assessments that were made elsewhere, as they were handed over.
compliance_imports = tenant_table(
    "compliance_imports",
    uuid_column("id", primary_key=True),
    Column("source", Text, nullable=False, comment="who assessed, as we call them"),
    Column("document", LargeBinary, nullable=False, comment="OSCAL JSON, the bytes that were handed over"),
    Column("sha256", Text, nullable=False, comment="of document"),
    uuid_column("oscal_uuid", nullable=False),
    Column("oscal_version", Text, nullable=False),
    Column("title", Text, nullable=False),
    instant("as_of", nullable=False, comment="when the oldest result that counts ended, or began"),
    Column("max_age_seconds", BigInteger, nullable=False, comment="how old it may be and still be fresh"),
    Column("readers", Text, nullable=False, comment="customers, or vendor: who may fetch the document"),
    Column("satisfied", Integer, nullable=False),
    Column("not_satisfied", Integer, nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    *_receipt("compliance_imports"),
    UniqueConstraint("tenant_id", "sha256", name="compliance_imports_once_key"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    CheckConstraint("btrim(source) <> '' AND btrim(reason) <> ''", name="source_and_reason_are_given"),
    CheckConstraint("max_age_seconds > 0", name="it_ages"),
    CheckConstraint("readers IN ('customers', 'vendor')", name="readers_are_known"),
    CheckConstraint("least(satisfied, not_satisfied) >= 0", name="counts_are_counts"),
    CheckConstraint("octet_length(document) <= 4194304", name="document_is_bounded"),
    CheckConstraint("tenant_id = '00000000-0000-7000-8000-000000000001'", name="is_the_vendors"),
    Index("compliance_imports_newest_idx", "tenant_id", "source", "at"),
)
