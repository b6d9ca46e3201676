"""Whose rows a transaction may see.

A scope is the first statement of every transaction: it sets ``app.tenant_id`` and steps down to
one of four NOLOGIN database roles, so that row-level security holds whoever logged in.

=================  ==========================  ====================================================
scope              database role               sees and does
=================  ==========================  ====================================================
``TenantScope``    ``trust_portal_app``        one tenant's rows, read and write
``StaffScope``     ``trust_portal_staff``      all tenants' rows, read only (the access log aside)
``IntakeScope``    ``trust_portal_intake``     may append facts for any tenant, and read none back
``LedgerScope``    ``trust_portal_ledger``     the sequencer: extends every tenant's log
=================  ==========================  ====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import Select

from trust_portal.errors import Broken
from trust_portal.storage.metadata import TENANT_OWNED


@dataclass(frozen=True, slots=True)
class Scope:
    """Base of the four; ``statement`` opens the transaction."""

    role: ClassVar[str]

    def statement(self) -> str:
        return f"SET LOCAL app.tenant_id = ''; SET LOCAL ROLE {self.role}"


@dataclass(frozen=True, slots=True)
class TenantScope(Scope):
    """Rows of one tenant and the house's own tables."""

    tenant_id: UUID
    role: ClassVar[str] = "trust_portal_app"

    def statement(self) -> str:
        # The literal is made from a UUID object, never from text that came in (TENANCY rule 1).
        if not isinstance(self.tenant_id, UUID):
            raise TypeError("a tenant scope is opened with a UUID")
        return f"SET LOCAL app.tenant_id = '{self.tenant_id}'; SET LOCAL ROLE {self.role}"


@dataclass(frozen=True, slots=True)
class StaffScope(Scope):
    """Every tenant's rows for staff; callers write what was read into the tenants' access logs."""

    role: ClassVar[str] = "trust_portal_staff"


@dataclass(frozen=True, slots=True)
class IntakeScope(Scope):
    """Appends facts of several tenants in one commit."""

    role: ClassVar[str] = "trust_portal_intake"


@dataclass(frozen=True, slots=True)
class LedgerScope(Scope):
    """Integrates pending receipts of several tenants in one commit."""

    role: ClassVar[str] = "trust_portal_ledger"


def require_tenant_filter(statement: ClauseElement) -> None:
    """Refuse a query block that reads a tenant's table without naming the tenant (rule 4).

    Row-level security is the net, not the filter. Raises ``Broken`` naming the table; each block
    (sub-select, EXISTS, lateral) is looked at by itself, and ``a.tenant_id = b.tenant_id`` counts
    for a joined table.
    """
    for block in visitors.iterate(statement):
        if isinstance(block, Select):
            _check_block(block)


def _check_block(block: Select[tuple[object, ...]]) -> None:
    tables = [
        element
        for source in block.get_final_froms()
        for element in visitors.iterate(source)
        if isinstance(element, Table) and element.info.get(TENANT_OWNED)
    ]
    if not tables:
        return
    named: set[str] = set()
    conditions: list[ClauseElement] = list(block.get_final_froms())
    if block.whereclause is not None:
        conditions.append(block.whereclause)
    for condition in conditions:
        for element in visitors.iterate(condition):
            if isinstance(element, BinaryExpression) and element.operator.__name__ in {"eq", "in_op"}:
                for side in (element.left, element.right):
                    if isinstance(side, ColumnClause) and side.name == "tenant_id":
                        named.add(getattr(side.table, "name", ""))
    for table in tables:
        if table.name not in named:
            raise Broken(f"a query reads {table.name} without naming its tenant", code="NO_TENANT")
