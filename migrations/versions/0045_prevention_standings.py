"""Prevention standings: where each action stands is one row, so that the Switchboard reads no steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import as_each_tenant, begin_revision, distribute, protect

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_TABLE = "prevention_standings"
_STEPS = "prevention_action_steps"
_ENDS = "('finish', 'drop', 'supersede', 'withdraw')"
#: The steps' indexes of 0042, which nothing reads any longer.
_IDLE = ("prevention_action_steps_ended_at_idx", "prevention_action_steps_agreed_idx")
_FILL = f"""
INSERT INTO {_TABLE} (tenant_id, action_id, incident_id, title, owner_id, time_zone, created_at, dues, dated_at,
  ordinal, act, ended_at)
SELECT a.tenant_id, a.id, a.incident_id, a.title, a.owner_id, a.time_zone, a.created_at,
       coalesce(s.dues, '{{}}'), coalesce(s.dated_at, '{{}}'), s.ordinal, s.act, s.ended_at
FROM prevention_actions a
LEFT JOIN (
    SELECT action_id, array_agg(due ORDER BY ordinal) FILTER (WHERE due IS NOT NULL) AS dues,
           array_agg(at ORDER BY ordinal) FILTER (WHERE due IS NOT NULL) AS dated_at, max(ordinal) AS ordinal,
           (array_agg(act ORDER BY ordinal DESC))[1] AS act, max(at) FILTER (WHERE act IN {_ENDS}) AS ended_at
    FROM {_STEPS} WHERE tenant_id = :tenant_id GROUP BY action_id
) s ON s.action_id = a.id
WHERE a.tenant_id = :tenant_id
"""


def upgrade() -> None:
    begin_revision()
    op.create_table(
        _TABLE,
        sa.Column("tenant_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("action_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("incident_id", UUID(as_uuid=True), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("owner_id", UUID(as_uuid=True), nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "dues",
            ARRAY(sa.Date),
            nullable=False,
            comment="every due date, in the order in which they were set",
        ),
        sa.Column("dated_at", ARRAY(TIMESTAMP(timezone=True)), nullable=False, comment="when each was set"),
        sa.Column("agreed", sa.Date, sa.Computed("dues[1]", persisted=True)),
        sa.Column("ordinal", sa.Integer, comment="of the last step; null: none yet"),
        sa.Column("act", sa.Text, comment="of the last step"),
        sa.Column("ended_at", TIMESTAMP(timezone=True), comment="null: it is open"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "action_id", "owner_id"],
            ["prevention_actions.tenant_id", "prevention_actions.id", "prevention_actions.owner_id"],
            name="prevention_standings_action_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "incident_id"],
            ["incidents.tenant_id", "incidents.id"],
            name="prevention_standings_incident_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "action_id", "ordinal", "act"],
            [f"{_STEPS}.tenant_id", f"{_STEPS}.action_id", f"{_STEPS}.ordinal", f"{_STEPS}.act"],
            name="prevention_standings_step_fkey",
        ),
        sa.CheckConstraint("num_nulls(ordinal, act) IN (0, 2)", name="step_is_whole"),
        sa.CheckConstraint(f"(ended_at IS NOT NULL) = (coalesce(act, '') IN {_ENDS})", name="ends_by_an_end"),
        sa.CheckConstraint("cardinality(dues) = cardinality(dated_at)", name="dates_were_set"),
    )
    op.create_index(
        "prevention_standings_open_idx",
        _TABLE,
        ["tenant_id", "action_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "prevention_standings_ended_idx",
        _TABLE,
        ["tenant_id", "ended_at"],
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index("prevention_standings_agreed_idx", _TABLE, ["tenant_id", "agreed"])
    protect(_TABLE, app=("SELECT", "INSERT", "UPDATE (dues, dated_at, ordinal, act, ended_at)"))
    distribute(_TABLE)
    as_each_tenant("prevention_actions", {}, _FILL)
    for name in _IDLE:
        op.drop_index(name, _STEPS)


def downgrade() -> None:
    begin_revision()
    ends = sa.text(f"act IN {_ENDS}")
    op.create_index(
        _IDLE[0], _STEPS, ["tenant_id", "at"], postgresql_include=["action_id"], postgresql_where=ends
    )
    op.create_index(
        _IDLE[1],
        _STEPS,
        ["tenant_id", "due"],
        postgresql_include=["action_id"],
        postgresql_where=sa.text("act = 'begin'"),
    )
    op.drop_table(_TABLE)
