"""Looking at the data after an act: did cost come down, and is the tenant well?"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.repository import find_progress, read_hours, read_parts
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.reversing import Reversals
from trust_portal.cost.remediation.targets import covers
from trust_portal.cost.remediation.verification import (
    Events,
    Reduction,
    Suffering,
    Usual,
    hours_to_verify,
    reduction,
    suffering,
    weeks_before,
)
from trust_portal.evidence.act import Input
from trust_portal.facts.measurements import ABSENT, objectives_measured, read_measurements
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
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
        async with self._with.storage.read(TenantScope(run.tenant_id), snapshot=True) as session:
            found, rests_on = await _measured(session, run, executed.at)
        if found is None:
            _, end = hours_to_verify(executed.at, run.plan.playbook.verify.hours)
            if self._with.storage.clock.now() < end + _PATIENCE:
                return run
            return await self._reversals.by_itself(run, "nothing shows that cost came down", {})
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
                inputs=(Input("usage/after", rests_on),),
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


async def _measured(session: ReadSession, run: Run, executed_at: datetime) -> tuple[Reduction | None, str]:
    """The reduction once its hours are closed, and the digest of the usage that it was read from.

    An hour in which the tenant used nothing at all is one of which nobody has told yet, not a saving.
    """
    plan = run.plan
    start, end = hours_to_verify(executed_at, plan.playbook.verify.hours)
    progress = await find_progress(session, run.tenant_id)
    if progress is None or progress.closed_through is None or progress.closed_through < end - _HOUR:
        return None, ""
    told = {each.hour for each in await read_hours(session, run.tenant_id, start, end)}
    if len(told) < int((end - start) / _HOUR):
        return None, ""
    series = Series(plan.subsystem, plan.currency)
    parts = await read_parts(session, run.tenant_id, series, start, end)
    of_part = [each for each in parts if covers(plan.part.where, each)]
    rows: list[Json] = [
        [rfc3339(each.hour), each.resource, each.operation, each.region, each.adapter, f"{each.cost:f}"]
        for each in parts
    ]
    found = reduction(
        plan,
        start,
        end,
        sum((each.cost for each in of_part), Decimal(0)),
        sum((each.cost for each in parts), Decimal(0)),
        await _usual(session, run, series, start, end, progress.first_hour),
    )
    return found, digest(rows)


async def _usual(
    session: ReadSession, run: Run, series: Series, start: datetime, end: datetime, first_hour: datetime
) -> Usual:
    """The same hours of the weeks before the anomaly, as far as the tenant was metered then."""
    plan, tenant_id = run.plan, run.tenant_id
    then, since, part = [], [], []
    for begin in weeks_before(plan.started_at, plan.ended_at, before=plan.started_at, since=first_hour):
        length = plan.ended_at - plan.started_at
        hours = await read_hours(session, tenant_id, begin, begin + length, series=series)
        then.append(sum((each.cost for each in hours), Decimal(0)))
    for begin in weeks_before(start, end, before=plan.started_at, since=first_hour):
        parts = await read_parts(session, tenant_id, series, begin, begin + (end - start))
        since.append(sum((each.cost for each in parts), Decimal(0)))
        part.append(sum((each.cost for each in parts if covers(plan.part.where, each)), Decimal(0)))
    return Usual(tuple(then), tuple(since), tuple(part))


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
