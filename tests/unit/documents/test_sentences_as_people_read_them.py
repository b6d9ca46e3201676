"""Sentences that hold exact values, as pages print them."""

from __future__ import annotations

import pytest

from trust_portal.documents.reading import readable


@pytest.mark.parametrize(
    ("signed", "read"),
    [
        ("Saves about EUR 121.834289 an hour", "Saves about EUR 121.83 an hour"),
        ("cost \u2212EUR 1", "cost \u2212EUR 1.00"),
        ("it is 480.00 EUR → no figure EUR", "it is EUR 480.00 → no figure EUR"),
        ("limit 12.723, asked at 2026-11-13T03:12:01.967945Z", "limit 12.723, asked at 13 November 2026, 03:12:01 UTC"),
        ("due on 2026-02-10, not 2026-02-31", "due on 10 February 2026, not 2026-02-31"),
        ("Would change 2026-Q2", "Would change Q2 2026"),
        ("2026-13 is no month", "2026-13 is no month"),
        ("region eu, flag none", "region eu, no flag"),
        ("100% of 21306 rows", "100 % of 21,306 rows"),
        ("3 P1 incidents, 5 SLA reports, INC 12", "3 P1 incidents, 5 SLA reports, INC 12"),
    ],
)  # fmt: skip
def test_only_what_is_an_amount_an_instant_or_a_period_is_written_otherwise(signed, read):
    assert readable(signed).replace("\u00a0", " ") == read
