"""compliance_imports: who may fetch the bytes; of what is there nobody said that customers may."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_TABLE = "compliance_imports"


def upgrade() -> None:
    begin_revision()
    op.add_column(
        _TABLE,
        sa.Column(
            "readers",
            sa.Text(),
            nullable=False,
            server_default="vendor",
            comment="customers, or vendor: who may fetch the document",
        ),
    )
    op.alter_column(_TABLE, "readers", server_default=None)
    op.create_check_constraint("readers_are_known", _TABLE, "readers IN ('customers', 'vendor')")


def downgrade() -> None:
    begin_revision()
    op.drop_column(_TABLE, "readers")
