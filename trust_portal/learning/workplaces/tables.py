"""Workplaces as rows, none of which ever changes: the last revision holds."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

workplaces = tenant_table(
    "workplaces",
    uuid_column("person_id", primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("country", Text),
    Column("subdivision", Text),
    Column("time_zone", Text, nullable=False),
    uuid_column("manager_id", comment="whom an overdue action is escalated to first"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("people", ("person_id",), ("id",), "workplaces_person_fkey"),
    refers("people", ("manager_id",), ("id",), "workplaces_manager_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "workplaces_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="workplaces_receipt_key"),
    CheckConstraint("revision > 0", name="counts_from_one"),
    CheckConstraint("manager_id IS DISTINCT FROM person_id", name="manager_is_another"),
    CheckConstraint("subdivision IS NULL OR country IS NOT NULL", name="place_is_whole"),
)
