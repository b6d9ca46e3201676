"""first explained: when an anomaly was explained for the first time, apart from when it was last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

from trust_portal.storage.migration import APP, STAFF, begin_revision

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: What was explained before this column was there: its first receipt says when.
_FROM_RECEIPTS = """
UPDATE anomalies a SET first_explained_at = least(a.explained_at, f.at)
FROM (
  SELECT tenant_id, subjects->0->>'name' AS name, min(at) AS at FROM receipts
  WHERE tenant_id = :tenant_id AND kind = 'anomaly.explained' GROUP BY 1, 2
) f
WHERE a.tenant_id = :tenant_id AND f.tenant_id = a.tenant_id AND f.name = 'anomaly/' || a.id
  AND a.explained_at IS NOT NULL
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "anomalies",
        sa.Column(
            "first_explained_at",
            TIMESTAMP(timezone=True),
            comment="never moves again; explained_at is that of the latest explanation",
        ),
    )
    # Row-level security holds for the owner too: each tenant's rows are written in its own scope.
    connection = op.get_bind()
    op.execute(f"SET LOCAL ROLE {STAFF}")
    query = sa.text("SELECT DISTINCT tenant_id FROM anomalies WHERE explained_at IS NOT NULL")
    tenant_ids = connection.execute(query).scalars().all()
    op.execute(f"SET LOCAL ROLE {APP}")
    for tenant_id in tenant_ids:
        op.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        connection.execute(sa.text(_FROM_RECEIPTS), {"tenant_id": tenant_id})
    op.execute("RESET ROLE")
    op.execute("SET LOCAL app.tenant_id = ''")
    op.create_check_constraint(
        op.f("anomalies_explained_first_and_last_check"),
        "anomalies",
        "(first_explained_at IS NULL) = (explained_at IS NULL) AND first_explained_at <= explained_at",
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint(op.f("anomalies_explained_first_and_last_check"), "anomalies")
    op.drop_column("anomalies", "first_explained_at")
