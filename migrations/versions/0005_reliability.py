"""reliability: contracts, objectives, SLA reports and runs."""

from __future__ import annotations

from trust_portal.storage.migration import begin_revision

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()


def downgrade() -> None:
    begin_revision()
