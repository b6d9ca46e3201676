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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Delete, Table, Update
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BooleanClauseList,
    ClauseElement,
    ColumnClause,
    Grouping,
)
from sqlalchemy.sql.selectable import CTE, Alias, FromClause, Join, Select, Subquery

from trust_portal.errors import Broken
from trust_portal.storage.metadata import TENANT_OWNED

#: The one policy that binds the application's role (``storage.migration``), as PostgreSQL prints it.
POLICY_AS_PRINTED: Final = (
    "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
)

#: Structures of statements that were found right, and how many of them are kept.
_NAME_THEIR_TENANT: Final[set[tuple[Any, ...]]] = set()
_REMEMBERED: Final = 5_000


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
        # The literal is made from a UUID object, never from text that came in.
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
    """Refuse a query block that touches a tenant's table without naming the tenant (rule 4).

    Row-level security is the net, not the filter. Each block (sub-select, EXISTS, lateral, UPDATE,
    DELETE) is looked at by itself: each of its tables must be bound to a value or to a table of an
    outer block, directly or through ``a.tenant_id = b.tenant_id``. Raises ``Broken`` naming the table.

    Whether it does is a matter of the statement's structure alone, by which SQLAlchemy also tells whether
    it has compiled it before (its cache key, without bound values): what was found right is not walked again.
    """
    key = statement._generate_cache_key()  # noqa: SLF001 - has no public name
    if key is None:
        _walk(statement, frozenset())
    elif key.key not in _NAME_THEIR_TENANT:
        _walk(statement, frozenset())
        if len(_NAME_THEIR_TENANT) == _REMEMBERED:
            _NAME_THEIR_TENANT.clear()
        _NAME_THEIR_TENANT.add(key.key)


def _walk(element: ClauseElement, outer: frozenset[str]) -> None:
    """Check every block below ``element``; ``outer`` names the tables of the blocks around it."""
    if isinstance(element, Table):
        return
    if isinstance(element, Select | Update | Delete):
        sources = element.get_final_froms() if isinstance(element, Select) else [element.table]
        outer |= _check_block(sources, element.whereclause, outer)
    elif isinstance(element, Subquery | CTE):
        outer = frozenset()  # it sees no table of the block that selects from it
    for child in element.get_children():
        _walk(child, outer)


def _check_block(
    sources: Sequence[FromClause], where: ClauseElement | None, outer: frozenset[str]
) -> frozenset[str]:
    """The names of this block's tables, once each of its tenants' tables is bound."""
    tenants: dict[str, bool] = {}
    pending = [] if where is None else [where]
    for source in sources:
        _collect(source, tenants, pending)
    # What an outer block reads already is correlated, unless nothing else would be left to read.
    own = tenants.keys() - outer or tenants.keys()
    bound: set[str] = set()
    joined: list[tuple[str, str]] = []
    for comparison in (each for condition in pending for each in _comparisons(condition)):
        left, right = _tenant_of(comparison.left), _tenant_of(comparison.right)
        if left in own and right in own:
            joined.append((str(left), str(right)))
        else:
            bound |= {name for name in (left, right) if name is not None and name in own}
    for _ in joined:  # as many rounds as links are enough to follow every chain
        for one, other in joined:
            if one in bound or other in bound:
                bound |= {one, other}
    for name in sorted(own - bound):
        if tenants[name]:
            raise Broken(f"a query touches {name} without naming its tenant", code="NO_TENANT")
    return frozenset(own)


def _collect(source: FromClause, tenants: dict[str, bool], conditions: list[ClauseElement]) -> None:
    """The tables of one FROM by name or alias, and the conditions of its joins.

    What lies within a sub-select is a block of its own; its columns may still carry the link.
    """
    if isinstance(source, Join):
        _collect(source.left, tenants, conditions)
        _collect(source.right, tenants, conditions)
        if source.onclause is not None:
            conditions.append(source.onclause)
        return
    table = source.element if isinstance(source, Alias) else source
    name = getattr(source, "name", None)
    if name is not None:
        tenants[str(name)] = isinstance(table, Table) and bool(table.info.get(TENANT_OWNED))


def _comparisons(condition: object) -> Iterator[BinaryExpression[Any]]:
    """Equalities that hold for this block: not those under OR or NOT, nor those of a sub-select."""
    if isinstance(condition, BinaryExpression):
        if condition.operator in {operators.eq, operators.in_op}:
            yield condition
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from _comparisons(clause)
    elif isinstance(condition, Grouping):
        yield from _comparisons(condition.element)


def _tenant_of(side: ClauseElement) -> str | None:
    """The table or alias whose ``tenant_id`` this is."""
    if isinstance(side, ColumnClause) and side.name == "tenant_id" and side.table is not None:
        return str(getattr(side.table, "name", ""))
    return None
