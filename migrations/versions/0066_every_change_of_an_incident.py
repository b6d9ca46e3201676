"""incidents: when each came in that changes what the postmortem says, and not only the last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

#: As far as rows say it, without telling claims apart; whatever is told of an incident makes its row anew, and so does ``incidents rebuild``.
_FILL = """
UPDATE incidents SET changes = ARRAY(
  SELECT DISTINCT told.received_at FROM facts told
  WHERE told.tenant_id = :tenant_id AND told.subject = incidents.key AND told.received_at < incidents.changed_at AND (
    told.type = 'trustportal.incident.declared.v1' OR told.type = 'trustportal.incident.updated.v1'
    AND (told.body ->> 'kind' IN ('affected', 'reopened')
         OR told.body ->> 'kind' = 'severity' AND told.body ->> 'severity' <= incidents.told_severity))
  ORDER BY told.received_at
) || incidents.changed_at
WHERE tenant_id = :tenant_id
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "incidents",
        sa.Column("changes", ARRAY(TIMESTAMP(timezone=True)), comment="when each of these came in"),
    )
    as_each_tenant("incidents", {}, _FILL)
    op.alter_column("incidents", "changes", nullable=False)
    op.create_check_constraint(
        "the_last_changed_it", "incidents", "changes[cardinality(changes)] = changed_at"
    )


def downgrade() -> None:
    """The register is made from facts: nothing is lost."""
    begin_revision()
    op.drop_constraint(op.f("incidents_the_last_changed_it_check"), "incidents", type_="check")
    op.drop_column("incidents", "changes")
