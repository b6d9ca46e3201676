"""What a month was spent on, day by day, and the events behind one day: where a budget's figures come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.budgets.model import span_of
from trust_portal.cost.explanation.origins import Origins, read_origins
from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.repository import read_hours
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class MonthSpent:
    """Exact, in major units of ``currency``: by day (UTC) and subsystem, oldest first; days without any are absent."""

    month: date
    currency: str
    days: dict[date, dict[str, Decimal]]

    @property
    def subsystems(self) -> tuple[str, ...]:
        return tuple(sorted({name for spent in self.days.values() for name in spent}))

    def total(self, subsystem: str | None = None) -> Decimal:
        """Of the month; of all subsystems or of one."""
        return sum(
            (
                cost
                for spent in self.days.values()
                for name, cost in spent.items()
                if subsystem in {None, name}
            ),
            Decimal(0),
        )


class SpendingReader:
    """Reads roll-ups and usage for whoever may read a tenant's cost."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def of_month(self, actor: Actor, tenant_id: UUID, month: date, currency: str) -> MonthSpent:
        """The hours that budgets count."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        start, end = span_of(month)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            hours = await read_hours(session, tenant_id, start, end)
        await self._access_log.looked(actor, tenant_id, "cost", purpose="spending of a month")
        days: dict[date, dict[str, Decimal]] = {}
        for each in sorted(hours, key=lambda each: each.hour):
            if each.series.currency == currency:
                spent = days.setdefault(each.hour.astimezone(UTC).date(), {})
                name = each.series.subsystem
                spent[name] = spent.get(name, Decimal(0)) + each.cost
        return MonthSpent(month, currency, days)

    async def of_day(self, actor: Actor, tenant_id: UUID, series: Series, day: date) -> Origins:
        """The usage events of one day of one series, the dearest of them listed."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        async with self._storage.read(scope_of(actor, tenant_id), snapshot=True) as session:
            found = await read_origins(session, tenant_id, series, [(start, start + timedelta(days=1))], {})
        await self._access_log.looked(actor, tenant_id, "usage", purpose="spending of a day")
        return found
