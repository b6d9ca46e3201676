"""incident_retractions: not only undone mergers take two, but also fewer customers of a P1 or P2."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from trust_portal.storage.migration import begin_revision

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

_NAMES = (
    ("incident_unmerger_requests", "incident_retraction_requests"),
    ("incident_unmergers", "incident_retractions"),
)
#: All that bears the table's name: constraints, the other indexes, policies, triggers.
_RENAME = """
DO $$
DECLARE
  one text;
BEGIN
  FOR one IN SELECT conname FROM pg_constraint WHERE conrelid = '{new}'::regclass AND starts_with(conname, '{old}_') LOOP
    EXECUTE format('ALTER TABLE {new} RENAME CONSTRAINT %I TO %I', one, replace(one, '{old}_', '{new}_'));
  END LOOP;
  FOR one IN SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{new}'::regclass
             AND starts_with(indexrelid::regclass::text, '{old}_') LOOP
    EXECUTE format('ALTER INDEX %I RENAME TO %I', one, replace(one, '{old}_', '{new}_'));
  END LOOP;
  FOR one IN SELECT polname FROM pg_policy WHERE polrelid = '{new}'::regclass AND starts_with(polname, '{old}_') LOOP
    EXECUTE format('ALTER POLICY %I ON {new} RENAME TO %I', one, replace(one, '{old}_', '{new}_'));
  END LOOP;
  FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{new}'::regclass AND NOT tgisinternal
             AND starts_with(tgname, '{old}_') LOOP
    EXECUTE format('ALTER TRIGGER %I ON {new} RENAME TO %I', one, replace(one, '{old}_', '{new}_'));
  END LOOP;
END $$
"""
_REQUESTS = "incident_retraction_requests"
_COMMENTS = ("what goes on by itself again", "of what it was said")


def upgrade() -> None:
    begin_revision()
    for old, new in _NAMES:
        _rename(old, new)
    op.add_column(
        _REQUESTS,
        sa.Column(
            "kind", sa.Text(), nullable=False, server_default="unmerged", comment="unmerged or affected"
        ),
    )
    op.alter_column(_REQUESTS, "kind", server_default=None)
    op.add_column(
        _REQUESTS,
        sa.Column("tenants", ARRAY(UUID(as_uuid=True)), comment="whom it touches, where that is said anew"),
    )
    op.add_column(
        _REQUESTS, sa.Column("objectives", ARRAY(sa.Text()), comment="which of their promises; null: any")
    )
    op.create_check_constraint(
        "says_what",
        _REQUESTS,
        "(kind = 'affected' AND tenants IS NOT NULL)"
        " OR (kind = 'unmerged' AND num_nonnulls(tenants, objectives) = 0)",
    )
    op.execute(f"COMMENT ON COLUMN incident_retractions.incident_id IS '{_COMMENTS[1]}'")


def downgrade() -> None:
    """Refused where fewer customers were asked for: the older tables cannot say that."""
    begin_revision()
    op.create_check_constraint("only_unmergers", _REQUESTS, "kind = 'unmerged'")
    op.drop_column(_REQUESTS, "objectives")
    op.drop_column(_REQUESTS, "tenants")
    op.drop_column(_REQUESTS, "kind")
    op.execute(f"COMMENT ON COLUMN incident_retractions.incident_id IS '{_COMMENTS[0]}'")
    for old, new in _NAMES:
        _rename(new, old)


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    op.execute(_RENAME.format(old=old, new=new))
