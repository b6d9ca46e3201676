"""unmatched alarms: settled by later rules, or by somebody's word of which incident they were."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import STAFF, begin_revision

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_TABLE = "incident_unmatched_settled"
_ONE = "num_nonnulls(version, incident_id) = 1 AND num_nonnulls(incident_id, receipt_id) <> 1"


def upgrade() -> None:
    begin_revision()
    op.alter_column(_TABLE, "version", nullable=True)
    op.add_column(
        _TABLE, sa.Column("incident_id", postgresql.UUID(as_uuid=True), comment="what it was an alarm of")
    )
    op.add_column(
        _TABLE, sa.Column("receipt_id", postgresql.UUID(as_uuid=True), comment="of the act that says so")
    )
    op.create_foreign_key(
        f"{_TABLE}_incident_fkey", _TABLE, "incidents", ["tenant_id", "incident_id"], ["tenant_id", "id"]
    )
    op.create_foreign_key(
        f"{_TABLE}_receipt_fkey", _TABLE, "receipts", ["tenant_id", "receipt_id"], ["tenant_id", "id"]
    )
    op.create_check_constraint("settled_by_one", _TABLE, _ONE)


def downgrade() -> None:
    """Refuses where somebody said of which incident an alarm was: the revision before has no place for that, and
    what is on record with a receipt is not taken away.
    """
    begin_revision()
    if said := _said_by_people():
        raise RuntimeError(
            "somebody said of which incident these alarms are, which the revision before cannot hold: "
            + ", ".join(said)
        )
    op.drop_constraint("settled_by_one", _TABLE, type_="check")
    op.drop_constraint(f"{_TABLE}_receipt_fkey", _TABLE)
    op.drop_constraint(f"{_TABLE}_incident_fkey", _TABLE)
    op.drop_column(_TABLE, "receipt_id")
    op.drop_column(_TABLE, "incident_id")
    op.alter_column(_TABLE, "version", nullable=False)


def _said_by_people() -> Sequence[str]:
    """As staff, who see the rows; their owner does not."""
    connection = op.get_bind()
    op.execute(f"SET LOCAL ROLE {STAFF}")
    rows = connection.execute(
        sa.text(f"SELECT source, alarm_id FROM {_TABLE} WHERE incident_id IS NOT NULL ORDER BY 1, 2")
    ).all()
    op.execute("RESET ROLE")
    return [f"{row.source} {row.alarm_id}" for row in rows]
