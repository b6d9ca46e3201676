"""Steps of playbooks are found by when they were taken: a postmortem asks for those of an hour or two of all years."""

from __future__ import annotations

from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_index("playbook_steps_at_idx", "playbook_steps", ["tenant_id", "at"])


def downgrade() -> None:
    begin_revision()
    op.drop_index("playbook_steps_at_idx", table_name="playbook_steps")
