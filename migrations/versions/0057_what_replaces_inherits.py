"""what replaces a prevention action takes over its agreed day and its moves; late, somebody else replaces it.

What was replaced before stays as it is: its successors began anew, and their figures with them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from trust_portal.storage.migration import begin_revision

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

_ACTIONS = "prevention_actions"
_STEPS = "prevention_action_steps"
_STANDINGS = "prevention_standings"


def upgrade() -> None:
    begin_revision()
    _actions()
    _steps()
    for column in (
        sa.Column("agreed_before", sa.Date(), comment="of what it replaces"),
        _moves("of what it replaces"),
    ):
        op.add_column(_STANDINGS, column)
    _agreed("coalesce(agreed_before, dues[1])")


def downgrade() -> None:
    begin_revision()
    _agreed("dues[1]")
    for column in ("agreed_before", "moves_before"):
        op.drop_column(_STANDINGS, column)
    for key in ("place", "inherits"):
        op.drop_constraint(f"{_STEPS}_{key}_fkey", _STEPS)
    op.drop_column(_STEPS, "agreed")
    for column in ("agreed_before", "moves_before", "replaces"):
        op.drop_column(_ACTIONS, column)


def _actions() -> None:
    for column in (
        sa.Column("replaces", UUID(as_uuid=True), comment="the action in whose place it came"),
        sa.Column("agreed_before", sa.Date(), comment="of what it replaces: the day that was agreed"),
        _moves("of what it replaces, and one where it is due later"),
    ):
        op.add_column(_ACTIONS, column)
    op.create_foreign_key(
        f"{_ACTIONS}_replaces_fkey", _ACTIONS, _ACTIONS, ["tenant_id", "replaces"], ["tenant_id", "id"]
    )
    for name, columns in (
        ("replaces", ("replaces",)),
        ("place", ("id", "replaces")),
        ("inherits", ("id", "replaces", "agreed_before")),
    ):
        op.create_unique_constraint(f"{_ACTIONS}_{name}_key", _ACTIONS, ["tenant_id", *columns])
    op.create_check_constraint(
        "inherits_from_another",
        _ACTIONS,
        "replaces IS DISTINCT FROM id AND (agreed_before IS NULL OR replaces IS NOT NULL)"
        " AND moves_before >= 0 AND (moves_before = 0 OR agreed_before IS NOT NULL)",
    )


def _steps() -> None:
    comment = "of a superseded one whose clock had begun: the day that was agreed"
    op.add_column(_STEPS, sa.Column("agreed", sa.Date(), comment=comment))
    for name, own, others in (
        ("place", ("successor_id", "action_id"), ("id", "replaces")),
        ("inherits", ("successor_id", "action_id", "agreed"), ("id", "replaces", "agreed_before")),
    ):
        op.create_foreign_key(
            f"{_STEPS}_{name}_fkey",
            _STEPS,
            _ACTIONS,
            ["tenant_id", *own],
            ["tenant_id", *others],
            postgresql_not_valid=True,
        )
    _from_now_on("successor_inherits", "(act = 'supersede' AND previous IS NOT NULL) = (agreed IS NOT NULL)")
    op.create_check_constraint(
        "late_replaced_by_another",
        _STEPS,
        "by_id <> owner_id OR agreed IS NULL OR at AT TIME ZONE 'UTC' < agreed + interval '36 hours'",
    )


def _from_now_on(name: str, rule: str) -> None:
    """Of every row where none was ever replaced, else of those to come."""
    constraint = f"{_STEPS}_{name}_check"
    op.execute(f"ALTER TABLE {_STEPS} ADD CONSTRAINT {constraint} CHECK ({rule}) NOT VALID")
    op.execute(
        f"DO $$ BEGIN ALTER TABLE {_STEPS} VALIDATE CONSTRAINT {constraint};"
        " EXCEPTION WHEN check_violation THEN NULL; END $$"
    )


def _agreed(expression: str) -> None:
    """The column again, which follows from the others."""
    op.drop_column(_STANDINGS, "agreed")
    op.add_column(_STANDINGS, sa.Column("agreed", sa.Date(), sa.Computed(expression, persisted=True)))
    op.create_index(f"{_STANDINGS}_agreed_idx", _STANDINGS, ["tenant_id", "agreed"])


def _moves(comment: str) -> sa.Column[int]:
    return sa.Column("moves_before", sa.Integer(), nullable=False, server_default="0", comment=comment)
