"""What an anomaly that lies in two periods cost is parted by the closed hours of each: nothing twice, and nothing in neither."""

from __future__ import annotations

from datetime import UTC, datetime

from support.cost_world import HOUR, SPIKE, runaway
from support.portal_fixtures import Portal
from support.portal_world import deliver

from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.trust.sections.model import Section

#: The tenants' time is UTC.
BOUNDARY = datetime(2026, 7, 1, tzinfo=UTC)


async def _cost(house: House, portal: Portal, period: str) -> Section:
    found = await house.trust_reports.preview(CONSOLE, portal.world.aurora.id, period)
    return next(each for each in found.sections if each.id == "cost")


async def test_of_a_spike_over_midnight_each_quarter_counts_the_hours_that_begin_in_it(
    portal: Portal,
) -> None:
    house = portal.house
    await deliver(house, runaway("aurora", BOUNDARY - (SPIKE.start + 2) * HOUR))
    await house.metering.follow()
    await house.closing.close_due()
    second, third = [await _cost(house, portal, each) for each in ("2026-Q2", "2026-Q3")]
    (before,), (after,) = (each.table("anomalies").rows for each in (second, third))
    assert before.id == after.id
    names = [each.id for each in second.table("anomalies").columns]
    whole, excess = names.index("whole"), names.index("excess")
    assert before.cells[names.index("began")].value == "2026-06-30T22:00:00Z"
    assert before.cells[whole] == after.cells[whole]
    assert before.cells[whole].value == "531.35"
    assert [each.cells[excess].value for each in (before, after)] == ["177.47", "353.88"], (
        "two hours and four"
    )
    for section, part in zip((second, third), ("177.47", "353.88"), strict=True):
        assert section.figure("excess-eur").cell.value == part
        assert section.figure("parted").cell.value == "1"
        assert "in the hours of the period" in section.sentences[0].text
