"""Roll-ups as rows: derived from usage, so they may be rewritten at any time and come out the same."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import instant, tenant_table

#: The series that are watched. One per tenant, subsystem and currency: amounts of two currencies do not add up.
usage_hours = tenant_table(
    "usage_hours",
    instant("hour", primary_key=True, comment="its start, UTC"),
    Column("subsystem", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("cost", Numeric, nullable=False, comment="exact, in major units"),
    Column("events", Integer, nullable=False),
)

#: The same hours by what can explain them.
usage_parts = tenant_table(
    "usage_parts",
    instant("hour", primary_key=True, comment="its start, UTC"),
    Column("subsystem", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("part", LargeBinary, primary_key=True, comment="16 bytes over the dimensions"),
    Column("resource", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("adapter", Text),
    Column("unit", Text, nullable=False),
    Column("labels", JSONB, nullable=False, comment="those that explanations ask for"),
    Column("quantity", Numeric, nullable=False),
    Column("cost", Numeric, nullable=False, comment="exact, in major units"),
    Column("events", Integer, nullable=False),
)

#: How far a tenant has been metered and watched.
metering_progress = tenant_table(
    "metering_progress",
    Column(
        "revision", BigInteger, nullable=False, comment="counts the roll-ups; a close that missed one is void"
    ),
    instant("first_hour", nullable=False, comment="of any usage"),
    instant("closed_through", comment="start of the last hour the detector has seen"),
    instant("dirty_from", comment="earliest closed hour that has changed since"),
    instant("rolled_up_at", nullable=False),
    instant("recast_at", comment="when closed hours, or the first one, last became others"),
)
