"""The periods that pages offer: those there are, the latest first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.web.periods import offered, offered_of, offered_of_everybody


def labels(groups):
    return {heading: " ".join(label for label, _ in periods) for heading, periods in groups}


def test_months_and_quarters_since_the_first_day_and_only_those_that_are_over():
    found = offered(date(2025, 11, 30), date(2026, 3, 1), running=False)
    assert labels(found) == {"Months": "2026-02 2026-01 2025-12 2025-11", "Quarters": "2025-Q4"}
    assert found[0][1][0] == ("2026-02", "February 2026")
    assert found[1][1] == [("2025-Q4", "Q4 2025")]


def test_those_under_way_are_offered_where_they_may_be():
    found = offered(date(2026, 2, 1), date(2026, 3, 31), running=True)
    assert labels(found) == {"Months": "2026-03 2026-02", "Quarters": "2026-Q1"}


def test_a_period_that_is_still_running_says_so_and_one_that_a_customer_left_in_is_over_some_day():
    came = datetime(2026, 2, 10, tzinfo=UTC)

    def named(at, left=None):
        tenant = Tenant(UUID(int=9), "acme", "Acme", "UTC", "", came, came, left)
        return [text for _, periods in offered_of(tenant, at, running=True) for _, text in periods]

    march, left = datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    running = ["March 2026, still running", "February 2026", "Q1 2026, still running"]
    assert named(march) == named(march, left) == running
    assert named(datetime(2026, 4, 1, tzinfo=UTC), left) == ["March 2026", "February 2026", "Q1 2026"]


def test_a_customer_of_this_month_has_none_that_is_over():
    assert offered(date(2026, 3, 1), date(2026, 3, 31), running=False) == []


def test_a_customers_periods_follow_its_own_calendar_and_end_when_it_left():
    came = datetime(2026, 2, 28, 15, tzinfo=UTC)
    at = datetime(2026, 4, 30, 15, 30, tzinfo=UTC)  # the first of May in Tokyo

    def tenant(left):
        return Tenant(UUID(int=9), "hoshino", "Hoshino", "Asia/Tokyo", "", came, came, left)

    assert labels(offered_of(tenant(None), at)) == {"Months": "2026-04 2026-03", "Quarters": "2026-Q1"}
    left = datetime(2026, 4, 10, tzinfo=UTC)
    assert labels(offered_of(tenant(left), at)) == {"Months": "2026-03", "Quarters": "2026-Q1"}


def test_pages_over_everybody_offer_two_years_of_what_is_over_somewhere():
    months, quarters = (periods for _, periods in offered_of_everybody(datetime(2026, 6, 30, 10, tzinfo=UTC)))
    assert (months[0][0], months[-1][0], len(months)) == ("2026-06", "2024-07", 24)
    assert (quarters[0][0], quarters[-1][0]) == ("2026-Q2", "2024-Q3")
