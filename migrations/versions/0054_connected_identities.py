"""oidc identities: whether a person connected one while signed in, and by whose links they had come in then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import APP, begin_revision

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_CHANGED = "person_id, linked_at, connected_at, brought_by"


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "oidc_identities",
        sa.Column(
            "connected_at",
            sa.TIMESTAMP(timezone=True),
            comment="by the person, while signed in; null: found by its address",
        ),
    )
    op.add_column(
        "oidc_identities",
        sa.Column(
            "brought_by",
            postgresql.ARRAY(postgresql.UUID(as_uuid=True)),
            nullable=False,
            server_default="{}",
            comment="actor ids: who made the link this came about by, and the link that one came in by",
        ),
    )
    op.execute(f"GRANT UPDATE ({_CHANGED}) ON oidc_identities TO {APP}")


def downgrade() -> None:
    begin_revision()
    op.execute(f"REVOKE UPDATE ({_CHANGED}) ON oidc_identities FROM {APP}")
    op.drop_column("oidc_identities", "brought_by")
    op.drop_column("oidc_identities", "connected_at")
