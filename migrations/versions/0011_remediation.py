"""remediation: runs of playbooks and their steps, kill switches, what limits count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, grant_house, protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: Written once, read for ever.
_APPEND = ("SELECT", "INSERT")
_TRANSITIONS = (
    "('planned', 'planned'), ('planned', 'waiting'), ('planned', 'executing'), ('planned', 'denied'), ('planned', 'lapsed'),"
    " ('waiting', 'executing'), ('waiting', 'denied'), ('waiting', 'declined'),"
    " ('executing', 'executing'), ('executing', 'executed'), ('executing', 'denied'), ('executing', 'failed'),"
    " ('executed', 'verified'), ('executed', 'rolling_back'), ('verified', 'rolling_back'),"
    " ('failed', 'rolling_back'), ('rolling_back', 'rolling_back'), ('rolling_back', 'rolled_back'),"
    " ('rolling_back', 'failed')"
)


def upgrade() -> None:
    begin_revision()
    _runs()
    _steps()
    _switches()
    _counted()


def downgrade() -> None:
    begin_revision()
    for table in ("playbook_actions", "kill_switches", "playbook_steps", "playbook_runs"):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _receipt() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"])


def _runs() -> None:
    op.create_table(
        "playbook_runs",
        _id("tenant_id"),
        _id("id"),
        _id("anomaly_id"),
        _text("playbook"),
        sa.Column("plan", JSONB(), nullable=False, comment="whole, as signed in its receipt"),
        _text("digest", comment="hex SHA-256 of the canonical plan"),
        _at("planned_at"),
        _id("planned_by_id"),
        _text("planned_by_name"),
        _id("supersedes", nullable=True, comment="the run of the same playbook and anomaly before this one"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.ForeignKeyConstraint(["tenant_id", "anomaly_id"], ["anomalies.tenant_id", "anomalies.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "supersedes"], ["playbook_runs.tenant_id", "playbook_runs.id"]),
        sa.UniqueConstraint(
            "tenant_id", "anomaly_id", "playbook", "supersedes", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("playbook_runs_newest_idx", "playbook_runs", ["planned_at", "id"])
    _guard("playbook_runs")


def _steps() -> None:
    op.create_table(
        "playbook_steps",
        _id("tenant_id"),
        _id("run_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        _text("kind"),
        _text("state", comment="in which it leaves the run"),
        sa.Column("previous", sa.Integer()),
        _text("previous_state", nullable=True),
        _at("at"),
        _id("actor_id"),
        _text("actor_name"),
        sa.Column("detail", JSONB(), nullable=False),
        _id("receipt_id", nullable=True),
        _id("approval_id", nullable=True, comment="of the request that was opened, or used"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "ordinal"),
        sa.UniqueConstraint("tenant_id", "run_id", "ordinal", "state"),
        sa.ForeignKeyConstraint(["tenant_id", "run_id"], ["playbook_runs.tenant_id", "playbook_runs.id"]),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id", "previous", "previous_state"],
            [
                "playbook_steps.tenant_id",
                "playbook_steps.run_id",
                "playbook_steps.ordinal",
                "playbook_steps.state",
            ],
            name="playbook_steps_previous_fkey",
        ),
        _receipt(),
        sa.CheckConstraint(
            "(ordinal = 1 AND previous IS NULL AND previous_state IS NULL AND state = 'planned')"
            f" OR (previous = ordinal - 1 AND (previous_state, state) IN ({_TRANSITIONS}))",
            name="follows_its_state",
        ),
        sa.CheckConstraint(
            "kind NOT IN ('planned', 'approved', 'executed', 'verified', 'rollback_started', 'rolled_back',"
            " 'denied', 'failed') OR receipt_id IS NOT NULL",
            name="acts_have_receipts",
        ),
    )
    for name, columns in (
        ("playbook_steps_approved_once_idx", ["tenant_id", "run_id"]),
        ("playbook_steps_approval_used_once_idx", ["tenant_id", "approval_id"]),
    ):
        op.create_index(
            name, "playbook_steps", columns, unique=True, postgresql_where=sa.text("kind = 'approved'")
        )
    _guard("playbook_steps")


def _switches() -> None:
    op.create_table(
        "kill_switches",
        _id("tenant_id"),
        _text("playbook", comment="empty: every playbook"),
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        _text("reason"),
        _at("set_at"),
        _id("set_by_id"),
        _text("set_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "playbook", "revision"),
        _receipt(),
    )
    _guard("kill_switches")


def _counted() -> None:
    op.create_table(
        "playbook_actions",
        _id("run_id"),
        _id("tenant_id"),
        _text("playbook"),
        _text("act", comment="hex SHA-256 over playbook and target"),
        _text("currency"),
        sa.Column(
            "per_day",
            sa.BigInteger(),
            nullable=False,
            comment="cost a day of what is acted upon, minor units",
        ),
        _at("at"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("playbook_actions_at_idx", "playbook_actions", ["at"])
    grant_house("playbook_actions", app=_APPEND)
    append_only("playbook_actions")


def _guard(table: str) -> None:
    distribute(table)
    protect(table, app=_APPEND)
    append_only(table)
