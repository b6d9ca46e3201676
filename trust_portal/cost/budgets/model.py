"""Monthly budgets: what holds when, and what that is per hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

#: Stands for all subsystems together, in keys where NULL cannot.
ALL = ""


@dataclass(frozen=True, slots=True)
class BudgetRevision:
    """``amount`` per calendar month in UTC, major units; ``None`` withdraws the budget.

    It holds from ``from_month`` (a first of a month) until a later revision does.
    """

    tenant_id: UUID
    subsystem: str
    currency: str
    revision: int
    amount: Decimal | None
    from_month: date
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID


class BudgetBook:
    """All revisions of some tenants."""

    def __init__(self, revisions: Iterable[BudgetRevision]) -> None:
        self._scopes: dict[tuple[UUID, str, str], list[BudgetRevision]] = {}
        for each in sorted(revisions, key=lambda each: each.revision):
            self._scopes.setdefault((each.tenant_id, each.subsystem, each.currency), []).append(each)

    def of_month(
        self, tenant_id: UUID, subsystem: str, currency: str, month: date, at: datetime | None = None
    ) -> BudgetRevision | None:
        """The revision that holds for ``month``, as known at ``at``; ``None`` without a budget."""
        held = [
            each
            for each in self._scopes.get((tenant_id, subsystem, currency), ())
            if each.from_month <= month and (at is None or each.set_at <= at)
        ]
        return held[-1] if held and held[-1].amount is not None else None

    def per_hour(self, tenant_id: UUID, subsystem: str, currency: str, hour: datetime) -> float | None:
        """What an hour may cost if the month's budget is spent evenly, as known at its end."""
        if not self._scopes:
            return None
        month = hour.date().replace(day=1)
        found = self.of_month(tenant_id, subsystem, currency, month, hour + timedelta(hours=1))
        return None if found is None or found.amount is None else float(found.amount / hours_of(month))

    def changes(self, tenant_id: UUID) -> frozenset[datetime]:
        """When a tenant's budgets were set."""
        return frozenset(
            each.set_at
            for (owner, _, _), revisions in self._scopes.items()
            if owner == tenant_id
            for each in revisions
        )


def hours_of(month: date) -> int:
    """Hours of a calendar month in UTC."""
    start, end = span_of(month)
    return int((end - start) / timedelta(hours=1))


def span_of(month: date) -> tuple[datetime, datetime]:
    """The start of a month and of the next one, in UTC."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (
        datetime(month.year, month.month, 1, tzinfo=UTC),
        datetime(following.year, following.month, 1, tzinfo=UTC),
    )
