"""drops: whether an anomaly is of spending more or less. Until now none was of less."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "anomalies",
        sa.Column(
            "direction", sa.Text(), nullable=False, server_default="up", comment="up: a rise; down: a drop"
        ),
    )
    op.alter_column("anomalies", "direction", server_default=None)
    op.create_check_constraint(
        op.f("anomalies_direction_is_known_check"), "anomalies", "direction IN ('up', 'down')"
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column("anomalies", "direction")
