"""Which periods a document tells of: what is over when its own is, wherever it began."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cost_rows import TENANT

from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask

NOW = datetime(2027, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("document", "told", "after"),
    [
        ("2026-04", ("2026-Q1", "2026-03", "2026-04"), ("2026-Q2", "2026-05")),
        ("2026-05", ("2026-Q1", "2026-04", "2026-05"), ("2026-Q2", "2026-06")),
        ("2026-06", ("2026-05", "2026-06", "2026-Q2"), ("2026-07", "2026-Q3")),
        ("2026-Q2", ("2026-Q1", "2026-04", "2026-06", "2026-Q2"), ("2026-07", "2026-Q3")),
        ("2026-12", ("2026-Q3", "2026-Q4"), ("2027-01", "2027-Q1")),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_what_ends_later_is_after_it_also_where_it_began_before(
    document: str, told: tuple[str, ...], after: tuple[str, ...], zone: str
) -> None:
    ask = Ask(TENANT, parse_period(document, zone), NOW)
    assert [each for each in (*told, *after) if ask.is_after(each)] == list(after)
