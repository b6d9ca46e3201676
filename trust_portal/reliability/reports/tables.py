"""SLA reports as rows. A report is written once; what is newest of a period is in its head."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

sla_reports = tenant_table(
    "sla_reports",
    uuid_column("id", primary_key=True),
    Column("period", Text, nullable=False, comment="2026-06 or 2026-Q2"),
    Column("attempt", Integer, nullable=False, comment="counts signed and refused ones of the period"),
    Column("revision", Integer, comment="counts the signed ones; a refused attempt has none"),
    Column("state", Text, nullable=False),
    uuid_column("contract_id", nullable=False),
    Column("contract_version", Text, nullable=False),
    instant("period_start", nullable=False),
    instant("period_end", nullable=False),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes, as digested in the receipt"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("inputs_sha256", Text, nullable=False, comment="of everything the calculation was given"),
    Column("cross_check", Text, comment="what it came to; null before there was one"),
    Column("cross_check_sha256", Text, comment="of what second sources said, times aside"),
    Column("findings", JSONB, nullable=False),
    uuid_column("supersedes", comment="the revision before"),
    Column("delta", JSONB, comment="what changed against it"),
    Column("reason", Text, comment="why it was issued again, in a person's words"),
    uuid_column("receipt_id", nullable=False),
    instant("issued_at", nullable=False),
    uuid_column("issued_by_id", nullable=False),
    Column("issued_by_name", Text, nullable=False),
    ForeignKeyConstraint(["tenant_id", "contract_id"], ["contracts.tenant_id", "contracts.id"]),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(["tenant_id", "supersedes"], ["sla_reports.tenant_id", "sla_reports.id"]),
    UniqueConstraint("tenant_id", "period", "attempt"),
    UniqueConstraint("tenant_id", "period", "revision"),
    CheckConstraint("state IN ('ok', 'incomplete', 'disputed')", name="state_is_known"),
    CheckConstraint("(state = 'ok') = (revision IS NOT NULL)", name="only_ok_is_a_revision"),
    CheckConstraint("(revision > 1) = (supersedes IS NOT NULL AND reason IS NOT NULL)", name="restated"),
    Index("sla_reports_newest_idx", "tenant_id", "period_start", "attempt"),
)

#: One row per tenant and period: what issuing locks, and what lists and overviews read.
sla_report_heads = tenant_table(
    "sla_report_heads",
    Column("period", Text, primary_key=True),
    instant("period_start", nullable=False),
    Column("attempts", Integer, nullable=False),
    uuid_column("newest_id", comment="the latest attempt, whatever came of it"),
    Column("newest_state", Text),
    uuid_column("signed_id", comment="the latest signed revision"),
    Column("signed_revision", Integer),
    instant("overtaken_at", comment="when data received since first gave other figures; null: they do not"),
    instant("changed_at", nullable=False),
)

#: What a signed report was computed from, as its bundle carries it.
sla_report_inputs = tenant_table(
    "sla_report_inputs",
    uuid_column("report_id", primary_key=True),
    Column("name", Text, primary_key=True, comment="path in the bundle"),
    Column("content", LargeBinary, nullable=False, comment="zlib (RFC 1950)"),
    ForeignKeyConstraint(["tenant_id", "report_id"], ["sla_reports.tenant_id", "sla_reports.id"]),
)
