"""One MetaData for all tables, and the two kinds of table there are.

* ``tenant_table``: owned by a tenant. ``tenant_id`` is part of every key, row-level security is
  forced, and every query block names the tenant (checked before a statement leaves the process).
* ``house_table``: nobody's in particular: outbox, queues, registries, vendor-wide runs. It has no
  foreign key to tenant tables and holds no customer content.

Rules: docs/decisions/0003-tenancy.md.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

TENANT_OWNED = "tenant_owned"


def tenant_table(name: str, *items: SchemaItem, **options: Any) -> Table:
    """A table owned by a tenant; its first column is ``tenant_id``, part of the primary key."""
    tenant_id = Column("tenant_id", UUID(as_uuid=True), primary_key=True)
    return Table(name, metadata, tenant_id, *items, info={TENANT_OWNED: True}, **options)


def house_table(name: str, *items: SchemaItem, **options: Any) -> Table:
    """A table of the installation itself, outside tenancy."""
    return Table(name, metadata, *items, info={TENANT_OWNED: False}, **options)


def instant(name: str, **options: Any) -> Column[Any]:
    """A ``timestamptz`` column; values are aware datetimes in UTC."""
    return Column(name, TIMESTAMP(timezone=True), **options)


def uuid_column(name: str, **options: Any) -> Column[Any]:
    return Column(name, UUID(as_uuid=True), **options)


def refers(
    table: str, own: tuple[str, ...], others: tuple[str, ...], name: str, *, use_alter: bool = False
) -> ForeignKeyConstraint:
    """A reference within the tenant: the columns ``own`` to the columns ``others`` of ``table``.

    ``use_alter`` where ``table`` refers back, so that neither has to come before the other.
    """
    return ForeignKeyConstraint(
        ["tenant_id", *own],
        [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)],
        name=name,
        use_alter=use_alter,
    )
