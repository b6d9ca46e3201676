"""Looking at the data after an act: did cost come down, and is the tenant well?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.measuring import closed_until, measure
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.reversing import Reversals
from trust_portal.cost.remediation.verification import (
    Events,
    Suffering,
    beside_last_hour,
    hours_to_verify,
    suffering,
)
from trust_portal.evidence.act import Input
from trust_portal.facts.measurements import ABSENT, objectives_measured, read_measurements
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
#: How long after its hours it is waited for them to be closed with usage in each.
_PATIENCE: Final = timedelta(days=1)


class Verifier:
    """One look at a run that was executed; the clockwork comes again."""

    def __init__(self, equipment: Equipment, reversals: Reversals) -> None:
        self._with = equipment
        self._reversals = reversals

    async def look(self, run: Run) -> Run:
        """Health at once, cost once its hours are closed; nothing changes while neither says anything."""
        executed = run.step(StepKind.EXECUTED)
        assert executed is not None, "only what was executed is verified"  # noqa: S101 - narrows the type
        after = await self.mind_health(run)
        if after.state is not RunState.EXECUTED:
            return after
        start, end = hours_to_verify(executed.at, run.plan.playbook.verify.hours)
        # The first attempt: the product may have done it then, and confirmed it later.
        eve = hour_of(run.acted_at or executed.at) - _HOUR
        async with self._with.storage.read(TenantScope(run.tenant_id), snapshot=True) as session:
            closed = await closed_until(session, run.tenant_id)
            since = None if closed is None or closed < end else await measure(session, run, start, end)
            last = None if since is None else await measure(session, run, eve, eve + _HOUR)
        if since is None:
            if self._with.storage.clock.now() < end + _PATIENCE:
                return run
            return await self._reversals.by_itself(run, "nothing shows that cost came down", {})
        found = since.found if last is None else beside_last_hour(since.found, last.found, run.plan.currency)
        stated: dict[str, Json] = {"verification": msgspec.to_builtins(found)}
        if not found.verified:
            return await self._reversals.by_itself(run, "cost did not come down", stated)
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            return await record_step(
                session,
                self._with.ledger,
                run,
                StepKind.VERIFIED,
                RunState.VERIFIED,
                SYSTEM,
                stated,
                inputs=(
                    Input("usage/after", since.digest),
                    *(() if last is None else (Input("usage/before", last.digest),)),
                ),
            )

    async def mind_health(self, run: Run) -> Run:
        """Begin to take it back where the tenant suffers since the first attempt, confirmed or not."""
        if run.acted_at is None:
            return run
        async with self._with.storage.read(TenantScope(run.tenant_id), snapshot=True) as session:
            harm = await self._harm(session, run, run.acted_at)
        if not harm:
            return run
        return await self._reversals.by_itself(run, "health", {"suffering": [_stated(each) for each in harm]})

    async def _harm(self, session: ReadSession, run: Run, acted_at: datetime) -> tuple[Suffering, ...]:
        health, now = run.plan.playbook.health, self._with.storage.clock.now()
        # The minute of the act belongs to neither side.
        since = acted_at.replace(second=0, microsecond=0) + _MINUTE
        before = since - _MINUTE - health.before_minutes * _MINUTE
        return suffering(
            health,
            await _events(session, run.tenant_id, before, since - _MINUTE),
            await _events(session, run.tenant_id, since, now),
        )


async def _events(session: ReadSession, tenant_id: UUID, start: datetime, end: datetime) -> dict[str, Events]:
    """Events by objective; measurements that only have buckets say nothing of errors."""
    found: dict[str, Events] = {}
    if end <= start:
        return found
    for objective in await objectives_measured(session, tenant_id, start, end):
        columns = await read_measurements(session, tenant_id, objective, start, end)
        said = columns.good != ABSENT
        found[objective] = Events(int(columns.total[said].sum()), int(columns.good[said].sum()))
    return found


def _stated(each: Suffering) -> dict[str, str]:
    """Counters as strings, as in every signed document."""
    return {
        "objective": each.objective,
        "bad": str(each.bad),
        "total": str(each.total),
        "bad_before": str(each.bad_before),
        "total_before": str(each.total_before),
    }
