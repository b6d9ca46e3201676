"""no downgrade without approval: a register row that is less than a P1 or P2 it was told to be names the approved
downgrade of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

#: As far as the row and its downgrades say; ``trust-portal incidents rebuild`` says it from what was told.
_TOLD = """
UPDATE incidents SET told_severity = least(severity, declared_severity,
  (SELECT min(d.before) FROM incident_downgrades d WHERE d.tenant_id = :tenant_id AND d.incident_id = incidents.id))
WHERE tenant_id = :tenant_id
"""
_RESTS_ON = """
UPDATE incidents SET downgraded_by = d.request_id, downgraded_to = d.severity FROM (
  SELECT DISTINCT ON (incident_id) incident_id, request_id, severity FROM incident_downgrades
  WHERE tenant_id = :tenant_id ORDER BY incident_id, holds_from DESC, request_id DESC
) d
WHERE incidents.tenant_id = :tenant_id AND d.incident_id = incidents.id AND incidents.severity > incidents.told_severity
"""
#: What no approval stands behind was never in force.
_IN_FORCE = """
UPDATE incidents SET severity = CASE WHEN downgraded_to = 'P2' THEN downgraded_to ELSE told_severity END
WHERE tenant_id = :tenant_id AND told_severity < 'P3' AND severity > told_severity
  AND (downgraded_by IS NULL OR (downgraded_to = 'P2' AND severity > downgraded_to))
"""


def upgrade() -> None:
    begin_revision()
    op.create_unique_constraint(
        "incident_downgrades_what_key",
        "incident_downgrades",
        ["tenant_id", "request_id", "incident_id", "severity"],
    )
    for column in (
        sa.Column("told_severity", sa.Text(), comment="the worst ever told of itself"),
        sa.Column(
            "downgraded_by",
            UUID(as_uuid=True),
            comment="the approved downgrade because of which it is less than that",
        ),
        sa.Column("downgraded_to", sa.Text()),
    ):
        op.add_column("incidents", column)
    as_each_tenant("incidents", {}, _TOLD, _RESTS_ON, _IN_FORCE)
    op.alter_column("incidents", "told_severity", nullable=False)
    op.create_check_constraint(
        "told_is_told",
        "incidents",
        "told_severity >= worst_severity AND told_severity <= least(severity, declared_severity)",
    )
    op.create_foreign_key(
        "incidents_downgrade_fkey",
        "incidents",
        "incident_downgrades",
        ["tenant_id", "downgraded_by", "id", "downgraded_to"],
        ["tenant_id", "request_id", "incident_id", "severity"],
    )
    op.create_check_constraint(
        "less_takes_approval",
        "incidents",
        "(downgraded_by IS NULL) = (downgraded_to IS NULL) AND (severity = told_severity OR told_severity >= 'P3'"
        " OR (downgraded_by IS NOT NULL AND (downgraded_to >= 'P3' OR severity <= downgraded_to)))",
    )


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("incidents_downgrade_fkey", "incidents")
    op.drop_constraint("incident_downgrades_what_key", "incident_downgrades")
    for name in ("less_takes_approval", "told_is_told"):
        op.drop_constraint(op.f(f"incidents_{name}_check"), "incidents")
    for name in ("downgraded_to", "downgraded_by", "told_severity"):
        op.drop_column("incidents", name)
