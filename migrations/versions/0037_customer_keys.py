"""customer keys: acts about them, wrapped data keys, and stored bundles that may become sealed, once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import APP, append_only, begin_revision, distribute, protect

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_UUID = UUID(as_uuid=True)
_INSTANT = TIMESTAMP(timezone=True)
#: What of a row never changes, by table.
_FIXED = {
    "artefacts": "tenant_id, export_id, media_type, created_at",
    "export_files": "tenant_id, export_id, name",
}


def upgrade() -> None:
    begin_revision()
    _keys()
    for table, fixed in _FIXED.items():
        op.add_column(
            table,
            sa.Column(
                "sealed", sa.Boolean(), nullable=False, server_default="false", comment="content is encrypted"
            ),
        )
        op.execute(f"GRANT UPDATE (content, sealed) ON {table} TO {APP}")
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OF {fixed} OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trust_portal_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_sealed_once BEFORE UPDATE ON {table} "
            "FOR EACH ROW WHEN (OLD.sealed OR NOT NEW.sealed) EXECUTE FUNCTION trust_portal_append_only()"
        )


def downgrade() -> None:
    """Only where nothing is sealed: what is cannot be opened without its data key."""
    begin_revision()
    for table in _FIXED:
        op.execute(f"DROP TRIGGER {table}_sealed_once ON {table}")
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trust_portal_append_only()"
        )
        op.execute(f"REVOKE UPDATE (content, sealed) ON {table} FROM {APP}")
        op.drop_column(table, "sealed")
    op.drop_table("data_keys")
    op.drop_table("customer_keys")


def _keys() -> None:
    op.create_table(
        "customer_keys",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False, comment="as the key service knows it"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="checks proofs of its use"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by_id", _UUID, nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "ordinal"),
        sa.ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
        sa.CheckConstraint("act IN ('enable', 'rotate', 'withdraw')", name="act_is_known"),
        sa.CheckConstraint("length(public_key) = 32", name="public_key_is_ed25519"),
    )
    distribute("customer_keys")
    protect("customer_keys", app=("SELECT", "INSERT"))
    append_only("customer_keys")
    op.create_table(
        "data_keys",
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("export_id", _UUID, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False, comment="the customer's key that wraps it"),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "export_id"),
        sa.ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
    )
    distribute("data_keys")
    # What an old key wrapped goes when a new one has wrapped it.
    protect("data_keys", app=("SELECT", "INSERT", "DELETE"))
