"""The tables of evidence. What a receipt says is in its signed envelope; columns only find it.

``receipts``, ``log_entries``, ``log_nodes`` and ``checkpoints`` take INSERT and nothing else: by
grants and by triggers. ``pending_receipts`` is the sequencer's inbox and the only place that
forgets.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import house_table, instant, tenant_table, uuid_column

receipts = tenant_table(
    "receipts",
    uuid_column("id", primary_key=True),
    Column("kind", Text, nullable=False),
    Column("predicate_type", Text, nullable=False),
    Column("subjects", JSONB, nullable=False, comment="as in the statement: name and SHA-256"),
    Column("envelope", LargeBinary, nullable=False, comment="the DSSE envelope's bytes as signed"),
    Column("leaf_hash", LargeBinary, nullable=False, comment="RFC 9162 §2.1.1, 32 bytes"),
    Column("key_id", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    uuid_column("actor_id", nullable=False),
    Column("actor_name", Text, nullable=False),
    instant("at", nullable=False),
    CheckConstraint("length(leaf_hash) = 32", name="leaf_hash_is_sha256"),
    Index("receipts_tenant_id_at_id_idx", "tenant_id", "at", "id"),
    Index("receipts_tenant_id_kind_at_id_idx", "tenant_id", "kind", "at", "id"),
)

#: Beside the receipts and not in them: one can be erased, and its receipt still verifies.
receipt_disclosures = tenant_table(
    "receipt_disclosures",
    uuid_column("receipt_id", primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("disclosure", Text, nullable=False, comment="RFC 9901 §4.2, base64url"),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
)

logs = tenant_table(
    "logs",
    Column("origin", Text, nullable=False, comment="<vendor host>/log/<random>, for ever"),
    instant("created_at", nullable=False),
)

log_entries = tenant_table(
    "log_entries",
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    uuid_column("receipt_id", nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    UniqueConstraint("tenant_id", "receipt_id"),
)

#: Hashes of complete subtrees of 2**level leaves (level ≥ 1), so that a proof reads O(log n) rows.
log_nodes = tenant_table(
    "log_nodes",
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

checkpoints = tenant_table(
    "checkpoints",
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False, comment="C2SP tlog-checkpoint as signed"),
    instant("at", nullable=False),
)

pending_receipts = house_table(
    "pending_receipts",
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    uuid_column("tenant_id", nullable=False),
    uuid_column("receipt_id", nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)

signing_keys = house_table(
    "signing_keys",
    Column("key_id", Text, primary_key=True, comment="hex SHA-256 of the DER SubjectPublicKeyInfo"),
    Column("purpose", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    instant("created_at", nullable=False),
    Column("replaces", Text, comment="the key it follows; null: the first"),
    ForeignKeyConstraint(["replaces"], ["signing_keys.key_id"], name="signing_keys_replaces_fkey"),
    UniqueConstraint("replaces", name="signing_keys_replaces_key"),
    Index("signing_keys_one_first_key", "purpose", unique=True, postgresql_where=text("replaces IS NULL")),
    CheckConstraint("purpose IN ('receipts', 'checkpoints', 'webhooks')", name="purpose_is_known"),
)

#: Keys by which nothing can come into a log any more.
key_retirements = house_table(
    "key_retirements",
    Column("key_id", Text, primary_key=True),
    instant("at", nullable=False),
    ForeignKeyConstraint(["key_id"], ["signing_keys.key_id"]),
)

#: What an edge says: from this index on the key is good, or no longer is.
FIRST: Final = "first"
END: Final = "end"

#: Where in a tenant's log a key begins and ends to be good; none of either: as far as the log goes.
key_edges = tenant_table(
    "key_edges",
    Column("key_id", Text, primary_key=True),
    Column("edge", Text, primary_key=True, comment="first: good from here; end: no longer from here"),
    Column("index", BigInteger, nullable=False, comment="of the tenant's log"),
    instant("at", nullable=False),
    CheckConstraint("edge IN ('first', 'end')", name="edge_is_known"),
    CheckConstraint("index >= 0", name="index_is_a_place"),
)

#: Approved rotations, in the vendor's tenant; the use of an approval stands behind each.
key_rotations = tenant_table(
    "key_rotations",
    Column("key_id", Text, primary_key=True, comment="hex SHA-256 of the DER SubjectPublicKeyInfo"),
    Column("purpose", Text, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    uuid_column("approval_id", nullable=False),
    Column("use_ordinal", Integer, nullable=False),
    Column("use_act", Text, nullable=False),
    instant("at", nullable=False, comment="when the approval was used"),
    uuid_column("receipt_id", nullable=False),
    UniqueConstraint("tenant_id", "approval_id", name="key_rotations_approval_key"),
    Column("approval_kind", Text, Computed("'key_rotation'::text", persisted=True)),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
        name="key_rotations_kind_fkey",
    ),
    UniqueConstraint("tenant_id", "replaces", name="key_rotations_replaces_key"),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "use_ordinal", "use_act", "at"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
        name="key_rotations_use_fkey",
    ),
    CheckConstraint("use_act = 'use' AND use_ordinal >= 3", name="two_people_approved"),
    CheckConstraint("purpose IN ('receipts', 'checkpoints')", name="purpose_is_rotated"),
    CheckConstraint("length(public_key) = 32 AND key_id <> replaces", name="key_is_another"),
)

exports = tenant_table(
    "exports",
    uuid_column("id", primary_key=True),
    Column("kind", Text, nullable=False),
    uuid_column("subject_id", nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Text, nullable=False, comment="what is being done, for people"),
    Column("percent", SmallInteger, nullable=False),
    Column("failure", Text, comment="why it failed, for people"),
    Column("requested_by", JSONB, nullable=False, comment="the actor"),
    instant("requested_at", nullable=False),
    uuid_column("manifest_receipt_id", nullable=False, comment="chosen with the request"),
    Column("previous_size", BigInteger, comment="tree the previous export proved; 0: there was none"),
    Column("meanwhile_size", BigInteger, comment="tree of what was finished while this was made"),
    Column("receipt_ids", JSONB, comment="receipts that travel in the bundle"),
    Column("file_name", Text),
    Column("tree_size", BigInteger, comment="of the checkpoint all proofs in the bundle lead to"),
    Column("size", BigInteger, comment="of the bundle, bytes"),
    Column("digest", LargeBinary, comment="of the bundle, SHA-256"),
    instant("finished_at"),
    UniqueConstraint("tenant_id", "kind", "subject_id", "revision"),
    CheckConstraint(
        "state IN ('requested', 'rendering', 'rendered', 'ready', 'failed')", name="state_is_known"
    ),
    CheckConstraint("percent BETWEEN 0 AND 100", name="percent_is_one"),
)

export_files = tenant_table(
    "export_files",
    uuid_column("export_id", primary_key=True),
    Column("name", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("sealed", Boolean, nullable=False, server_default="false", comment="content is encrypted"),
    ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
)

artefacts = tenant_table(
    "artefacts",
    uuid_column("export_id", primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    instant("created_at", nullable=False),
    Column("sealed", Boolean, nullable=False, server_default="false", comment="content is encrypted"),
    ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
)

#: What was done about a customer's own key; the newest act says how it stands. The key is not here.
customer_keys = tenant_table(
    "customer_keys",
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("key_id", Text, nullable=False, comment="as the key service knows it"),
    Column("public_key", LargeBinary, nullable=False, comment="checks proofs of its use"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    CheckConstraint("act IN ('enable', 'rotate', 'withdraw')", name="act_is_known"),
    CheckConstraint("length(public_key) = 32", name="public_key_is_ed25519"),
)

#: One for each sealed export, wrapped under the customer's key.
data_keys = tenant_table(
    "data_keys",
    uuid_column("export_id", primary_key=True),
    Column("key_id", Text, nullable=False, comment="the customer's key that wraps it"),
    Column("wrapped", LargeBinary, nullable=False),
    instant("at", nullable=False),
    ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
)
