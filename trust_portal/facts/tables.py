"""The append-only record: measurements, facts, and the registry of what was already received."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import house_table, instant, tenant_table

# The key must be unique whichever tenant an event names, and a tenant's table has the tenant in
# every key; hence this table beside them. It holds hashes only.
event_keys = house_table(
    "event_keys",
    Column("key", LargeBinary, primary_key=True, comment="16 bytes over source and id"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the content"),
)

measurements = tenant_table(
    "measurements",
    Column("objective", Text, primary_key=True, comment="external key"),
    instant("minute", primary_key=True),
    Column("event_key", LargeBinary, primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("good", BigInteger, comment="null where only buckets say it"),
    Column("bounds", ARRAY(Text), comment="rising, the last is +Inf"),
    Column("counts", ARRAY(BigInteger), comment="cumulative, one per bound"),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("correction_of", Text, comment="id of the event it replaces"),
    Column("extras", JSONB, comment="fields of data that the type does not name"),
    instant("received_at", nullable=False),
    # Rows arrive in this order, so a block range index is all it takes to find what came late.
    Index("measurements_received_at_idx", "received_at", postgresql_using="brin"),
)

facts = tenant_table(
    "facts",
    Column("event_key", LargeBinary, primary_key=True),
    Column("type", Text, nullable=False),
    instant("time", nullable=False, comment="the event's, or when it was received"),
    Column("subject", Text, comment="key of the incident, window, service, flag, adapter or resource"),
    Column("tenants", ARRAY(UUID(as_uuid=True)), comment="whom a vendor's fact names; null: all"),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("correction_of", Text, comment="id of the event it replaces"),
    Column("body", JSONB, nullable=False, comment="data as it came"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the content"),
    instant("received_at", nullable=False),
    Index("facts_type_time_idx", "tenant_id", "type", "time"),
    Index("facts_subject_idx", "tenant_id", "type", "subject"),
    Index("facts_received_at_idx", "received_at", postgresql_using="brin"),
)
