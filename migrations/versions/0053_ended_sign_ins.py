"""Sign-ins that are over can be deleted: sessions and one-time links (decision 12)."""

from __future__ import annotations

from alembic import op

from trust_portal.storage.migration import APP, begin_revision

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_TABLES = ("sessions", "sign_in_links")


def upgrade() -> None:
    begin_revision()
    for table in _TABLES:
        op.execute(f"GRANT DELETE ON {table} TO {APP}")


def downgrade() -> None:
    begin_revision()
    for table in _TABLES:
        op.execute(f"REVOKE DELETE ON {table} FROM {APP}")
