"""evidence: receipts, logs, checkpoints, exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import (
    append_only,
    begin_revision,
    distribute,
    grant_house,
    protect,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UUID = postgresql.UUID(as_uuid=True)
_INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    begin_revision()
    _receipts()
    _log()
    _house()
    _exports()


def _tenant_id() -> sa.Column[sa.UUID]:
    return sa.Column("tenant_id", _UUID, nullable=False)


def _receipts() -> None:
    op.create_table(
        "receipts",
        _tenant_id(),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("predicate_type", sa.Text(), nullable=False),
        sa.Column(
            "subjects",
            postgresql.JSONB(),
            nullable=False,
            comment="as in the statement: name and SHA-256",
        ),
        sa.Column(
            "envelope", sa.LargeBinary(), nullable=False, comment="the DSSE envelope's bytes as signed"
        ),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False, comment="RFC 9162 §2.1.1, 32 bytes"),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", _UUID, nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.CheckConstraint("length(leaf_hash) = 32", name="leaf_hash_is_sha256"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("receipts_tenant_id_at_id_idx", "receipts", ["tenant_id", "at", "id"])
    op.create_index("receipts_tenant_id_kind_at_id_idx", "receipts", ["tenant_id", "kind", "at", "id"])
    op.create_table(
        "receipt_disclosures",
        _tenant_id(),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False, comment="RFC 9901 §4.2, base64url"),
        sa.ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "receipt_id", "position"),
    )
    protect("receipts", app=("SELECT", "INSERT"), ledger=("SELECT",))
    append_only("receipts")
    protect("receipt_disclosures", app=("SELECT", "INSERT"))
    distribute("receipts")
    distribute("receipt_disclosures")


def _log() -> None:
    op.create_table(
        "logs",
        _tenant_id(),
        sa.Column("origin", sa.Text(), nullable=False, comment="<vendor host>/log/<random>, for ever"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    op.create_table(
        "log_entries",
        _tenant_id(),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "index"),
        sa.UniqueConstraint("tenant_id", "receipt_id"),
    )
    op.create_table(
        "log_nodes",
        _tenant_id(),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "level", "index"),
    )
    op.create_table(
        "checkpoints",
        _tenant_id(),
        sa.Column("tree_size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="C2SP tlog-checkpoint as signed"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "tree_size"),
    )
    for table in ("logs", "log_entries", "log_nodes", "checkpoints"):
        # A log gets its name from whoever needs it first; only the sequencer puts anything in.
        app = ("SELECT", "INSERT") if table == "logs" else ("SELECT",)
        protect(table, app=app, ledger=("SELECT", "INSERT"))
        append_only(table)
        distribute(table)


def _house() -> None:
    op.create_table(
        "pending_receipts",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", _UUID, nullable=False),
        sa.Column("receipt_id", _UUID, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("key_id", sa.Text(), nullable=False, comment="hex SHA-256 of the DER SubjectPublicKeyInfo"),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("purpose IN ('receipts', 'checkpoints')", name="purpose_is_known"),
        sa.PrimaryKeyConstraint("key_id"),
    )
    grant_house("pending_receipts", app=("INSERT",), ledger=("SELECT", "DELETE"))
    grant_house("signing_keys", app=("SELECT", "INSERT"), ledger=("SELECT",))
    append_only("signing_keys")


def _exports() -> None:
    op.create_table(
        "exports",
        _tenant_id(),
        sa.Column("id", _UUID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", _UUID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False, comment="what is being done, for people"),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.Text(), comment="why it failed, for people"),
        sa.Column("requested_by", postgresql.JSONB(), nullable=False, comment="the actor"),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("manifest_receipt_id", _UUID, nullable=False, comment="chosen with the request"),
        sa.Column(
            "previous_size", sa.BigInteger(), comment="tree the previous export proved; 0: there was none"
        ),
        sa.Column("receipt_ids", postgresql.JSONB(), comment="receipts that travel in the bundle"),
        sa.Column("file_name", sa.Text()),
        sa.Column("tree_size", sa.BigInteger(), comment="of the checkpoint all proofs in the bundle lead to"),
        sa.Column("size", sa.BigInteger(), comment="of the bundle, bytes"),
        sa.Column("digest", sa.LargeBinary(), comment="of the bundle, SHA-256"),
        sa.Column("finished_at", _INSTANT),
        sa.CheckConstraint(
            "state IN ('requested', 'rendering', 'rendered', 'ready', 'failed')", name="state_is_known"
        ),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent_is_one"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "kind", "subject_id", "revision"),
    )
    op.create_table(
        "export_files",
        _tenant_id(),
        sa.Column("export_id", _UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "name"),
    )
    op.create_table(
        "artefacts",
        _tenant_id(),
        sa.Column("export_id", _UUID, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "export_id"),
    )
    protect("exports", app=("SELECT", "INSERT", "UPDATE"))
    # Files are drafts until the manifest is recorded in the same transaction; artefacts are final.
    protect("export_files", app=("SELECT", "INSERT"))
    append_only("export_files")
    protect("artefacts", app=("SELECT", "INSERT"))
    append_only("artefacts")
    for table in ("export_files", "artefacts"):
        # PostgreSQL's own compression of a month of measurements costs more than the disk it saves.
        op.execute(f"ALTER TABLE {table} ALTER COLUMN content SET STORAGE EXTERNAL")
    for table in ("exports", "export_files", "artefacts"):
        distribute(table)


def downgrade() -> None:
    begin_revision()
    for table in (
        "artefacts",
        "export_files",
        "exports",
        "signing_keys",
        "pending_receipts",
        "checkpoints",
        "log_nodes",
        "log_entries",
        "logs",
        "receipt_disclosures",
        "receipts",
    ):
        op.drop_table(table)
