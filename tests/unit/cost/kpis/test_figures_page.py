"""The figures of the loop on the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trust_portal.cost.kpis.model import CostKpis, Durations, Unexplained
from trust_portal.web.templating import portal_templates

PAGE = """
{% import "components/marks.html" as marks %}{% import "components/blocks.html" as blocks %}
{% include "cost/kpis.html" %}
"""


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (Decimal("-1.000"), "\u2212100\u00a0%"),
        (Decimal("-0.505"), "\u221250.5\u00a0%"),
        (Decimal("0.250"), "+25\u00a0%"),
        (Decimal("0.000"), "0\u00a0%"),
        (None, "–"),
    ],
)
def test_unexplained_spend_says_how_it_changed(change: Decimal | None, shown: str) -> None:
    nothing = Durations(0, None, None)
    figures = CostKpis(
        datetime(2026, 6, 1, tzinfo=UTC), 0, 0,
        {"EUR": Unexplained(Decimal(1), Decimal(2), change)},
        nothing, nothing, nothing, 0, 0,
    )  # fmt: skip
    page = portal_templates().from_string(PAGE).render(figures=figures, listed_at="/cost")
    assert re.search(rf'<td class="cell-num"[^>]*>{re.escape(shown)}</td>', page)
