"""Batches belong to the vendor; what became of one tenant in a batch belongs to that tenant."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

trust_batches = tenant_table(
    "trust_batches",
    uuid_column("id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("total", Integer, comment="tenants covered; known once planned"),
    Column("planned", ARRAY(UUID(as_uuid=True)), comment="ids of those tenants, as the planner wrote them"),
    Column("acknowledged", JSONB, nullable=False, comment="what a person let stand for all of them"),
    instant("requested_at", nullable=False),
    uuid_column("requested_by_id", nullable=False),
    Column("requested_by_name", Text, nullable=False),
    instant("completed_at"),
    uuid_column("receipt_id", comment="of the completion"),
    Column("counts", JSONB, comment="tenants by outcome, at completion"),
    UniqueConstraint("tenant_id", "period", name="trust_batches_period_key"),
    CheckConstraint("state IN ('planning', 'running', 'complete')", name="state_is_known"),
)

trust_batch_tenants = tenant_table(
    "trust_batch_tenants",
    uuid_column("batch_id", primary_key=True),
    Column("attempt", Integer, nullable=False, comment="of the batch, at which this outcome was reached"),
    Column("tenant_key", Text, nullable=False),
    Column("tenant_name", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, comment="in words, where no report was published"),
    uuid_column("report_id"),
    instant("changed_at", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "report_id"],
        ["trust_reports.tenant_id", "trust_reports.id"],
        name="trust_batch_tenants_report_fkey",
    ),
    CheckConstraint(
        "outcome IN ('pending', 'published', 'standing', 'blocked', 'failed')", name="outcome_is_known"
    ),
    CheckConstraint(
        "(outcome IN ('published', 'standing')) = (report_id IS NOT NULL)", name="what_is_done_has_a_report"
    ),
)
