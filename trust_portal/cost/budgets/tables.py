"""Budgets as rows: revisions, the newest of a scope that has begun holds."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Integer, Numeric, Text

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

budgets = tenant_table(
    "budgets",
    Column("subsystem", Text, primary_key=True, comment="empty: all together"),
    Column("currency", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("amount", Numeric, comment="per calendar month in UTC, major units; null: withdrawn"),
    Column("from_month", Date, nullable=False, comment="first day of the first month it holds for"),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    uuid_column("set_by_id", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("amount > 0", name="amount_is_positive"),
    CheckConstraint("extract(day FROM from_month) = 1", name="begins_with_a_month"),
)
