"""Switchboard indexes: what is open, ended lately or agreed is found without reading everything that ever was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_STEPS = "prevention_action_steps"
_ENDS = sa.text("act IN ('finish', 'drop', 'supersede', 'withdraw')")


def upgrade() -> None:
    begin_revision()
    op.create_index(
        "prevention_action_steps_ended_idx",
        _STEPS,
        ["tenant_id", "action_id"],
        postgresql_include=["act", "at"],
        postgresql_where=_ENDS,
    )
    op.create_index(
        "prevention_action_steps_ended_at_idx",
        _STEPS,
        ["tenant_id", "at"],
        postgresql_include=["action_id"],
        postgresql_where=_ENDS,
    )
    op.create_index(
        "prevention_action_steps_agreed_idx",
        _STEPS,
        ["tenant_id", "due"],
        postgresql_include=["action_id"],
        postgresql_where=sa.text("act = 'begin'"),
    )
    op.create_index(
        "incidents_major_idx",
        "incidents",
        ["tenant_id", "id"],
        postgresql_where=sa.text("worst_severity IN ('P1', 'P2')"),
    )
    op.create_index(
        "incidents_merged_idx",
        "incidents",
        ["tenant_id", "merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_index("incidents_merged_idx", "incidents")
    op.drop_index("incidents_major_idx", "incidents")
    for name in ("agreed", "ended_at", "ended"):
        op.drop_index(f"prevention_action_steps_{name}_idx", _STEPS)
