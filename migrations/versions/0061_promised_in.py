"""qbr commitments: the review in which each was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

#: Made in the review of the last quarter that was over then. As a change of type, since rows are never updated here:
#: the table is written anew as a whole, whoever owns it, and no trigger or policy of rows has a say.
_BEFORE = """
ALTER TABLE qbr_commitments ALTER COLUMN period TYPE text
USING to_char((made_at AT TIME ZONE 'UTC') - interval '3 months', 'YYYY"-Q"Q')
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "qbr_commitments", sa.Column("period", sa.Text(), comment="of the review in which it was made")
    )
    op.execute(_BEFORE)
    op.alter_column("qbr_commitments", "period", nullable=False)


def downgrade() -> None:
    begin_revision()
    op.drop_column("qbr_commitments", "period")
