"""house: the installation's own tables and the database roles."""

from __future__ import annotations

from trust_portal.storage.migration import begin_revision

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()


def downgrade() -> None:
    begin_revision()
