"""Contract periods: calendar months and quarters in the contract's own time zone.

A period's minutes are enumerated in UTC between the zone's starts, so that a month with a change
of the clocks has the length it really had (America/Denver, March 2026: 44,580 minutes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trust_portal.errors import InvalidInput

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])")

#: Where a calendar day begins and ends first: a period is over here before it is anywhere else.
FIRST_ZONE: Final = "Pacific/Kiritimati"


@dataclass(frozen=True, slots=True)
class Period:
    """``label`` (``2026-06`` or ``2026-Q2``) in ``time_zone``; ``start`` and ``end`` are UTC, half-open."""

    label: str
    time_zone: str
    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // timedelta(minutes=1)


def zone(name: str, *, field: str = "time_zone") -> ZoneInfo:
    """An IANA time zone; an unknown name is ``InvalidInput``."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(f"{name!r} is no IANA time zone", field=field) from error


def parse_period(label: str, time_zone: str, *, field: str = "period") -> Period:
    """``2026-06`` or ``2026-Q2`` between the local midnights that start and end it."""
    if match := _MONTH.fullmatch(label):
        year, first, months = int(match[1]), int(match[2]), 1
    elif match := _QUARTER.fullmatch(label):
        year, first, months = int(match[1]), 3 * int(match[2]) - 2, 3
    else:
        raise InvalidInput(
            f"{label!r} is no period; write a month as 2026-06, a quarter as 2026-Q2", field=field
        )
    if not 1970 <= year <= 9998:
        raise InvalidInput(f"{label!r} is outside 1970 to 9998", field=field)
    local = zone(time_zone)
    last = first + months
    end_year, end_month = (year + 1, last - 12) if last > 12 else (year, last)
    return Period(
        label,
        time_zone,
        datetime(year, first, 1, tzinfo=local).astimezone(UTC),
        datetime(end_year, end_month, 1, tzinfo=local).astimezone(UTC),
    )


def place_of(label: str) -> tuple[datetime, int]:
    """Where a period stands among others: before what ends later. Of two that end together the longer is behind: a
    quarter's last month comes before it.
    """
    period = parse_period(label, "UTC")
    return period.end, period.minutes


def month_label(day: date) -> str:
    """The month that a day, or a local time, lies in: ``2026-06``."""
    return f"{day.year:04d}-{day.month:02d}"


def quarter_label(day: date) -> str:
    """The quarter that a day, or a local time, lies in: ``2026-Q2``."""
    return f"{day.year:04d}-Q{(day.month + 2) // 3}"


def day_in(at: datetime, time_zone: str) -> date:
    """The day that an instant lies in, by the calendar of a time zone."""
    return at.astimezone(zone(time_zone)).date()


def first_day_anywhere(now: datetime) -> date:
    """The latest date that has begun somewhere in the world."""
    return day_in(now, FIRST_ZONE)


def quarter_before(day: date) -> str:
    """The last quarter that is over on ``day``: ``2026-07-14`` → ``2026-Q2``."""
    return previous_label(quarter_label(day))


def previous_label(label: str) -> str:
    """The period before: ``2026-01`` → ``2025-12``, ``2026-Q1`` → ``2025-Q4``."""
    if match := _MONTH.fullmatch(label):
        year, month = int(match[1]), int(match[2])
        return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"
    if match := _QUARTER.fullmatch(label):
        year, quarter = int(match[1]), int(match[2])
        return f"{year - 1}-Q4" if quarter == 1 else f"{year}-Q{quarter - 1}"
    raise InvalidInput(
        f"{label!r} is no period; write a month as 2026-06, a quarter as 2026-Q2", field="period"
    )
