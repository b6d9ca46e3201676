"""Months and quarters in the contract's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import (
    first_day_anywhere,
    month_label,
    parse_period,
    previous_label,
    quarter_before,
    quarter_label,
)

ZONES = ["UTC", "America/Denver", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut"]


@pytest.mark.parametrize(
    ("label", "minutes"), [("2026-03", 44_580), ("2026-11", 43_260), ("2026-10", 44_640)]
)
def test_case_21_a_month_in_denver_has_the_minutes_it_really_had(label: str, minutes: int) -> None:
    assert parse_period(label, "America/Denver").minutes == minutes


def test_case_21_october_in_denver_starts_at_six_utc() -> None:
    assert parse_period("2026-10", "America/Denver").start == datetime(2026, 10, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("label", "minutes"),
    [
        ("2026-02", 40_320),
        ("2028-02", 41_760),
        ("2026-06", 43_200),
        ("2026-Q1", 129_600),
        ("2026-12", 44_640),
    ],
)
def test_months_and_quarters_in_utc_have_their_calendar_length(label: str, minutes: int) -> None:
    assert parse_period(label, "UTC").minutes == minutes


def test_a_half_hour_change_of_the_clocks_is_half_an_hour() -> None:
    assert parse_period("2026-04", "Australia/Lord_Howe").minutes == 30 * 1440 + 30


@given(year=st.integers(1980, 2200), month=st.integers(1, 12), zone=st.sampled_from(ZONES))
def test_a_period_starts_where_the_one_before_ends(year: int, month: int, zone: str) -> None:
    for label in (f"{year}-{month:02d}", f"{year}-Q{(month + 2) // 3}"):
        period = parse_period(label, zone)
        assert parse_period(previous_label(label), zone).end == period.start
        assert period.start < period.end


@given(year=st.integers(1980, 2200), quarter=st.integers(1, 4), zone=st.sampled_from(ZONES))
def test_a_quarter_is_its_three_months(year: int, quarter: int, zone: str) -> None:
    whole = parse_period(f"{year}-Q{quarter}", zone)
    months = [parse_period(f"{year}-{3 * quarter - offset:02d}", zone) for offset in (2, 1, 0)]
    assert (whole.start, whole.end) == (months[0].start, months[2].end)
    assert whole.minutes * timedelta(minutes=1) == sum(
        (month.end - month.start for month in months), timedelta()
    )


@pytest.mark.parametrize(
    ("day", "month", "quarter", "before"),
    [
        (date(2026, 1, 1), "2026-01", "2026-Q1", "2025-Q4"),
        (date(2026, 3, 31), "2026-03", "2026-Q1", "2025-Q4"),
        (date(2026, 4, 1), "2026-04", "2026-Q2", "2026-Q1"),
        (date(2026, 12, 31), "2026-12", "2026-Q4", "2026-Q3"),
    ],
)
def test_a_day_lies_in_a_month_and_a_quarter(day: date, month: str, quarter: str, before: str) -> None:
    assert (month_label(day), quarter_label(day), quarter_before(day)) == (month, quarter, before)


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-06-30T09:59:59+00:00", date(2026, 6, 30)), ("2026-06-30T10:00:00+00:00", date(2026, 7, 1))],
)
def test_a_day_begins_first_in_the_line_islands_fourteen_hours_ahead(now: str, day: date) -> None:
    assert first_day_anywhere(datetime.fromisoformat(now)) == day


@pytest.mark.parametrize(
    "label",
    ["", "2026", "2026-13", "2026-00", "2026-Q5", "26-01", "2026-1", "２０２６-01", "2026-01\n", "0001-01"],
)
def test_anything_else_is_no_period(label: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_period(label, "UTC", field="month")
    assert caught.value.field == "month"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "America", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_time_zone_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match="no IANA time zone"):
        parse_period("2026-06", name)
