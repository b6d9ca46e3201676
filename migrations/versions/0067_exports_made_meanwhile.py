"""Exports: which tree a bundle follows on, where another was finished while it was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "exports",
        sa.Column("meanwhile_size", sa.BigInteger(), comment="tree of what was finished while this was made"),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column("exports", "meanwhile_size")
