"""The flag of the forecast, at the vendor. Revisions, the newest holds."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Integer, Text

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

forecast_flags = tenant_table(
    "forecast_flags",
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("enabled", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    instant("set_at", nullable=False),
    uuid_column("set_by_id", nullable=False),
    Column("set_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name="forecast_flags_receipt_fkey",
    ),
)
