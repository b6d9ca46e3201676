"""reminders: which were for the PMO, by their rung or for want of a manager; and that nobody holds the role."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_REMINDERS = "prevention_reminders"
_NOTED = "escalation_acknowledgements"
#: Until now what was told to the role says so by its name. What told nobody is of a downgrade to here.
_FILL = f"""
UPDATE {_REMINDERS} SET to_pmo = true
WHERE tenant_id = :tenant_id AND skipped IS NULL AND (told = ARRAY['PMO'] OR cardinality(told) = 0)
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        _REMINDERS,
        sa.Column(
            "to_pmo",
            sa.Boolean(),
            nullable=False,
            server_default="false",
            comment="for whoever holds that role",
        ),
    )
    op.alter_column(
        _REMINDERS,
        "told",
        comment="names of people, or the role; empty of one for the PMO: nobody holds it",
        existing_comment="names of people, or the role",
    )
    op.execute(f"ALTER TABLE {_REMINDERS} DISABLE TRIGGER {_REMINDERS}_append_only")
    as_each_tenant(_REMINDERS, {_REMINDERS: "UPDATE"}, _FILL)
    op.execute(f"ALTER TABLE {_REMINDERS} ENABLE TRIGGER {_REMINDERS}_append_only")
    _sent_or_skipped("cardinality(told) > 0 OR to_pmo", "cardinality(told) = 0 AND NOT to_pmo")
    op.create_index(
        f"{_REMINDERS}_escalated_idx",
        _REMINDERS,
        ["tenant_id", "at", "came_at", "action_id", "ordinal", "rung"],
        postgresql_where=sa.text("to_pmo AND rung IN ('T+3', 'T+7')"),
    )
    op.drop_constraint(op.f(f"{_NOTED}_only_of_the_last_rung_check"), _NOTED)
    op.create_check_constraint("only_of_escalations", _NOTED, "rung IN ('T+3', 'T+7')")


def downgrade() -> None:
    """Rows stay as they are, also those that the rules of the revision before would not have let in: reminders that
    told nobody for want of a PMO, and acknowledgements of T+3. Those rules are for new rows only. ``to_pmo`` can be
    told from what stays, so that nothing is lost on the way up again.
    """
    begin_revision()
    op.drop_constraint(op.f(f"{_NOTED}_only_of_escalations_check"), _NOTED)
    op.create_check_constraint("only_of_the_last_rung", _NOTED, "rung = 'T+7'", postgresql_not_valid=True)
    op.drop_index(f"{_REMINDERS}_escalated_idx", _REMINDERS)
    _sent_or_skipped("cardinality(told) > 0", "cardinality(told) = 0", of_new_rows=True)
    op.drop_column(_REMINDERS, "to_pmo")
    op.alter_column(_REMINDERS, "told", comment="names of people, or the role")


def _sent_or_skipped(sent: str, skipped: str, *, of_new_rows: bool = False) -> None:
    op.drop_constraint(op.f(f"{_REMINDERS}_sent_or_skipped_check"), _REMINDERS)
    op.create_check_constraint(
        "sent_or_skipped",
        _REMINDERS,
        f"(skipped IS NULL AND ({sent})) OR (skipped IN ('past', 'moved', 'ended') AND {skipped})",
        postgresql_not_valid=of_new_rows,
    )
