"""Postmortems as rows, none of which ever changes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Text, UniqueConstraint

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

postmortems = tenant_table(
    "postmortems",
    uuid_column("id", primary_key=True),
    uuid_column("incident_id", nullable=False),
    instant("opened_at", nullable=False),
    Column("opened_because", Text, nullable=False, comment="declared, raised or merged"),
    uuid_column("owner_person_id", comment="who is to sign it, as known when it was opened"),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "incident_id"],
        ["incidents.tenant_id", "incidents.id"],
        name="postmortems_incident_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"], name="postmortems_receipt_fkey"
    ),
    UniqueConstraint("tenant_id", "incident_id", name="postmortems_incident_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortems_receipt_key"),
    CheckConstraint("opened_because IN ('declared', 'raised', 'merged')", name="reason_is_known"),
    Index("postmortems_newest_idx", "tenant_id", "opened_at", "id"),
)
