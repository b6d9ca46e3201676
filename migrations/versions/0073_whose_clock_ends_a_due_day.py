"""prevention actions: a due day ends by the clock of where its owner worked when it was set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from trust_portal.storage.migration import APP, as_each_tenant, begin_revision

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

_STEPS, _STANDINGS = "prevention_action_steps", "prevention_standings"
_AGREED_ZONE = "CASE WHEN agreed_before IS NULL THEN coalesce(time_zones[1], time_zone) ELSE time_zone END"
_UNSAID = f"""
UPDATE {_STANDINGS} SET time_zones = array_fill(NULL::text, ARRAY[cardinality(dues)]) WHERE tenant_id = :tenant_id
"""


def upgrade() -> None:
    """Dates of before end as they did: by the clock of the plan, which is what null says."""
    begin_revision()
    op.add_column(
        _STEPS,
        sa.Column(
            "time_zone",
            sa.Text(),
            comment="of one that sets it: where the owner worked then; null: as when it was planned",
        ),
    )
    op.create_check_constraint("clock_is_of_a_date", _STEPS, "time_zone IS NULL OR due IS NOT NULL")
    op.add_column(
        _STANDINGS,
        sa.Column(
            "time_zones",
            ARRAY(sa.Text()),
            comment="by whose clock the day of each ends; null: that of the plan",
        ),
    )
    op.execute(f"GRANT UPDATE (time_zones) ON {_STANDINGS} TO {APP}")
    as_each_tenant(_STANDINGS, {}, _UNSAID)
    op.alter_column(_STANDINGS, "time_zones", nullable=False)
    op.create_check_constraint(
        "dates_end_somewhere", _STANDINGS, "cardinality(dues) = cardinality(time_zones)"
    )
    op.add_column(
        _STANDINGS,
        sa.Column(
            "agreed_zone",
            sa.Text(),
            sa.Computed(_AGREED_ZONE, persisted=True),
            comment="by whose clock that day ends",
        ),
    )


def downgrade() -> None:
    """Each day ends by the clock of the plan again; whose it was is lost."""
    begin_revision()
    op.drop_column(_STANDINGS, "agreed_zone")
    op.drop_constraint(op.f(f"{_STANDINGS}_dates_end_somewhere_check"), _STANDINGS, type_="check")
    op.drop_column(_STANDINGS, "time_zones")
    op.drop_constraint(op.f(f"{_STEPS}_clock_is_of_a_date_check"), _STEPS, type_="check")
    op.drop_column(_STEPS, "time_zone")
