"""Contract versions as rows: written once, in the words they came in."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

contracts = tenant_table(
    "contracts",
    uuid_column("id", primary_key=True),
    Column("version", Text, nullable=False),
    Column("effective_from", Text, comment="as written: a date or an instant"),
    Column("lengths", ARRAY(Text), nullable=False, comment="of the periods it promises for: month, quarter"),
    Column("document", Text, nullable=False, comment="the YAML document as it was imported"),
    Column("sha256", Text, nullable=False, comment="of document, UTF-8"),
    uuid_column("receipt_id", nullable=False),
    instant("recorded_at", nullable=False),
    Column("recorded_by_name", Text, nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    UniqueConstraint("tenant_id", "version"),
)
