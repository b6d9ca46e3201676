"""Alerts of budgets in and out of their table, and the spending they are measured by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.cost.budgets.alerts import LONG, SHORT
from trust_portal.cost.budgets.alerts_model import (
    AlertFinding,
    AlertKind,
    BudgetAlert,
    Portion,
    Spending,
    Spent,
)
from trust_portal.cost.budgets.tables import budget_alerts, budgets
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Of each tenant up to its last closed hour; an hour is in the window by its start.
_SPENDING: Final = """
WITH closed AS (
  SELECT tenant_id, closed_through AS hour,
    date_trunc('month', closed_through AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
  FROM metering_progress WHERE tenant_id = ANY($1::uuid[]) AND closed_through IS NOT NULL
), spent AS (
  SELECT c.tenant_id, u.subsystem, u.currency,
    coalesce(sum(u.cost) FILTER (WHERE u.hour > c.hour - $2::interval), 0) AS short,
    coalesce(sum(u.cost) FILTER (WHERE u.hour > c.hour - $3::interval), 0) AS day,
    coalesce(sum(u.cost) FILTER (WHERE u.hour >= c.month), 0) AS month
  FROM closed c JOIN usage_hours u ON u.tenant_id = c.tenant_id
    AND u.hour <= c.hour AND u.hour >= least(c.month, c.hour - $3::interval)
  GROUP BY 1, 2, 3
), usual AS (
  SELECT c.tenant_id, e.subsystem, e.currency, sum(e.expected) AS expected
  FROM closed c JOIN cost_expectations e ON e.tenant_id = c.tenant_id
    AND e.hour <= c.hour AND e.hour > c.hour - $3::interval
  GROUP BY 1, 2, 3
)
SELECT s.tenant_id, s.currency, c.hour, s.subsystem, s.short, s.day, coalesce(u.expected, 0), s.month
FROM spent s JOIN closed c USING (tenant_id) LEFT JOIN usual u USING (tenant_id, subsystem, currency)
ORDER BY s.tenant_id, s.currency, s.subsystem
"""


async def tenants_with_budgets(session: ReadSession, after: UUID, limit: int) -> tuple[UUID, ...]:
    """In the staff scope, by id; withdrawn budgets among them."""
    rows = await session.execute(
        select(budgets.c.tenant_id)
        .where(budgets.c.tenant_id > after)
        .distinct()
        .order_by(budgets.c.tenant_id)
        .limit(limit)
    )
    return tuple(rows.scalars())


async def spending_of(session: ReadSession, tenant_ids: Sequence[UUID]) -> tuple[Spending, ...]:
    """By tenant and currency; nothing of a tenant of which no hour was closed."""
    found: dict[tuple[UUID, str], Spending] = {}
    windows = (timedelta(hours=SHORT), timedelta(hours=LONG))
    for tenant_id, currency, hour, name, short, day, expected, month in await (await session.driver()).fetch(
        _SPENDING, tenant_ids, *windows
    ):
        known = found.setdefault((tenant_id, currency), Spending(tenant_id, currency, hour, {}))
        found[tenant_id, currency] = Spending(
            tenant_id, currency, hour, {**known.subsystems, name: Spent(short, day, expected, month)}
        )
    return tuple(found.values())


async def newest_alerts(session: ReadSession, tenant_id: UUID, limit: int) -> tuple[BudgetAlert, ...]:
    """Newest first."""
    rows = await session.execute(
        select(budget_alerts)
        .where(budget_alerts.c.tenant_id == tenant_id)
        .order_by(budget_alerts.c.hour.desc(), budget_alerts.c.subsystem, budget_alerts.c.kind)
        .limit(limit)
    )
    return tuple(_alert(row) for row in rows)


async def alerts_like(session: ReadSession, finding: AlertFinding) -> tuple[BudgetAlert, ...]:
    """Of the same budget and kind, in the months that the finding's hours lie in."""
    budget, column = finding.budget, budget_alerts.c
    rows = await session.execute(
        select(budget_alerts).where(
            column.tenant_id == budget.tenant_id,
            column.subsystem == budget.subsystem,
            column.currency == budget.currency,
            column.kind == finding.kind.value,
            column.hour >= finding.start,
        )
    )
    return tuple(_alert(row) for row in rows)


async def add_alert(session: WriteSession, alert: BudgetAlert) -> None:
    await session.execute(
        insert(budget_alerts).values(
            tenant_id=alert.tenant_id,
            subsystem=alert.subsystem,
            currency=alert.currency,
            kind=alert.kind.value,
            month=alert.month,
            started_at=alert.start,
            hour=alert.hour,
            budget_revision=alert.budget_revision,
            amount=alert.amount,
            spent=alert.spent,
            allowed=alert.allowed,
            portions={name: portion_json(each) for name, each in alert.portions.items()},
            raised_at=alert.raised_at,
            receipt_id=alert.receipt_id,
        )
    )


def portion_json(portion: Portion) -> dict[str, str | None]:
    """Exact, as tables and receipts state it."""
    return {
        "spent": f"{portion.spent:f}",
        "expected": None if portion.expected is None else f"{portion.expected:f}",
    }


def _alert(row: Row[Any]) -> BudgetAlert:
    return BudgetAlert(
        tenant_id=row.tenant_id,
        subsystem=row.subsystem,
        currency=row.currency,
        kind=AlertKind(row.kind),
        month=row.month,
        start=row.started_at,
        hour=row.hour,
        budget_revision=row.budget_revision,
        amount=row.amount,
        spent=row.spent,
        allowed=row.allowed,
        portions={
            name: Portion(
                Decimal(each["spent"]), None if each["expected"] is None else Decimal(each["expected"])
            )
            for name, each in sorted(row.portions.items())
        },
        raised_at=row.raised_at,
        receipt_id=row.receipt_id,
    )
