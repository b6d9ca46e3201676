"""When somebody is reminded of a due date, and of which of it nobody has been yet. Pure.

A rung is a business day relative to the due date, in the owner's calendar, at the start of their working
day. Every rung of every due date that ever stood is recorded exactly once: as *sent*, or as *skipped* with
the reason (it lay in the past already when the date was set, or when that on which the date rests happened,
where this was told late; the date was moved, or the action ended, before anybody could be told). Which rungs are recorded is the only memory there is, so that a restart, a
change of the clocks or of the owner's time zone can move a reminder but neither lose nor double it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.learning.workplaces.calendar import WorkCalendar


class Rung(StrEnum):
    """In the order in which they come."""

    BEFORE = "T-3"
    DUE = "T"
    AFTER = "T+1"
    MANAGER = "T+3"
    PMO = "T+7"

    @property
    def business_days(self) -> int:
        """After the due date; negative: before it."""
        return int(self.value[1:] or 0)

    @property
    def escalates(self) -> bool:
        """Whether somebody else than the owner is told."""
        return self in {Rung.MANAGER, Rung.PMO}


class Skip(StrEnum):
    """Why nobody was told."""

    PAST = "past"
    MOVED = "moved"
    ENDED = "ended"


def occasion(action_id: UUID, ordinal: int, rung: Rung) -> str:
    """By which key a rung of a due date is announced: once. ``ordinal`` is of the step that set the date."""
    return f"action/{action_id}/{ordinal}/{rung.value}"


def rung_times(due: date, calendar: WorkCalendar) -> dict[Rung, datetime]:
    """When each rung comes, in UTC."""
    return {rung: calendar.morning_of(calendar.shift(due, rung.business_days)) for rung in Rung}


def unrecorded(
    due: date, calendar: WorkCalendar, recorded: Collection[Rung], at: datetime
) -> tuple[Rung, ...]:
    """The rungs that have come at ``at`` and are on record nowhere, in their order.

    What to do with them says the occasion: while the date stands they are sent; at the moment from which it
    is known, or in which it is moved or ended, they are recorded as skipped.
    """
    times = rung_times(due, calendar)
    return tuple(rung for rung in Rung if times[rung] <= at and rung not in recorded)


def next_rung(due: date, calendar: WorkCalendar, recorded: Collection[Rung]) -> tuple[Rung, datetime] | None:
    """Which reminder comes next, and when; None after the last."""
    times = rung_times(due, calendar)
    return next(((rung, times[rung]) for rung in Rung if rung not in recorded), None)
