"""The append-only record: measurements, usage, facts, and the registry of what was already received."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.metadata import house_table, instant, tenant_table, uuid_column

# The key must be unique whichever tenant an event names, and a tenant's table has the tenant in
# every key; hence this table beside them. It holds hashes only, in PostgreSQL's one type of 16
# bytes: half the size of bytea in the index, and compared without unpacking.
event_keys = house_table(
    "event_keys",
    uuid_column("key", primary_key=True, comment="hash of source and id"),
    uuid_column("digest", nullable=False, comment="first 16 bytes of the SHA-256 of the content"),
)

measurements = tenant_table(
    "measurements",
    Column("objective", Text, primary_key=True, comment="external key"),
    instant("minute", primary_key=True),
    uuid_column("event_key", primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("good", BigInteger, comment="null where only buckets say it"),
    Column("bounds", ARRAY(Text), comment="rising, the last is +Inf"),
    Column("counts", ARRAY(BigInteger), comment="cumulative, one per bound"),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("correction_of", Text, comment="id of the event it replaces, of the same source"),
    Column("extras", JSONB, comment="fields of data that the type does not name"),
    instant("received_at", nullable=False),
    # Rows arrive in this order, so a block range index is all it takes to find what came late.
    Index("measurements_received_at_idx", "received_at", postgresql_using="brin"),
    Index(
        "measurements_correction_idx",
        "tenant_id",
        "source",
        "correction_of",
        postgresql_where=text("correction_of IS NOT NULL"),
    ),
)

usage = tenant_table(
    "usage",
    uuid_column("event_key", primary_key=True),
    Column("subsystem", Text, nullable=False, comment="compute, storage, egress or adapters"),
    instant("time", nullable=False, comment="when it was used"),
    Column("resource", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("adapter", Text),
    Column("quantity", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("cost", Numeric, nullable=False, comment="exact, in major units"),
    Column("currency", Text, nullable=False, comment="ISO 4217"),
    Column("labels", JSONB),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("correction_of", Text, comment="id of the event it replaces, of the same source"),
    uuid_column("corrects", comment="key of the event it replaces"),
    Column("extras", JSONB, comment="fields of data that the type does not name"),
    instant("received_at", nullable=False),
    Index("usage_time_idx", "tenant_id", "subsystem", "time"),
    Index("usage_corrects_idx", "tenant_id", "corrects", postgresql_where=text("corrects IS NOT NULL")),
)

# What usage a commit brought, left for the roll-ups. A queue and no high-water mark: a transaction
# that began early and commits late would stay below the mark for ever, here its row just appears.
usage_batches = house_table(
    "usage_batches",
    uuid_column("id", primary_key=True),
    uuid_column("tenant_id", nullable=False),
    Column("subsystem", Text, nullable=False),
    Column("hours", ARRAY(TIMESTAMP(timezone=True)), nullable=False, comment="starts of the hours touched"),
    Column("corrects", ARRAY(UUID(as_uuid=True)), nullable=False, comment="keys of events replaced"),
    instant("received_at", nullable=False),
    Index("usage_batches_tenant_idx", "tenant_id"),
)

# Of which incidents something was told, left for the register of incidents; a queue for the same reason.
incident_touches = house_table(
    "incident_touches",
    uuid_column("id", primary_key=True),
    Column("keys", ARRAY(Text), nullable=False, comment="external keys of the incidents"),
    instant("received_at", nullable=False),
)

facts = tenant_table(
    "facts",
    uuid_column("event_key", primary_key=True),
    Column("type", Text, nullable=False),
    instant("time", nullable=False, comment="the event's, or when it was received"),
    Column("subject", Text, comment="key of the incident, window, service, flag, adapter or resource"),
    Column("tenants", ARRAY(UUID(as_uuid=True)), comment="whom a vendor's fact names; null: all"),
    Column("bounds", ARRAY(UUID(as_uuid=True)), comment="whom its token could speak for; null: everybody"),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("body", JSONB, nullable=False, comment="data as it came"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the content"),
    instant("received_at", nullable=False),
    Index("facts_type_time_idx", "tenant_id", "type", "time"),
    Index("facts_subject_idx", "tenant_id", "type", "subject"),
    Index("facts_received_at_idx", "received_at", postgresql_using="brin"),
)
