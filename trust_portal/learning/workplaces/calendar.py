"""Business days of a person: the public holidays and weekends of their place, in their time zone.

The days come from the ``holidays`` package, whose data change with its version; a due date is therefore
calculated once, when its clock begins, and recorded. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import zone

if TYPE_CHECKING:
    from holidays import HolidayBase

#: When the working day begins, by the person's clock: reminders come then.
MORNING: Final = time(9, 0)
#: The last day that is counted on: calendars end with the centuries people plan for.
_LAST: Final = date(2100, 12, 31)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """``country`` is ISO 3166-1 alpha-2, ``subdivision`` the second part of ISO 3166-2 (``BY``); without a
    country every Monday to Friday is a business day. ``time_zone`` is IANA's.

    Raises ``InvalidInput`` naming the field that is unknown.
    """

    country: str | None = None
    subdivision: str | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        zone(self.time_zone)
        if self.country is None:
            if self.subdivision is not None:
                raise InvalidInput("a subdivision needs its country", field="subdivision")
            return
        known = _places()
        if self.country not in known:
            raise InvalidInput(f"no public holidays are known for {self.country!r}", field="country")
        if self.subdivision is not None and self.subdivision not in known[self.country]:
            raise InvalidInput(
                f"{self.country} has no subdivision {self.subdivision!r} with holidays of its own",
                field="subdivision",
            )

    @property
    def name(self) -> str:
        """``DE-BY, Europe/Berlin``; ``Mon to Fri, UTC`` without a country."""
        place = "-".join(each for each in (self.country, self.subdivision) if each)
        return f"{place or 'Mon to Fri'}, {self.time_zone}"

    def is_business_day(self, day: date) -> bool:
        if self.country is None:
            return day.weekday() < 5
        return _holidays(self.country, self.subdivision, day.year).is_working_day(day)

    def shift(self, day: date, days: int) -> date:
        """``days`` business days after ``day`` (before it, where negative); ``day`` itself counts for none.

        Raises ``InvalidInput`` beyond the year 2100.
        """
        step = timedelta(days=1 if days >= 0 else -1)
        left = abs(days)
        while left:
            day += step
            if day > _LAST:
                raise InvalidInput(f"no calendar reaches beyond {_LAST.year}", field="due")
            left -= self.is_business_day(day)
        return day

    def between(self, first: date, last: date) -> int:
        """Business days after ``first`` through ``last``; 0 where ``last`` is not later."""
        days = (last - first).days
        return sum(self.is_business_day(first + timedelta(days=each)) for each in range(1, days + 1))

    def day_of(self, at: datetime) -> date:
        """Which day it is there."""
        return at.astimezone(zone(self.time_zone)).date()

    def morning_of(self, day: date) -> datetime:
        """``MORNING`` of that day there, in UTC. A time that the clocks skip is read as before the change."""
        return datetime.combine(day, MORNING, zone(self.time_zone)).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The midnight that ends the day there, in UTC."""
        return datetime.combine(day + timedelta(days=1), time(), zone(self.time_zone)).astimezone(UTC)


@lru_cache(maxsize=1)
def _places() -> Mapping[str, list[str]]:
    """Countries by code, with their subdivisions: the package puts the list together anew whenever it is asked."""
    from holidays import list_supported_countries  # noqa: PLC0415 - a module for each country

    return list_supported_countries()


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> HolidayBase:
    from holidays import country_holidays  # noqa: PLC0415

    return country_holidays(country, subdiv=subdivision, years=year, expand=False)


#: Of somebody who has said nothing of where they work.
ANYWHERE: Final = WorkCalendar()


def countries() -> tuple[str, ...]:
    """Every country whose holidays are known, by code."""
    return tuple(sorted(each for each in _places() if len(each) == 2))
