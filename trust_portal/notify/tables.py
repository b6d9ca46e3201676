"""Tables of the room. All are a tenant's and append-only: what was told stays told.

A row lives in the home of whom it is for. A notification is written where it happened; the vendor,
if anybody there is told, gets a copy of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

notifications = tenant_table(
    "notifications",
    uuid_column("id", primary_key=True),
    uuid_column("origin_id", nullable=False, comment="the tenant it happened in"),
    Column("origin_key", Text, comment="of another tenant than this one"),
    Column("origin_name", Text),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False, comment="the occasion: told once"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", JSONB, nullable=False, comment="texts by name"),
    Column("path", Text, nullable=False, comment="in the portal"),
    Column("thread", Text, nullable=False),
    Column("audience", JSONB, nullable=False),
    instant("at", nullable=False),
    UniqueConstraint("tenant_id", "key"),
)

notification_deliveries = tenant_table(
    "notification_deliveries",
    uuid_column("id", primary_key=True),
    uuid_column("notification_id", nullable=False),
    Column("channel", Text, nullable=False),
    uuid_column("recipient_id", nullable=False, comment="a person, or an endpoint"),
    instant("made_at", nullable=False),
    UniqueConstraint(
        "tenant_id",
        "notification_id",
        "channel",
        "recipient_id",
        name="notification_deliveries_once_key",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "notification_id"], ["notifications.tenant_id", "notifications.id"], ondelete="RESTRICT"
    ),
    CheckConstraint("channel IN ('mail', 'portal', 'webhook')", name="channel"),
    Index("notification_deliveries_recipient_idx", "tenant_id", "recipient_id", "channel", "id"),
)

_DELIVERY = (
    ["tenant_id", "delivery_id"],
    ["notification_deliveries.tenant_id", "notification_deliveries.id"],
)
#: By name: the room of the receipts lies above this one.
_RECEIPT = (["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"])

delivery_attempts = tenant_table(
    "delivery_attempts",
    uuid_column("delivery_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, nullable=False, comment="0, or which replay"),
    Column("sent_to", Text, nullable=False, comment="a URL, or an address with its name hidden"),
    instant("begun_at", nullable=False),
    uuid_column("work_id", comment="the outbox row that made it"),
    ForeignKeyConstraint(*_DELIVERY, ondelete="RESTRICT"),
)

delivery_outcomes = tenant_table(
    "delivery_outcomes",
    uuid_column("delivery_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    instant("ended_at", nullable=False),
    Column("status", Integer, comment="HTTP or SMTP"),
    Column("words", Text, nullable=False, comment="the answer, shortened"),
    Column("peer", Text, nullable=False, comment="the address that was connected to"),
    instant("next_try_at"),
    Column("given_up", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "delivery_id", "ordinal"],
        ["delivery_attempts.tenant_id", "delivery_attempts.delivery_id", "delivery_attempts.ordinal"],
        ondelete="RESTRICT",
    ),
    CheckConstraint("verdict IN ('delivered', 'failed', 'lost', 'skipped')", name="verdict"),
    CheckConstraint("NOT (given_up AND next_try_at IS NOT NULL)", name="given_up_is_final"),
)

delivery_replays = tenant_table(
    "delivery_replays",
    uuid_column("delivery_id", primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    instant("asked_at", nullable=False),
    uuid_column("asked_by_id", nullable=False),
    Column("asked_by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(*_DELIVERY, ondelete="RESTRICT"),
    ForeignKeyConstraint(*_RECEIPT),
)

notification_reads = tenant_table(
    "notification_reads",
    uuid_column("delivery_id", primary_key=True),
    instant("read_at", nullable=False),
    ForeignKeyConstraint(*_DELIVERY, ondelete="RESTRICT"),
)

notification_preferences = tenant_table(
    "notification_preferences",
    uuid_column("person_id", primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("without_mail", ARRAY(Text), nullable=False, comment="topics; everything else is mailed"),
    instant("changed_at", nullable=False),
)

webhook_endpoints = tenant_table(
    "webhook_endpoints",
    uuid_column("id", primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False, comment="the newest holds"),
    Column("label", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("generation", Integer, nullable=False, comment="of the secret, which is derived"),
    Column("fingerprint", Text, nullable=False, comment="of the public key: tells a wrong key file"),
    instant("previous_until"),
    Column("act", Text, nullable=False, comment="what made this revision"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(*_RECEIPT),
)
