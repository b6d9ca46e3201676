"""incidents: since when one that had been merged goes on by itself again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import begin_revision

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Which words took a merger back only folding the facts can say: empty until the next word of the incident, or
    ``incidents rebuild``, and the term of its postmortem counts as before until then.
    """
    begin_revision()
    op.add_column(
        "incidents",
        sa.Column(
            "unmerged_at",
            sa.TIMESTAMP(timezone=True),
            comment="since when it is known here that it goes on by itself again",
        ),
    )
    op.create_check_constraint(
        "merged_or_by_itself", "incidents", "merged_into IS NULL OR unmerged_at IS NULL"
    )


def downgrade() -> None:
    """The register is made from facts: nothing is lost."""
    begin_revision()
    op.drop_constraint(op.f("incidents_merged_or_by_itself_check"), "incidents", type_="check")
    op.drop_column("incidents", "unmerged_at")
