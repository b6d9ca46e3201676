"""remediation: what was sent and not confirmed is taken back, and plans that have no more reason lapse with a receipt."""

from __future__ import annotations

from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BEFORE = (
    "('planned', 'planned'), ('planned', 'waiting'), ('planned', 'executing'), ('planned', 'denied'), ('planned', 'lapsed'),"
    " ('waiting', 'executing'), ('waiting', 'denied'), ('waiting', 'declined'),"
    " ('executing', 'executing'), ('executing', 'executed'), ('executing', 'denied'), ('executing', 'failed'),"
    " ('executed', 'verified'), ('executed', 'rolling_back'), ('verified', 'rolling_back'),"
    " ('failed', 'rolling_back'), ('rolling_back', 'rolling_back'), ('rolling_back', 'rolled_back'),"
    " ('rolling_back', 'failed')"
)
_NEW = "('waiting', 'lapsed'), ('executing', 'rolling_back')"
_ACTS = "'planned', 'approved', 'executed', 'verified', 'rollback_started', 'rolled_back', 'denied', 'failed'"


def upgrade() -> None:
    begin_revision()
    _may_follow(f"{_BEFORE}, {_NEW}")
    _have_receipts(f"{_ACTS}, 'lapsed'")


def downgrade() -> None:
    begin_revision()
    _may_follow(_BEFORE)
    _have_receipts(_ACTS)


def _may_follow(transitions: str) -> None:
    op.execute("ALTER TABLE playbook_steps DROP CONSTRAINT playbook_steps_follows_its_state_check")
    op.execute(
        "ALTER TABLE playbook_steps ADD CONSTRAINT playbook_steps_follows_its_state_check CHECK ("
        "(ordinal = 1 AND previous IS NULL AND previous_state IS NULL AND state = 'planned')"
        f" OR (previous = ordinal - 1 AND (previous_state, state) IN ({transitions})))"
    )


def _have_receipts(acts: str) -> None:
    op.execute("ALTER TABLE playbook_steps DROP CONSTRAINT playbook_steps_acts_have_receipts_check")
    op.execute(
        "ALTER TABLE playbook_steps ADD CONSTRAINT playbook_steps_acts_have_receipts_check CHECK"
        f" (kind NOT IN ({acts}) OR receipt_id IS NOT NULL)"
    )
