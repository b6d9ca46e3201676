"""Roll-ups follow the facts, are read by whoever may, and can be derived anew at any time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.metering import repository
from trust_portal.cost.metering.calculation import runs, sum_up
from trust_portal.cost.metering.model import HourCost, Part, Series
from trust_portal.errors import InvalidInput
from trust_portal.facts.usage import read_usage
from trust_portal.facts.usage_batches import (
    settle_usage_batches,
    tenants_with_usage_touched,
    usage_hours_touched,
)
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: The longest span that is read at once: the hours of a quarter.
LONGEST_SPAN = timedelta(days=100)
_TENANTS_AT_A_TIME = 100_000


@dataclass(frozen=True, slots=True)
class Span:
    """Hours from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.start < self.end <= self.start + LONGEST_SPAN:
            raise InvalidInput(
                f"a span ends after it begins, and within {LONGEST_SPAN.days} days", field="end"
            )


class Metering:
    """``labels`` are the labels of usage that explanations ask for."""

    def __init__(
        self, storage: Storage, gate: Gate, access_log: AccessLog, *, labels: Collection[str]
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._rounds = Rounds(storage)
        self.labels = frozenset(labels)

    async def is_behind(self) -> bool:
        """Whether usage has come that no roll-up has taken in yet, of anybody who is not set back."""
        held = await self._rounds.held_back(Round.ROLL_UP_USAGE)
        return bool(set(await self._touched(1 + len(held))) - held)

    async def ask_due(self) -> None:
        """For the clockwork: have it taken in. A job waits only once."""
        if await self.is_behind():
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                await session.enqueue(Job.ROLL_UP_USAGE, {}, dedupe_key=Job.ROLL_UP_USAGE.value)

    async def follow(self) -> int:
        """Take in the usage that has come so far, one commit a tenant; of how many tenants.

        May be stopped and repeated at any point, and run by several workers at once. A tenant whose usage
        cannot be taken in is set back, and keeps it; the others go on.
        """
        tenants = await self._touched(_TENANTS_AT_A_TIME)
        await self._rounds.settle(Round.ROLL_UP_USAGE, tenants)
        return await self._rounds.one_by_one(Round.ROLL_UP_USAGE, tenants, self.roll_up)

    async def roll_up(self, tenant_id: UUID) -> int:
        """Derive a tenant's touched hours anew from its usage; how many there were.

        An hour is always summed as a whole, so neither the order in which usage came nor how
        often it is repeated makes a difference.
        """
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await repository.lock_progress(session, tenant_id)
            touched = await usage_hours_touched(session, tenant_id)
            if touched.hours:
                # First, because it also holds back whoever rolls up the same tenant's very first hours just now.
                await repository.advance_progress(session, tenant_id, min(hour for _, hour in touched.hours))
                derived = await self.derive(session, tenant_id, touched.hours)
                await repository.replace_hours(session, tenant_id, touched.hours, *derived)
            await settle_usage_batches(session, tenant_id, touched)
        return len(touched.hours)

    async def hours(self, actor: Actor, tenant_id: UUID, span: Span) -> tuple[HourCost, ...]:
        """What each hour cost, by series; hours without usage are absent."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.read_hours(session, tenant_id, span.start, span.end)
        await self._access_log.looked(actor, tenant_id, "cost", purpose="cost")
        return found

    async def parts(self, actor: Actor, tenant_id: UUID, series: Series, span: Span) -> tuple[Part, ...]:
        """What the hours of a series are made of."""
        await self._gate.require(actor, Action.COST_READ, Resource("cost", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.read_parts(session, tenant_id, series, span.start, span.end)
        await self._access_log.looked(actor, tenant_id, "cost", series.subsystem, purpose="cost")
        return found

    async def derive(
        self, session: ReadSession, tenant_id: UUID, touched: Collection[tuple[str, datetime]]
    ) -> tuple[tuple[HourCost, ...], tuple[Part, ...]]:
        """The hours and parts of ``touched`` (subsystem, hour), from the usage; nothing is written."""
        hours: list[HourCost] = []
        parts: list[Part] = []
        for subsystem in sorted({name for name, _ in touched}):
            for start, end in runs([hour for name, hour in touched if name == subsystem]):
                totals = await read_usage(session, tenant_id, subsystem, start, end)
                some_hours, some_parts = sum_up(totals, subsystem, self.labels)
                hours += some_hours
                parts += some_parts
        return tuple(hours), tuple(parts)

    async def _touched(self, limit: int) -> tuple[UUID, ...]:
        # The queue of batches belongs to no tenant; any tenant's scope may read it.
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await tenants_with_usage_touched(session, limit)
