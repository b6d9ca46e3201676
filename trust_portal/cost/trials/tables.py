"""Back-tests while they are made: what was asked, and each tenant's part of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

#: One that is done has a row of the same id in ``detector_backtests``.
backtest_runs = tenant_table(
    "backtest_runs",
    uuid_column("id", primary_key=True),
    Column("detector", Text, nullable=False, comment="name and version that is tried"),
    Column("live", Text, nullable=False, comment="name and version beside which it is tried"),
    Column("weeks", Integer, nullable=False),
    instant("starts_at", nullable=False, comment="start of the first hour replayed"),
    instant("ends_at", nullable=False, comment="end of the last hour replayed"),
    Column("state", Text, nullable=False),
    Column("planned", ARRAY(UUID(as_uuid=True)), comment="whose history; null: not looked up yet"),
    Column("with_usage", Integer, comment="tenants with usage in that time"),
    instant("asked_at", nullable=False),
    Column("asked_by", JSONB, nullable=False, comment="the actor"),
    Column("policies", ARRAY(Text), nullable=False, comment="rules that permitted it"),
    Column("policy_version", Text, nullable=False),
    instant("finished_at"),
    Column("failure", Text, comment="in words"),
    CheckConstraint("state IN ('running', 'done', 'failed')", name="state_is_known"),
    CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished_when_it_was"),
    CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="a_failure_says_why"),
    CheckConstraint("(planned IS NULL) = (with_usage IS NULL)", name="planned_as_a_whole"),
    Index(
        "backtest_runs_running_idx", "tenant_id", "detector", "live", "weeks",
        unique=True, postgresql_where=text("state = 'running'"),
    ),
)  # fmt: skip

#: Of the tenant whose history it was, whoever asked. Written once.
backtest_parts = tenant_table(
    "backtest_parts",
    uuid_column("run_id", primary_key=True),
    Column("document", JSONB, nullable=False, comment="what this tenant's hours came to"),
    instant("made_at", nullable=False),
    Index("backtest_parts_run_idx", "run_id"),
)
