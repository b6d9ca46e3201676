"""From a tenant's spending and its budgets to what is to be said of them. Pure.

A budget for all subsystems burns too fast by the rule that the detector has for one subsystem's
(``cost/detection/budget.py``): the mean of the short and of the long window both reach ``burn_rate``
times an even pace, and the long one is above what is usual.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from trust_portal.cost.budgets.alerts_model import AlertFinding, AlertKind, BudgetAlert, Portion, Spending
from trust_portal.cost.budgets.model import ALL, BudgetBook, BudgetRevision, hours_of, span_of
from trust_portal.cost.detection.versions import INSTALLED_VERSION

HOUR: Final = timedelta(hours=1)
#: Hours of the short and of the long window.
SHORT, LONG = INSTALLED_VERSION.tuning.burn_windows
_ABOVE_HABIT: Final = Decimal(str(INSTALLED_VERSION.tuning.burn_above_habit))


def findings(book: BudgetBook, spending: Spending, burn_rate: float) -> tuple[AlertFinding, ...]:
    """What the budgets that hold now give rise to as of ``spending.hour``; known alerts among it."""
    month = spending.hour.date().replace(day=1)
    found: list[AlertFinding] = []
    for subsystem in (ALL, *sorted(spending.subsystems)):
        budget = book.of_month(spending.tenant_id, subsystem, spending.currency, month)
        if budget is None or budget.amount is None:
            continue
        if subsystem == ALL and (burning := _burning(budget, budget.amount, spending, burn_rate)):
            found.append(burning)
        if used_up := _used_up(budget, budget.amount, spending):
            found.append(used_up)
    return tuple(found)


def _burning(
    budget: BudgetRevision, amount: Decimal, spending: Spending, burn_rate: float
) -> AlertFinding | None:
    month = spending.hour.date().replace(day=1)
    portions = {name: Portion(each.day, each.expected) for name, each in spending.subsystems.items()}
    short = sum((each.short for each in spending.subsystems.values()), Decimal(0))
    day = sum((each.day for each in spending.subsystems.values()), Decimal(0))
    expected = sum((each.expected for each in spending.subsystems.values()), Decimal(0))
    # Cross-multiplied, so that nothing is rounded before it is compared.
    limit = Decimal(str(burn_rate)) * amount
    hours = hours_of(month)
    too_fast = short * hours >= limit * SHORT and day * hours >= limit * LONG
    if not too_fast or day < expected * _ABOVE_HABIT:
        return None
    return AlertFinding(
        kind=AlertKind.BURNING,
        budget=budget,
        month=month,
        start=spending.hour - (LONG - 1) * HOUR,
        hour=spending.hour,
        spent=day,
        allowed=(amount * LONG / hours).quantize(Decimal("0.01")),
        portions=portions,
    )


def _used_up(budget: BudgetRevision, amount: Decimal, spending: Spending) -> AlertFinding | None:
    month = spending.hour.date().replace(day=1)
    portions = {
        name: Portion(each.month, None)
        for name, each in spending.subsystems.items()
        if budget.subsystem in {ALL, name}
    }
    spent = sum((each.spent for each in portions.values()), Decimal(0))
    if spent < amount:
        return None
    return AlertFinding(
        kind=AlertKind.USED_UP,
        budget=budget,
        month=month,
        start=span_of(month)[0],
        hour=spending.hour,
        spent=spent,
        allowed=amount,
        portions=portions,
    )


def is_news(finding: AlertFinding, known: Iterable[BudgetAlert]) -> bool:
    """A budget is used up once a month, until another is set; what goes on burning is said once a day."""
    same = [
        each
        for each in known
        if (each.kind, each.subsystem, each.currency)
        == (finding.kind, finding.budget.subsystem, finding.budget.currency)
    ]
    if finding.kind is AlertKind.USED_UP:
        return not any(
            (each.month, each.budget_revision) == (finding.month, finding.budget.revision) for each in same
        )
    return not any(each.hour > _a_day_before(finding.hour) for each in same)


def _a_day_before(hour: datetime) -> datetime:
    return hour - LONG * HOUR
