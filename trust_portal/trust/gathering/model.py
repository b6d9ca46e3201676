"""What a gatherer is asked. Every section is gathered by ``async def gather(session, ask) -> Section``.

``session`` is a snapshot in the staff scope, because a tenant's rows and the vendor's register of incidents
are read together; every query names the tenant. A gatherer reads, hands rows to a pure function and returns
its section; it never raises for something that is not there: the section says so in its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import Period, day_in, parse_period
from trust_portal.trust.sections.model import Section


@dataclass(frozen=True, slots=True)
class Before:
    """The document before this one, of the same kind and tenant, with its sections by id."""

    label: str
    revision: int
    sha256: str
    sections: Mapping[str, Section] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """``period`` is the document's, in the tenant's time zone; ``now`` the moment of the snapshot.

    ``before`` is the document that this one follows, None where it is the first.
    """

    tenant: Tenant
    period: Period
    now: datetime
    before: Before | None = None

    @property
    def until(self) -> datetime:
        """The end of what can be known of the period."""
        return min(self.now, self.period.end)

    @property
    def labels(self) -> tuple[str, ...]:
        """The months of the period, and behind them the quarter where it is one."""
        return labels_of(self.period.label)

    def is_after(self, label: str) -> bool:
        """Whether the period of that name ends when the document's is over, in whatever zone a contract counts it.

        Also where it began before: a quarter is none of what its first month tells, and it is of what its last one does.
        """
        return parse_period(label, self.period.time_zone).end > self.period.end

    @property
    def today(self) -> date:
        """By the customer's calendar."""
        return day_in(self.now, self.tenant.time_zone)


def labels_of(label: str) -> tuple[str, ...]:
    """``2026-Q2`` → ``2026-04``, ``2026-05``, ``2026-06``, ``2026-Q2``; a month is itself."""
    year, _, rest = label.partition("-")
    if not rest.startswith("Q"):
        return (label,)
    first = 3 * int(rest[1:]) - 2
    return (*(f"{year}-{month:02d}" for month in range(first, first + 3)), label)


def period_of(label: str, tenant: Tenant, now: datetime) -> Period:
    """The period of a document in the tenant's time zone. Raises ``InvalidInput`` (period) where there is none to tell of."""
    period = parse_period(label, tenant.time_zone)
    if period.start > now:
        raise InvalidInput(f"{label} has not begun yet", field="period")
    if tenant.came_after(label):
        raise InvalidInput(f"{label} was over before this customer came", field="period")
    if tenant.left_before(label):
        raise InvalidInput(f"{label} began after this customer had left", field="period")
    return period
