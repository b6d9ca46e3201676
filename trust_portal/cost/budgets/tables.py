"""Budgets as rows: revisions, the newest of a scope that has begun holds; and what was said of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Integer, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB

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

#: What was said of budgets, with the figures it was said on.
budget_alerts = tenant_table(
    "budget_alerts",
    Column("subsystem", Text, primary_key=True, comment="empty: all together"),
    Column("currency", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    instant("hour", primary_key=True, comment="start of the last closed hour it is as of"),
    Column("month", Date, nullable=False, comment="first day of the budget's month"),
    instant("started_at", nullable=False, comment="start of the first hour that counts"),
    Column("budget_revision", Integer, nullable=False),
    Column("amount", Numeric, nullable=False, comment="the month's budget, major units"),
    Column("spent", Numeric, nullable=False, comment="from started_at through hour, exact"),
    Column("allowed", Numeric, nullable=False, comment="of the budget for that time, spent evenly"),
    Column("portions", JSONB, nullable=False, comment="by subsystem: spent, and what was expected"),
    instant("raised_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "subsystem", "currency", "budget_revision"],
        ["budgets.tenant_id", "budgets.subsystem", "budgets.currency", "budgets.revision"],
    ),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("kind IN ('burning', 'used_up')", name="kind_is_known"),
)
