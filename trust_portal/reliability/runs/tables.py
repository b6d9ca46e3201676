"""Runs belong to the vendor; what became of one tenant in a run belongs to that tenant."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

sla_runs = tenant_table(
    "sla_runs",
    uuid_column("id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("total", Integer, comment="tenants covered; known once planned"),
    Column("planned", ARRAY(UUID(as_uuid=True)), comment="ids of those tenants, as the planner wrote them"),
    instant("requested_at", nullable=False),
    uuid_column("requested_by_id", nullable=False),
    Column("requested_by_name", Text, nullable=False),
    instant("completed_at"),
    uuid_column("receipt_id", comment="of the completion"),
    Column("counts", JSONB, comment="tenants by outcome, at completion"),
    UniqueConstraint("tenant_id", "period"),
    CheckConstraint("state IN ('planning', 'running', 'complete')", name="state_is_known"),
)

sla_run_tenants = tenant_table(
    "sla_run_tenants",
    uuid_column("run_id", primary_key=True),
    Column("attempt", Integer, nullable=False, comment="of the run, at which this outcome was reached"),
    Column("tenant_key", Text, nullable=False),
    Column("tenant_name", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, comment="in words, where no report was issued or it no longer holds"),
    uuid_column("report_id"),
    Column("revision", Integer),
    instant("due_at", nullable=False, comment="not before the period is over in the contract's time zone"),
    instant("changed_at", nullable=False),
    CheckConstraint(
        "outcome IN ('pending', 'issued', 'restatement_needed', 'incomplete', 'disputed', 'no_contract', "
        "'failed')",
        name="outcome_is_known",
    ),
)
