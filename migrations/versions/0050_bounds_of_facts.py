"""facts: whom the token that told them could speak for.

Of what was told before this it is not known, and stays null: everybody. It counts as it did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import begin_revision

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "facts",
        sa.Column(
            "bounds",
            postgresql.ARRAY(postgresql.UUID(as_uuid=True)),
            comment="whom its token could speak for; null: everybody",
        ),
    )


def downgrade() -> None:
    begin_revision()
    op.drop_column("facts", "bounds")
