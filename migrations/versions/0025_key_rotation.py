"""key-rotation: keys that replace others, approved by two, and where in each log each of them is good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import (
    APP,
    LEDGER,
    append_only,
    begin_revision,
    distribute,
    grant_house,
    protect,
)

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_UUID = postgresql.UUID(as_uuid=True)
_INSTANT = postgresql.TIMESTAMP(timezone=True)
_FIRST_KEYS = "key_id, purpose, public_key, created_at"


def upgrade() -> None:
    begin_revision()
    op.add_column(
        "signing_keys", sa.Column("replaces", sa.Text(), comment="the key it follows; null: the first")
    )
    op.create_foreign_key(
        "signing_keys_replaces_fkey", "signing_keys", "signing_keys", ["replaces"], ["key_id"]
    )
    op.create_unique_constraint("signing_keys_replaces_key", "signing_keys", ["replaces"])
    op.create_index(
        "signing_keys_one_first_key",
        "signing_keys",
        ["purpose"],
        unique=True,
        postgresql_where=sa.text("replaces IS NULL"),
    )
    # The application makes first keys; what replaces one is the sequencer's to say.
    op.execute(f"REVOKE INSERT ON signing_keys FROM {APP}")
    op.execute(f"GRANT INSERT ({_FIRST_KEYS}) ON signing_keys TO {APP}")
    op.execute(f"GRANT INSERT ON signing_keys TO {LEDGER}")
    op.create_table(
        "key_retirements",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
        sa.ForeignKeyConstraint(["key_id"], ["signing_keys.key_id"]),
    )
    grant_house("key_retirements", app=("SELECT",), ledger=("SELECT", "INSERT"))
    append_only("key_retirements")
    _edges()
    _rotations()


def _edges() -> None:
    op.create_table(
        "key_edges",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column(
            "edge", sa.Text(), nullable=False, comment="first: good from here; end: no longer from here"
        ),
        sa.Column("index", sa.BigInteger(), nullable=False, comment="of the tenant's log"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_id", "edge"),
        sa.CheckConstraint("edge IN ('first', 'end')", name="edge_is_known"),
        sa.CheckConstraint("index >= 0", name="index_is_a_place"),
    )
    distribute("key_edges")
    protect("key_edges", app=("SELECT",), ledger=("SELECT", "INSERT"))
    append_only("key_edges")


def _rotations() -> None:
    op.create_table(
        "key_rotations",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False, comment="hex SHA-256 of the DER SubjectPublicKeyInfo"),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("approval_id", _UUID, nullable=False),
        sa.Column("use_ordinal", sa.Integer(), nullable=False),
        sa.Column("use_act", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False, comment="when the approval was used"),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_id"),
        sa.UniqueConstraint("tenant_id", "approval_id", name="key_rotations_approval_key"),
        sa.UniqueConstraint("tenant_id", "replaces", name="key_rotations_replaces_key"),
        sa.ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id", "use_ordinal", "use_act", "at"],
            [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
            name="key_rotations_use_fkey",
        ),
        sa.CheckConstraint("use_act = 'use' AND use_ordinal >= 3", name="two_people_approved"),
        sa.CheckConstraint("purpose IN ('receipts', 'checkpoints')", name="purpose_is_rotated"),
        sa.CheckConstraint("length(public_key) = 32 AND key_id <> replaces", name="key_is_another"),
    )
    distribute("key_rotations")
    protect("key_rotations", app=("SELECT", "INSERT"), ledger=("SELECT",))
    append_only("key_rotations")


def downgrade() -> None:
    begin_revision()
    op.drop_table("key_rotations")
    op.drop_table("key_edges")
    op.drop_table("key_retirements")
    op.execute(f"REVOKE INSERT ON signing_keys FROM {LEDGER}")
    op.execute(f"REVOKE INSERT ({_FIRST_KEYS}) ON signing_keys FROM {APP}")
    op.execute(f"GRANT INSERT ON signing_keys TO {APP}")
    op.drop_index("signing_keys_one_first_key", "signing_keys")
    op.drop_constraint("signing_keys_replaces_key", "signing_keys")
    op.drop_constraint("signing_keys_replaces_fkey", "signing_keys")
    op.drop_column("signing_keys", "replaces")
