"""Reviews: what stands in a draft's way, and from when on, beside its data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.migration import begin_revision

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what was gathered before, it is read from the data themselves."""
    begin_revision()
    op.add_column(
        "qbrs",
        sa.Column(
            "obstacles",
            JSONB,
            comment="which section blocks, told from which, after when; null: gathered before it was kept",
        ),
    )


def downgrade() -> None:
    """It follows from the data: nothing is lost."""
    begin_revision()
    op.drop_column("qbrs", "obstacles")
