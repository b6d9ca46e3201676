"""notifications: what people and systems were told, every delivery of it, endpoints, preferences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = (
    "notifications",
    "notification_deliveries",
    "delivery_attempts",
    "delivery_outcomes",
    "delivery_replays",
    "notification_reads",
    "notification_preferences",
    "webhook_endpoints",
)


def upgrade() -> None:
    begin_revision()
    _told()
    _log()
    _people()
    _endpoints()
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _texts(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, ARRAY(sa.Text()), nullable=False, comment=comment)


def _count(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False, comment=comment)


def _receipt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_receipt_id_fkey",
    )


def _delivery(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "delivery_id"],
        ["notification_deliveries.tenant_id", "notification_deliveries.id"],
        name=f"{table}_tenant_id_delivery_id_fkey",
        ondelete="RESTRICT",
    )


def _told() -> None:
    op.create_table(
        "notifications",
        _id("tenant_id"),
        _id("id"),
        _id("origin_id", comment="the tenant it happened in"),
        _text("origin_key", nullable=True, comment="of another tenant than this one"),
        _text("origin_name", nullable=True),
        _text("topic"),
        _text("key", comment="the occasion: told once"),
        _text("title"),
        _text("text"),
        sa.Column("facts", JSONB(), nullable=False, comment="texts by name"),
        _text("path", comment="in the portal"),
        _text("thread"),
        sa.Column("audience", JSONB(), nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="notifications_pkey"),
        sa.UniqueConstraint("tenant_id", "key", name="notifications_tenant_id_key_key"),
    )
    op.create_table(
        "notification_deliveries",
        _id("tenant_id"),
        _id("id"),
        _id("notification_id"),
        _text("channel"),
        _id("recipient_id", comment="a person, or an endpoint"),
        _at("made_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="notification_deliveries_pkey"),
        sa.UniqueConstraint(
            "tenant_id",
            "notification_id",
            "channel",
            "recipient_id",
            name="notification_deliveries_once_key",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notifications.tenant_id", "notifications.id"],
            name="notification_deliveries_tenant_id_notification_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint(
            "channel IN ('mail', 'portal', 'webhook')", name="notification_deliveries_channel_check"
        ),
    )
    op.create_index(
        "notification_deliveries_recipient_idx",
        "notification_deliveries",
        ["tenant_id", "recipient_id", "channel", "id"],
    )


def _log() -> None:
    op.create_table(
        "delivery_attempts",
        _id("tenant_id"),
        _id("delivery_id"),
        _count("ordinal"),
        _count("round", comment="0, or which replay"),
        _text("sent_to", comment="a URL, or an address with its name hidden"),
        _at("begun_at"),
        _id("work_id", nullable=True, comment="the outbox row that made it"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", "ordinal", name="delivery_attempts_pkey"),
        _delivery("delivery_attempts"),
    )
    op.create_table(
        "delivery_outcomes",
        _id("tenant_id"),
        _id("delivery_id"),
        _count("ordinal"),
        _text("verdict"),
        _at("ended_at"),
        sa.Column("status", sa.Integer(), nullable=True, comment="HTTP or SMTP"),
        _text("words", comment="the answer, shortened"),
        _text("peer", comment="the address that was connected to"),
        _at("next_try_at", nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", "ordinal", name="delivery_outcomes_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id", "ordinal"],
            ["delivery_attempts.tenant_id", "delivery_attempts.delivery_id", "delivery_attempts.ordinal"],
            name="delivery_outcomes_tenant_id_delivery_id_ordinal_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint(
            "verdict IN ('delivered', 'failed', 'lost', 'skipped')", name="delivery_outcomes_verdict_check"
        ),
        sa.CheckConstraint(
            "NOT (given_up AND next_try_at IS NOT NULL)", name="delivery_outcomes_given_up_is_final_check"
        ),
    )
    op.create_table(
        "delivery_replays",
        _id("tenant_id"),
        _id("delivery_id"),
        _count("round"),
        _at("asked_at"),
        _id("asked_by_id"),
        _text("asked_by_name"),
        _text("reason"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", "round", name="delivery_replays_pkey"),
        _delivery("delivery_replays"),
        _receipt("delivery_replays"),
    )


def _people() -> None:
    op.create_table(
        "notification_reads",
        _id("tenant_id"),
        _id("delivery_id"),
        _at("read_at"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", name="notification_reads_pkey"),
        _delivery("notification_reads"),
    )
    op.create_table(
        "notification_preferences",
        _id("tenant_id"),
        _id("person_id"),
        _count("revision"),
        _texts("without_mail", comment="topics; everything else is mailed"),
        _at("changed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", "revision", name="notification_preferences_pkey"),
    )


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        _id("tenant_id"),
        _id("id"),
        _count("revision", comment="the newest holds"),
        _text("label"),
        _text("url"),
        _texts("topics"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _count("generation", comment="of the secret, which is derived"),
        _text("fingerprint", comment="of the public key: tells a wrong key file"),
        _at("previous_until", nullable=True),
        _text("act", comment="what made this revision"),
        _at("at"),
        _id("by_id"),
        _text("by_name"),
        _text("reason"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", "revision", name="webhook_endpoints_pkey"),
        _receipt("webhook_endpoints"),
    )
