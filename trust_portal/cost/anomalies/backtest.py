"""What other thresholds would have found: a tenant's own history through the live detector. Nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import FlagBook
from trust_portal.cost.anomalies.flags_repository import flag_revisions
from trust_portal.cost.anomalies.replaying import Held, read_history, replay_history
from trust_portal.cost.anomalies.suppressions_model import require_subsystem
from trust_portal.cost.anomalies.watching import HOUR, Sighting
from trust_portal.cost.detection.replay import WEEKS
from trust_portal.cost.detection.thresholds import INSTALLED, Thresholds
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.metering.model import Series
from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class TryThresholds:
    """Query: ``figures`` by name, over what holds now, for ``subsystem`` (``None``: every one)."""

    tenant_id: UUID
    subsystem: str | None
    figures: Mapping[str, float]
    weeks: int = 8

    def __post_init__(self) -> None:
        require_subsystem(self.subsystem)
        INSTALLED.with_changes(dict(self.figures))
        if self.weeks not in WEEKS:
            raise InvalidInput(f"a trial goes {', '.join(map(str, WEEKS))} weeks back", field="weeks")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found in the hours from ``start`` to ``end``: with what holds now, and with what is tried."""

    start: datetime
    end: datetime
    hours: int
    detector: str
    now: tuple[Sighting, ...]
    tried: tuple[Sighting, ...]


class Backtests:
    """Tries thresholds on the stored hours of a tenant."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def run(self, query: TryThresholds, actor: Actor) -> Trial:
        """Both runs begin without memory, see the same hours and budgets, and know nothing of the future.

        What holds now is applied to the whole span, so that the two differ in what is tried only.
        """
        tenant_id = query.tenant_id
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("thresholds", tenant_id))
        now = self._storage.clock.now()
        end = hour_of(now) - HOUR
        start = end - timedelta(weeks=query.weeks)
        # Thresholds are the vendor's affair: whoever may read them is staff.
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            history = await read_history(session, [tenant_id], start, end, now)
            live = FlagBook(await flag_revisions(session, [tenant_id, VENDOR_ID])).detectors(tenant_id).live
        await self._access_log.looked(actor, tenant_id, "cost", purpose="trial of thresholds")

        def concerned(series: Series) -> bool:
            return query.subsystem in {None, series.subsystem}

        def tried(tenant_id: UUID, series: Series) -> Thresholds:
            return history.held(tenant_id, series).with_changes(dict(query.figures))

        def run(held: Held) -> tuple[Sighting, ...]:
            # All series, though not all are asked for: an hour without any usage is absent, not free.
            found = replay_history(history, live, held)[tenant_id]
            return tuple(each for each in found if concerned(each.series))

        costs = history.costs[tenant_id]
        hours = sum(len(known) for series, known in costs.items() if concerned(series))
        return Trial(
            start + HOUR,
            end + HOUR,
            hours,
            str(live.detector),
            now=await asyncio.to_thread(run, history.held),
            tried=await asyncio.to_thread(run, tried),
        )
