"""facts: events, measurements and usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trust_portal.storage.migration import append_only, begin_revision, distribute, grant_house, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begin_revision()
    op.create_table(
        "event_keys",
        sa.Column("key", sa.UUID, nullable=False, comment="hash of source and id"),
        sa.Column("digest", sa.UUID, nullable=False, comment="first 16 bytes of the SHA-256 of the content"),
        sa.PrimaryKeyConstraint("key", name="event_keys_pkey"),
    )
    grant_house("event_keys", app=(), staff=(), intake=("SELECT", "INSERT"))
    append_only("event_keys")
    _create_measurements()
    _create_usage()
    _create_facts()
    for table in ("measurements", "usage", "facts"):
        protect(table, app=("SELECT",), intake=("INSERT",))
        append_only(table)
        distribute(table)


def _create_measurements() -> None:
    op.create_table(
        "measurements",
        sa.Column("tenant_id", sa.UUID, nullable=False),
        sa.Column("objective", sa.Text, nullable=False, comment="external key"),
        _instant("minute", nullable=False),
        sa.Column("event_key", sa.UUID, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("good", sa.BigInteger, comment="null where only buckets say it"),
        sa.Column("bounds", postgresql.ARRAY(sa.Text), comment="rising, the last is +Inf"),
        sa.Column("counts", postgresql.ARRAY(sa.BigInteger), comment="cumulative, one per bound"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("correction_of", sa.Text, comment="id of the event it replaces, of the same source"),
        sa.Column("extras", postgresql.JSONB, comment="fields of data that the type does not name"),
        _instant("received_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "objective", "minute", "event_key", name="measurements_pkey"),
    )
    op.create_index("measurements_received_at_idx", "measurements", ["received_at"], postgresql_using="brin")
    op.create_index(
        "measurements_correction_idx",
        "measurements",
        ["tenant_id", "source", "correction_of"],
        postgresql_where=sa.text("correction_of IS NOT NULL"),
    )


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("tenant_id", sa.UUID, nullable=False),
        sa.Column("event_key", sa.UUID, nullable=False),
        sa.Column("subsystem", sa.Text, nullable=False, comment="compute, storage, egress or adapters"),
        _instant("time", nullable=False, comment="when it was used"),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("adapter", sa.Text),
        sa.Column("quantity", sa.Numeric, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("cost", sa.Numeric, nullable=False, comment="exact, in major units"),
        sa.Column("currency", sa.Text, nullable=False, comment="ISO 4217"),
        sa.Column("labels", postgresql.JSONB),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("correction_of", sa.Text, comment="id of the event it replaces, of the same source"),
        sa.Column("corrects", sa.UUID, comment="key of the event it replaces"),
        sa.Column("extras", postgresql.JSONB, comment="fields of data that the type does not name"),
        _instant("received_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_key", name="usage_pkey"),
    )
    op.create_index("usage_time_idx", "usage", ["tenant_id", "subsystem", "time"])
    op.create_index(
        "usage_corrects_idx",
        "usage",
        ["tenant_id", "corrects"],
        postgresql_where=sa.text("corrects IS NOT NULL"),
    )
    op.create_table(
        "usage_batches",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("tenant_id", sa.UUID, nullable=False),
        sa.Column("subsystem", sa.Text, nullable=False),
        sa.Column(
            "hours",
            postgresql.ARRAY(sa.TIMESTAMP(timezone=True)),
            nullable=False,
            comment="starts of the hours touched",
        ),
        sa.Column("corrects", postgresql.ARRAY(sa.UUID), nullable=False, comment="keys of events replaced"),
        _instant("received_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name="usage_batches_pkey"),
    )
    op.create_index("usage_batches_tenant_idx", "usage_batches", ["tenant_id"])
    grant_house("usage_batches", app=("SELECT", "DELETE"), intake=("INSERT",))


def _create_facts() -> None:
    op.create_table(
        "facts",
        sa.Column("tenant_id", sa.UUID, nullable=False),
        sa.Column("event_key", sa.UUID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        _instant("time", nullable=False, comment="the event's, or when it was received"),
        sa.Column(
            "subject", sa.Text, comment="key of the incident, window, service, flag, adapter or resource"
        ),
        sa.Column("tenants", postgresql.ARRAY(sa.UUID), comment="whom a vendor's fact names; null: all"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("body", postgresql.JSONB, nullable=False, comment="data as it came"),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the content"),
        _instant("received_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_key", name="facts_pkey"),
    )
    op.create_index("facts_type_time_idx", "facts", ["tenant_id", "type", "time"])
    op.create_index("facts_subject_idx", "facts", ["tenant_id", "type", "subject"])
    op.create_index("facts_received_at_idx", "facts", ["received_at"], postgresql_using="brin")


def downgrade() -> None:
    begin_revision()
    for table in ("facts", "usage_batches", "usage", "measurements", "event_keys"):
        op.drop_table(table)


def _instant(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), **options)  # type: ignore[arg-type]
