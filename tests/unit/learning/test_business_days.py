"""Business days are those of the owner's place, and a morning is one by their clock."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.learning.workplaces.calendar import WorkCalendar, countries

BAVARIA = WorkCalendar("DE", "BY", "Europe/Berlin")
NOWHERE = WorkCalendar()
DAYS = st.dates(date(2024, 1, 1), date(2031, 12, 31))
PLACES = st.sampled_from(
    [
        NOWHERE,
        BAVARIA,
        WorkCalendar("US", "CA", "America/Los_Angeles"),
        WorkCalendar("IN", None, "Asia/Kolkata"),
        WorkCalendar("SA", None, "Asia/Riyadh"),
    ]
)


@pytest.mark.parametrize(
    ("place", "start", "days", "due"),
    [
        (BAVARIA, date(2026, 12, 23), 3, date(2026, 12, 29)),  # 25 and 26 December, then a Sunday
        (WorkCalendar("DE", None, "Europe/Berlin"), date(2026, 1, 5), 1, date(2026, 1, 6)),
        (BAVARIA, date(2026, 1, 5), 1, date(2026, 1, 7)),  # Epiphany is a holiday in Bavaria only
        (WorkCalendar("US"), date(2026, 7, 2), 1, date(2026, 7, 6)),  # the 4th, a Saturday, is kept on Friday
        (WorkCalendar("SA"), date(2026, 6, 4), 1, date(2026, 6, 7)),  # the weekend is Friday and Saturday
        (NOWHERE, date(2026, 12, 24), 1, date(2026, 12, 25)),
        (NOWHERE, date(2026, 6, 13), 1, date(2026, 6, 15)),  # from a Saturday
        (BAVARIA, date(2026, 12, 29), -3, date(2026, 12, 23)),
        (BAVARIA, date(2026, 12, 26), 0, date(2026, 12, 26)),
    ],
)
def test_a_term_is_counted_in_business_days_of_the_place(
    place: WorkCalendar, start: date, days: int, due: date
) -> None:
    assert place.shift(start, days) == due


@given(PLACES, DAYS, st.integers(1, 60))
def test_a_term_ends_on_a_business_day_and_holds_as_many_as_it_says(
    place: WorkCalendar, start: date, days: int
) -> None:
    due = place.shift(start, days)
    assert place.is_business_day(due)
    assert place.between(start, due) == days
    assert place.shift(due, -days) <= start or not place.is_business_day(start)


@pytest.mark.parametrize(
    ("zone", "day", "morning", "end"),
    [
        ("Europe/Berlin", date(2026, 3, 27), datetime(2026, 3, 27, 8), datetime(2026, 3, 27, 23)),
        ("Europe/Berlin", date(2026, 3, 28), datetime(2026, 3, 28, 8), datetime(2026, 3, 28, 23)),
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 29, 7), datetime(2026, 3, 29, 22)),
        ("America/Denver", date(2026, 11, 1), datetime(2026, 11, 1, 16), datetime(2026, 11, 2, 7)),
        ("Pacific/Auckland", date(2026, 6, 15), datetime(2026, 6, 14, 21), datetime(2026, 6, 15, 12)),
    ],
)
def test_a_day_begins_and_ends_by_the_clock_of_the_place(
    zone: str, day: date, morning: datetime, end: datetime
) -> None:
    place = WorkCalendar(time_zone=zone)
    assert place.morning_of(day) == morning.replace(tzinfo=UTC)
    assert place.end_of(day) == end.replace(tzinfo=UTC)
    assert place.day_of(place.morning_of(day)) == day
    assert place.day_of(place.end_of(day)) > day


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "DE", "subdivision": "CA"}, "subdivision"),
        ({"subdivision": "BY"}, "subdivision"),
        ({"time_zone": "Europe/Munich"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
    ],
)
def test_a_place_that_nobody_knows_is_refused_by_field(given_: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        WorkCalendar(**given_)
    assert refusal.value.field == field


def test_a_term_beyond_every_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput, match="2100"):
        BAVARIA.shift(date(2100, 12, 30), 5)


def test_a_calendar_says_where_it_holds() -> None:
    assert BAVARIA.name == "DE-BY, Europe/Berlin"
    assert NOWHERE.name == "Mon to Fri, UTC"
    assert {"DE", "US", "JP"} <= set(countries())
