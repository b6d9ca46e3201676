"""back-test runs: back-tests of detectors are worked on tenant by tenant, and survive their worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)
_INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "backtest_runs",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("detector", sa.Text(), nullable=False, comment="name and version that is tried"),
        sa.Column("live", sa.Text(), nullable=False, comment="name and version beside which it is tried"),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False, comment="start of the first hour replayed"),
        sa.Column("ends_at", _INSTANT, nullable=False, comment="end of the last hour replayed"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned", ARRAY(_UUID), comment="whose history; null: not looked up yet"),
        sa.Column("with_usage", sa.Integer(), comment="tenants with usage in that time"),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("asked_by", JSONB(), nullable=False, comment="the actor"),
        sa.Column("policies", ARRAY(sa.Text()), nullable=False, comment="rules that permitted it"),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("failure", sa.Text(), comment="in words"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="backtest_runs_pkey"),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state_is_known"),
        sa.CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished_when_it_was"),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="a_failure_says_why"),
        sa.CheckConstraint("(planned IS NULL) = (with_usage IS NULL)", name="planned_as_a_whole"),
    )
    op.create_index(
        "backtest_runs_running_idx",
        "backtest_runs",
        ["tenant_id", "detector", "live", "weeks"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    distribute("backtest_runs")
    protect(
        "backtest_runs",
        app=("SELECT", "INSERT", "UPDATE (state, planned, with_usage, finished_at, failure)"),
    )
    op.create_table(
        "backtest_parts",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("run_id", _UUID, nullable=False),
        sa.Column("document", JSONB(), nullable=False, comment="what this tenant's hours came to"),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name="backtest_parts_pkey"),
    )
    op.create_index("backtest_parts_run_idx", "backtest_parts", ["run_id"])
    distribute("backtest_parts")
    protect("backtest_parts", app=("SELECT", "INSERT"))
    append_only("backtest_parts")


def downgrade() -> None:
    begin_revision()
    op.drop_table("backtest_parts")
    op.drop_table("backtest_runs")
