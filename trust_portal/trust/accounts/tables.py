"""What was said of accounts, none of which ever changes: the last revision holds."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Integer, Text, UniqueConstraint

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

account_settings = tenant_table(
    "account_settings",
    Column("revision", Integer, primary_key=True, autoincrement=False),
    uuid_column("csm_id", comment="a person of the vendor"),
    Column("csm_name", Text),
    Column("review_on", Date, comment="the day of the next business review"),
    Column("lead_days", Integer, nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name="account_settings_receipt_fkey",
    ),
    UniqueConstraint("tenant_id", "receipt_id", name="account_settings_receipt_key"),
    CheckConstraint("revision > 0", name="counts_from_one"),
    CheckConstraint("lead_days BETWEEN 1 AND 60", name="lead_is_possible"),
    CheckConstraint("(csm_id IS NULL) = (csm_name IS NULL)", name="csm_is_whole"),
)
