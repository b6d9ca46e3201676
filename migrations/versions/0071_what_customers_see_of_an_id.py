"""incidents: an id drawn at random, which customers see instead of the one that follows from source and key."""

from __future__ import annotations

from secrets import token_hex

import sqlalchemy as sa
from alembic import op

from trust_portal.storage.migration import as_each_tenant, begin_revision

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

_DRAW = """
UPDATE incidents SET shown_id = left(encode(sha256(('{secret}' || id)::bytea), 'hex'), 32)::uuid
WHERE tenant_id = :tenant_id
"""


def upgrade() -> None:
    """What was issued before keeps the id it has, and verifies; the pages and GraphQL know the new one only."""
    begin_revision()
    op.add_column(
        "incidents",
        sa.Column("shown_id", sa.UUID(), comment="drawn at random: what customers see instead of the id"),
    )
    # Each value with a secret that nobody keeps: a statement that changes rows calls nothing volatile (decision 3).
    as_each_tenant("incidents", {}, _DRAW.format(secret=token_hex(32)))
    op.alter_column("incidents", "shown_id", nullable=False)
    op.create_unique_constraint("incidents_shown_key", "incidents", ["tenant_id", "shown_id"])


def downgrade() -> None:
    """Upgraded again, other ids are drawn."""
    begin_revision()
    op.drop_constraint("incidents_shown_key", "incidents", type_="unique")
    op.drop_column("incidents", "shown_id")
