"""What is said of a budget by itself: that it burns too fast, or that it is used up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from trust_portal.cost.budgets.model import BudgetRevision


class AlertKind(StrEnum):
    """``BURNING`` is of budgets for all subsystems: one subsystem's burning is an anomaly of its series."""

    BURNING = "burning"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one subsystem, exact, in major units, up to the last closed hour.

    ``short`` and ``day`` are over the two windows of the burn rate, ``expected`` over the longer one,
    ``month`` since the month began.
    """

    short: Decimal
    day: Decimal
    expected: Decimal
    month: Decimal


@dataclass(frozen=True, slots=True)
class Spending:
    """A tenant's subsystems in one currency after ``hour`` (its start) was closed."""

    tenant_id: UUID
    currency: str
    hour: datetime
    subsystems: Mapping[str, Spent]


@dataclass(frozen=True, slots=True)
class Portion:
    """What one subsystem has in an alert; ``expected`` where it is compared with what is usual."""

    spent: Decimal
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """An alert before it is on record.

    ``spent`` is of ``start`` through ``hour`` and the sum of ``portions``; ``allowed`` is what the budget
    gives for that time if it is spent evenly, so all of it for what is used up.
    """

    kind: AlertKind
    budget: BudgetRevision
    month: date
    start: datetime
    hour: datetime
    spent: Decimal
    allowed: Decimal
    portions: Mapping[str, Portion]

    @property
    def expected(self) -> Decimal | None:
        """What is usual for that time, where it counts."""
        known = [each.expected for each in self.portions.values() if each.expected is not None]
        return sum(known, Decimal(0)) if known else None


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """One on record, never to change: later figures of its hours are not what it was raised on."""

    tenant_id: UUID
    subsystem: str
    currency: str
    kind: AlertKind
    month: date
    start: datetime
    hour: datetime
    budget_revision: int
    amount: Decimal
    spent: Decimal
    allowed: Decimal
    portions: Mapping[str, Portion]
    raised_at: datetime
    receipt_id: UUID

    @property
    def end(self) -> datetime:
        """When the last hour that counts was over."""
        return self.hour + timedelta(hours=1)
