"""Budgets in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.cost.budgets.model import BudgetRevision
from trust_portal.cost.budgets.tables import budgets
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def budget_revisions(session: ReadSession, tenant_ids: Collection[UUID]) -> tuple[BudgetRevision, ...]:
    """Every revision of these tenants, oldest first."""
    rows = await session.execute(
        select(budgets).where(budgets.c.tenant_id.in_(tenant_ids)).order_by(budgets.c.revision)
    )
    return tuple(_revision(row) for row in rows)


async def add_budget(session: WriteSession, budget: BudgetRevision, actor: Actor) -> None:
    """``Conflict`` when somebody set the same revision at the same moment."""
    added = await session.execute(
        insert(budgets)
        .values(
            tenant_id=budget.tenant_id,
            subsystem=budget.subsystem,
            currency=budget.currency,
            revision=budget.revision,
            amount=budget.amount,
            from_month=budget.from_month,
            reason=budget.reason,
            set_at=budget.set_at,
            set_by_id=actor.id,
            set_by_name=budget.set_by,
            receipt_id=budget.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(budgets.c.revision)
    )
    if added.first() is None:
        raise Conflict("this budget was changed meanwhile", code="STALE")


def _revision(row: Row[Any]) -> BudgetRevision:
    return BudgetRevision(
        tenant_id=row.tenant_id,
        subsystem=row.subsystem,
        currency=row.currency,
        revision=row.revision,
        amount=row.amount,
        from_month=row.from_month,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )
