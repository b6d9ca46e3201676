"""What is known of a period's usage: closed hours alone, and whether there are two whole periods to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trust_portal.cost.metering.model import HourCost, Part, Progress
from trust_portal.cost.metering.repository import find_progress, read_hours, read_part_sums
from trust_portal.facts.usage_batches import usage_waiting_since
from trust_portal.kernel.period import Period, parse_period, previous_label
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import MAX_AGE, waited
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import State

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Used:
    """The hours and parts of a period (``now``) and of the one before it (``then``).

    ``metered_since`` is set where metering began after the start of the one before, ``closed_until`` where hours of
    this one are not closed that should be: ``then`` is empty, for a part of a period is not compared with a whole one.
    ``waiting_since``: of that time is the longest waiting of what was received and is in neither.
    """

    now: Sequence[HourCost]
    then: Sequence[HourCost]
    parts_now: Sequence[Part]
    parts_then: Sequence[Part]
    metered_since: datetime | None = None
    closed_until: datetime | None = None
    waiting_since: datetime | None = None

    @property
    def is_compared(self) -> bool:
        return self.metered_since is None and self.closed_until is None


async def read_usage(session: ReadSession, ask: Ask) -> tuple[Progress | None, Used]:
    """What the usage section and the recommendations are made of."""
    progress = await find_progress(session, ask.tenant.id)
    return progress, await read_used(session, ask, progress)


async def read_used(session: ReadSession, ask: Ask, progress: Progress | None) -> Used:
    """What is known of the period where hours are closed as far as ``progress`` says."""
    before, id_ = period_before(ask), ask.tenant.id
    if progress is None:
        return Used((), (), (), ())
    until = min(ask.until, closed_until(progress) or ask.period.start)
    used = Used(
        await read_hours(session, id_, ask.period.start, until),
        await read_hours(session, id_, before.start, before.end),
        await read_part_sums(session, id_, ask.period.start, until),
        await read_part_sums(session, id_, before.start, before.end),
        waiting_since=await waiting_usage(session, ask),
    )
    return comparable(used, progress, ask)


async def waiting_usage(session: ReadSession, ask: Ask) -> datetime | None:
    """Since when something waits to be rolled up that was used in the period or in the one before it."""
    return await usage_waiting_since(session, ask.tenant.id, period_before(ask).start, ask.until)


def comparable(used: Used, progress: Progress, ask: Ask) -> Used:
    """``used`` without the period before it, where that was not metered from its start on, or where this one is known
    in part: not to its end, or while it runs not as far as usage must be known. Pure.
    """
    since = progress.first_hour if progress.first_hour > period_before(ask).start else None
    closed = closed_until(progress)
    is_over = ask.until == ask.period.end
    needed = ask.until if is_over else ask.until - MAX_AGE
    short = closed if closed is not None and closed < needed else None
    if since is None and short is None:
        return used
    return replace(used, then=(), parts_then=(), metered_since=since, closed_until=short)


def closed_until(progress: Progress) -> datetime | None:
    return None if progress.closed_through is None else progress.closed_through + _HOUR


def period_before(ask: Ask) -> Period:
    return parse_period(previous_label(ask.period.label), ask.period.time_zone)


def usage_stands(
    progress: Progress | None, ask: Ask, waiting_since: datetime | None = None
) -> tuple[datetime | None, State, str | None]:
    """Until when usage is known, and what that makes of whatever is told from it: its state, and why. Also where hours are
    closed what came in for them since, ``waiting_since``, is not in it until it is rolled up. Pure.
    """
    if progress is None:
        return None, State.NOT_APPLICABLE, "no usage of this customer is metered"
    if progress.first_hour >= ask.until:
        return None, State.NOT_APPLICABLE, "usage of this customer is metered only since the period was over"
    as_of = closed_until(progress)
    # What happens after the period can make nothing of it older.
    closed = freshness(as_of, MAX_AGE, ask.until, missing="no hour of usage is closed yet")
    if waiting_since is None:
        return as_of, *closed
    return as_of, *together((closed, waited(waiting_since, ask.now)))
