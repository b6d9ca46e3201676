"""unmatched alarms: the incident of that name, if it went on when the alarm came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_TABLE = "incident_unmatched"
#: Of what came before, only where nothing can be said against it: the incident had been declared here by then, nobody
#: had told of its end, and it was never said to go on in another. What is not so is a gap, for somebody to look at.
_FILL = f"""
UPDATE {_TABLE} u SET incident_id = i.id FROM incidents i
WHERE u.tenant_id = :tenant_id AND i.tenant_id = :tenant_id AND i.source = u.source AND i.key = u.key
  AND i.merge_keys = '{{}}'
  AND EXISTS (SELECT FROM facts f WHERE f.tenant_id = :tenant_id AND f.type = 'trustportal.incident.declared.v1'
              AND f.subject = u.key AND f.source = u.source AND f.received_at <= u.received_at)
  AND NOT EXISTS (SELECT FROM facts f WHERE f.tenant_id = :tenant_id
                  AND f.type = 'trustportal.incident.resolved.v1'
                  AND f.subject = u.key AND f.received_at <= u.received_at)
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        _TABLE,
        sa.Column("incident_id", UUID(as_uuid=True), comment="of that name, which was not over when it came"),
    )
    op.create_foreign_key(
        f"{_TABLE}_incident_fkey", _TABLE, "incidents", ["tenant_id", "incident_id"], ["tenant_id", "id"]
    )
    op.execute(f"ALTER TABLE {_TABLE} DISABLE TRIGGER {_TABLE}_append_only")
    as_each_tenant(_TABLE, {_TABLE: "UPDATE"}, _FILL)
    op.execute(f"ALTER TABLE {_TABLE} ENABLE TRIGGER {_TABLE}_append_only")


def downgrade() -> None:
    """What is dropped was never shown; the way up again fills in what can still be told from the facts."""
    begin_revision()
    op.drop_constraint(f"{_TABLE}_incident_fkey", _TABLE)
    op.drop_column(_TABLE, "incident_id")
