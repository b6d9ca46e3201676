"""Which quarter a page of a customer's documents opens on: never one before the customer came, or after it left."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from trust_portal.access.tenants.model import Tenant

JULY = datetime(2026, 7, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "left", "zone", "now", "label"),
    [
        ("2026-01-01T00:00", None, "UTC", JULY, "2026-Q2"),
        ("2026-06-30T23:59", None, "UTC", JULY, "2026-Q2"),
        ("2026-07-01T00:00", None, "UTC", JULY, "2026-Q3"),
        ("2026-06-30T22:00", None, "Europe/Berlin", JULY, "2026-Q3"),
        ("2026-01-01T00:00", "2026-05-01T00:00", "UTC", JULY, "2026-Q1"),
        ("2026-04-02T00:00", "2026-05-01T00:00", "UTC", JULY, "2026-Q2"),
        ("2026-10-01T00:00", None, "UTC", JULY, "2026-Q4"),
    ],
)
def test_it_is_the_last_that_is_over_and_overlaps_the_customers_time_or_the_first_there_is(
    came: str, left: str | None, zone: str, now: datetime, label: str
) -> None:
    at = datetime.fromisoformat(f"{came}+00:00")
    gone = None if left is None else datetime.fromisoformat(f"{left}+00:00")
    tenant = Tenant(UUID(int=2), "acme", "Acme", zone, "", at, at, gone)
    assert tenant.newest_quarter(now) == label
