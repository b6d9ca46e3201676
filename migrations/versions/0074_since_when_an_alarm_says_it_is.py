"""pagers: since when the trouble was, by an alarm that no rule took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

_TABLE = "incident_unmatched"


def upgrade() -> None:
    """Of alarms of before nobody kept it: they are of when they came in."""
    begin_revision()
    op.add_column(
        _TABLE,
        sa.Column(
            "began_at",
            sa.TIMESTAMP(timezone=True),
            comment="of the trouble, by the alarm; null: it came in before that was kept",
        ),
    )


def downgrade() -> None:
    """They are of when they came in again."""
    begin_revision()
    op.drop_column(_TABLE, "began_at")
