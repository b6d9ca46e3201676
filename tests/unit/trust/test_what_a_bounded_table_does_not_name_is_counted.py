"""A table that names the few that matter most says how many it does not name, in a sentence that every form has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.model import HourCost, Part, Progress, Series
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.known_usage import Used
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.sections.display import sentences

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID(int=1)
ASK = Ask(Tenant(ID, "acme", "Acme", "UTC", "", NOW, NOW, None), parse_period("2026-Q2", "UTC"), NOW)
PROGRESS = Progress(ID, 1, datetime(2026, 1, 1, tzinfo=UTC), NOW, None)


def _part(resource: str) -> Part:
    series = Series("compute", "EUR")
    return Part(
        ASK.period.start, series, resource, "run", "eu", None, "GB", {}, Decimal(1), Decimal(1), 1
    )  # fmt: skip


@pytest.mark.parametrize(("places", "named", "unnamed"), [(5, 5, None), (8, 5, "3")])
def test_of_what_moved_usage_the_rest_is_counted_where_there_is_one(
    places: int, named: int, unnamed: str | None
) -> None:
    hours = [HourCost(ASK.period.start, Series("compute", "EUR"), Decimal(places), 1)]
    used = Used(hours, [], [_part(f"r-{each}") for each in range(places)], [])
    section = usage_section(PROGRESS, used, ASK)
    assert len(section.table("movers-eur").rows) == named
    figures = {each.id: each.cell.value for each in section.figures}
    assert figures.get("movers-unnamed-eur") == unnamed
    said = "What moved it most is named below: 5; what moved it less and is not named (EUR): 3."
    assert (said in sentences(section)) is (unnamed is not None)
