"""Notes as rows, none of which ever changes: another word on a subject is its next revision."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Integer, Text, UniqueConstraint

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

trust_notes = tenant_table(
    "trust_notes",
    uuid_column("id", primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text", Text, comment="null: nothing is said of it any more"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, comment="the last day"),
    instant("written_at", nullable=False),
    uuid_column("writer_id", nullable=False),
    Column("writer_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"], name="trust_notes_receipt_fkey"
    ),
    UniqueConstraint("tenant_id", "kind", "subject", "revision", name="trust_notes_revision_key"),
    CheckConstraint("kind IN ('sub_processor', 'note')", name="kind_is_known"),
    CheckConstraint("revision >= 1", name="counts_from_one"),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ends_after_it_begins"),
)
