"""Incidents: what each goes on in at last, and when something consequential was last told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

#: As far as rows say it, without telling claims apart; whatever is told of an incident makes its row anew, and so does ``incidents rebuild``.
_NEXT = """
UPDATE incidents SET ends_in = merged_into, changed_at = coalesce((
    SELECT max(told.received_at) FROM facts told
    WHERE told.tenant_id = :tenant_id AND told.subject = incidents.key AND (
      told.type = 'trustportal.incident.declared.v1' OR told.type = 'trustportal.incident.updated.v1'
      AND (told.body ->> 'kind' IN ('affected', 'reopened')
           OR told.body ->> 'kind' = 'severity' AND told.body ->> 'severity' <= incidents.told_severity))
  ), last_fact_at),
  merged_at = CASE WHEN merged_into IS NOT NULL THEN coalesce((
    SELECT max(told.received_at) FROM facts told
    WHERE told.tenant_id = :tenant_id AND told.subject = incidents.key
      AND told.type = 'trustportal.incident.updated.v1' AND told.body ->> 'kind' = 'merged'
  ), last_fact_at) END
WHERE tenant_id = :tenant_id
"""
_LAST = """
UPDATE incidents SET ends_in = way.target FROM (
  WITH RECURSIVE steps AS (
    SELECT id, merged_into AS target FROM incidents WHERE tenant_id = :tenant_id AND merged_into IS NOT NULL
    UNION
    SELECT steps.id, next.merged_into FROM steps JOIN incidents next ON next.tenant_id = :tenant_id
      AND next.id = steps.target AND next.merged_into IS NOT NULL
  )
  SELECT steps.id, steps.target FROM steps JOIN incidents ending ON ending.tenant_id = :tenant_id
    AND ending.id = steps.target AND ending.merged_into IS NULL
) way
WHERE incidents.tenant_id = :tenant_id AND incidents.id = way.id
"""


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "incidents",
        sa.Column("ends_in", postgresql.UUID(as_uuid=True), comment="what it goes on in at last"),
    )
    op.add_column(
        "incidents",
        sa.Column("merged_at", sa.TIMESTAMP(timezone=True), comment="since when that is known here"),
    )
    op.add_column(
        "incidents",
        sa.Column(
            "changed_at",
            sa.TIMESTAMP(timezone=True),
            comment="when the last came in that changes what its postmortem says",
        ),
    )
    op.alter_column(
        "incidents", "told_severity", comment="the worst ever in force, also by what was merged into it"
    )
    as_each_tenant("incidents", {}, _NEXT, _LAST)
    op.alter_column("incidents", "changed_at", nullable=False)
    op.create_foreign_key(
        "incidents_ends_fkey", "incidents", "incidents", ["tenant_id", "ends_in"], ["tenant_id", "id"]
    )
    op.create_check_constraint(
        "ends_where_it_goes",
        "incidents",
        "(merged_into IS NULL) = (ends_in IS NULL) AND (ends_in IS NULL) = (merged_at IS NULL) AND ends_in <> id",
    )
    op.create_index(
        "incidents_ends_idx",
        "incidents",
        ["tenant_id", "ends_in"],
        postgresql_where=sa.text("ends_in IS NOT NULL"),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_index("incidents_ends_idx", "incidents")
    op.drop_constraint("ends_where_it_goes", "incidents", type_="check")
    op.drop_constraint("incidents_ends_fkey", "incidents", type_="foreignkey")
    op.drop_column("incidents", "changed_at")
    op.drop_column("incidents", "merged_at")
    op.drop_column("incidents", "ends_in")
    op.alter_column("incidents", "told_severity", comment="the worst ever told of itself")
