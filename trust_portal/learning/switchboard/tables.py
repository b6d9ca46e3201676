"""What people keep of the Switchboard for themselves. What it shows lies in the tables of others."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Text

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

switchboard_views = tenant_table(
    "switchboard_views",
    uuid_column("person_id", primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False, comment="filters, as in the address of the page"),
    instant("saved_at", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "person_id"], ["people.tenant_id", "people.id"], name="switchboard_views_person_fkey"
    ),
    CheckConstraint("length(btrim(name)) BETWEEN 1 AND 60", name="name_is_given"),
    CheckConstraint("length(query) <= 1000", name="query_is_short"),
)
