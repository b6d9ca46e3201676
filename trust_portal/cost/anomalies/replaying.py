"""Stored hours through a detector once more, from an empty memory: what it would have found. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from trust_portal.cost.anomalies import states
from trust_portal.cost.anomalies.thresholds_model import ThresholdBook
from trust_portal.cost.anomalies.thresholds_repository import threshold_revisions
from trust_portal.cost.anomalies.watching import Costs, Sighting, Watched, watch
from trust_portal.cost.budgets.model import BudgetBook
from trust_portal.cost.budgets.repository import budget_revisions
from trust_portal.cost.detection.thresholds import Thresholds
from trust_portal.cost.detection.versions import Version
from trust_portal.cost.metering.model import Series
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession

#: What is worth raising in a tenant's series.
Held = Callable[[UUID, Series], Thresholds]


@dataclass(frozen=True, slots=True)
class History:
    """The hours after ``start`` through ``end`` of some tenants, and what was set for them as of ``at``."""

    tenant_ids: tuple[UUID, ...]
    start: datetime
    end: datetime
    at: datetime
    costs: Mapping[UUID, Costs]
    thresholds: ThresholdBook
    budgets: BudgetBook

    @property
    def hours(self) -> int:
        """Hours of series."""
        return sum(len(known) for costs in self.costs.values() for known in costs.values())

    def held(self, tenant_id: UUID, series: Series) -> Thresholds:
        return self.thresholds.effective(tenant_id, series.subsystem, self.at)

    def sha256(self) -> str:
        """Hex SHA-256 over one line per hour and series: tenant, series, Unix time, exact cost."""
        said = sha256()
        for tenant_id in sorted(self.costs):
            for series, known in sorted(self.costs[tenant_id].items()):
                for hour, cost in sorted(known.items()):
                    said.update(
                        f"{tenant_id} {series.subsystem} {series.currency} {hour.timestamp():.0f} {cost:f}\n".encode()
                    )
        return said.hexdigest()


async def read_history(
    session: ReadSession, tenant_ids: Sequence[UUID], start: datetime, end: datetime, at: datetime
) -> History:
    """In the staff scope, from one snapshot."""
    return History(
        tuple(tenant_ids),
        start,
        end,
        at,
        await states.costs(session, tenant_ids, start, end),
        ThresholdBook(await threshold_revisions(session, [*tenant_ids, VENDOR_ID])),
        BudgetBook(await budget_revisions(session, tenant_ids)),
    )


def replay_history(
    history: History, version: Version, held: Held | None = None
) -> dict[UUID, tuple[Sighting, ...]]:
    """What ``version`` sees in the hours one after the other, by tenant, oldest first.

    ``held`` (what holds now, by default) is applied to the whole span. Processor work: of a thread.
    """
    thresholds, budgets = held or history.held, history.budgets

    def watched(tenant_id: UUID) -> Watched:
        return Watched(
            tenant_id,
            history.start,
            {},
            history.costs[tenant_id],
            lambda series, _: thresholds(tenant_id, series),
            lambda series, hour: budgets.per_hour(tenant_id, series.subsystem, series.currency, hour),
        )

    seen = watch([watched(each) for each in history.tenant_ids], history.end, version)
    return {
        tenant_id: tuple(sorted(each.sightings, key=lambda found: (found.anomaly.start, found.series)))
        for tenant_id, each in zip(history.tenant_ids, seen, strict=True)
    }
