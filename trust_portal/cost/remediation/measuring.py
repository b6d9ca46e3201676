"""What a run's part and its series cost in some hours, against what was to be expected of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.repository import find_progress, read_hours, read_parts
from trust_portal.cost.remediation.model import Run
from trust_portal.cost.remediation.targets import covers
from trust_portal.cost.remediation.verification import Reduction, Usual, reduction, weeks_before
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """A reduction, and the digest (hex SHA-256) of the usage that it was read from."""

    found: Reduction
    digest: str


async def closed_until(session: ReadSession, tenant_id: UUID) -> datetime | None:
    """The end of the last hour that is closed; ``None`` before the first."""
    progress = await find_progress(session, tenant_id)
    if progress is None or progress.closed_through is None:
        return None
    return progress.closed_through + _HOUR


async def measure(session: ReadSession, run: Run, start: datetime, end: datetime) -> Measured | None:
    """The reduction from ``start`` to ``end``; ``None`` where not every hour of them was told of.

    An hour in which the tenant used nothing at all is one of which nobody has told yet, not a saving.
    """
    plan, tenant_id = run.plan, run.tenant_id
    progress = await find_progress(session, tenant_id)
    told = {each.hour for each in await read_hours(session, tenant_id, start, end)}
    if progress is None or len(told) < int((end - start) / _HOUR):
        return None
    series = Series(plan.subsystem, plan.currency)
    parts = await read_parts(session, tenant_id, series, start, end)
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
    return Measured(found, digest(rows))


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
