"""Second sources as rows: a revision each, appended and never changed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

cross_check_sources = tenant_table(
    "cross_check_sources",
    Column("objective", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("definition", JSONB, comment="how its counters are found; null: withdrawn"),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    uuid_column("set_by_id", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
)
