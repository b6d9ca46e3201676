"""sign-in links, sessions and passkeys: by whose links somebody had come in.

Of what there was before it is not known, and stays empty: those passkeys sign as they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import begin_revision

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_CAME_BY = "actor ids: who made the link this came about by, and the link that one came in by"
_ENROLLED_BY = "actor ids: who made the links by which the session came about in which it was enrolled"
_TABLES = {"sign_in_links": _CAME_BY, "sessions": _CAME_BY, "passkeys": _ENROLLED_BY}


def upgrade() -> None:
    begin_revision()
    for table, comment in _TABLES.items():
        op.add_column(
            table,
            sa.Column(
                "brought_by",
                postgresql.ARRAY(postgresql.UUID(as_uuid=True)),
                nullable=False,
                server_default="{}",
                comment=comment,
            ),
        )


def downgrade() -> None:
    begin_revision()
    for table in _TABLES:
        op.drop_column(table, "brought_by")
