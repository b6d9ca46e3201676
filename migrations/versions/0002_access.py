"""access: tenants, people, sessions, tokens, decisions."""

from __future__ import annotations

from trust_portal.storage.migration import begin_revision

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()


def downgrade() -> None:
    begin_revision()
