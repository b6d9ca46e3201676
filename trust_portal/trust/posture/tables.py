"""Findings as rows, and the row that nobody but its own tenant may reach."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

posture_checks = tenant_table(
    "posture_checks",
    uuid_column("id", primary_key=True),
    uuid_column("round_id", nullable=False, comment="shared by what one look found"),
    Column("check", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("found", Text, nullable=False, comment="in a sentence"),
    Column("evidence", JSONB, nullable=False, comment="as signed in the receipt"),
    instant("checked_at", nullable=False),
    uuid_column("checked_by_id", nullable=False),
    Column("checked_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("\"check\" IN ('isolation', 'residency', 'customer_key')", name="check_is_known"),
    CheckConstraint("outcome IN ('pass', 'fail', 'not_checked', 'not_applicable')", name="outcome_is_known"),
    Index("posture_checks_tenant_id_check_checked_at_idx", "tenant_id", "check", "checked_at", "id"),
)

#: The application's role holds every right on it: whatever stops a probe is row-level security.
posture_canaries = tenant_table(
    "posture_canaries",
    uuid_column("id", primary_key=True),
    Column("note", Text, nullable=False),
)
