"""metering: when what was known of a customer's hours last became another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

_TABLE = "metering_progress"


def upgrade() -> None:
    """Of before nobody kept it: what a draft's own page says is asked of the hours."""
    begin_revision()
    op.add_column(
        _TABLE,
        sa.Column(
            "recast_at",
            sa.TIMESTAMP(timezone=True),
            comment="when closed hours, or the first one, last became others",
        ),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column(_TABLE, "recast_at")
