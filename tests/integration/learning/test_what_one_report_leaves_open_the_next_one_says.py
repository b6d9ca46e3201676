"""A P1 of June without a postmortem is a gap of July's Trust Report, and its actions are owed there until they are done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.postmortem_desk import Desk, desk_of

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.period import parse_period
from trust_portal.learning.actions.acts_model import FinishAction
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.gathering.incidents import gather
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Section

pytestmark = pytest.mark.takes(seconds=8)

_FIGURES = ("major", "gaps", "earlier", "earlier-gaps", "earlier-open", "earlier-overdue")


async def told(desk: Desk, period: str) -> Section:
    """The section of major incidents of a report for ``period``, gathered now."""
    tenant = await desk.house.tenants.get(CONSOLE, desk.contoso)
    now = desk.vendor.clock.now()
    async with desk.house.storage.read(StaffScope(), snapshot=True) as session:
        return await gather(session, Ask(tenant, parse_period(period, "UTC"), now))


def owed(section: Section) -> list[list[str | None]]:
    return [[cell.value for cell in row.cells] for row in section.table("earlier").rows]


def counted(section: Section) -> list[str | None]:
    known = {each.id: each.cell.value for each in section.figures}
    return [known.get(each) for each in _FIGURES]


async def test_what_one_report_leaves_open_the_next_one_says(vendor, clock):
    desk = await desk_of(vendor)
    postmortem = await desk.postmortem()
    clock.advance(timedelta(days=31))
    june, july = await told(desk, "2026-06"), await told(desk, "2026-07")
    assert (june.state.value, june.why) == ("missing", "no signed postmortem of P1 Trouble INC-1")
    assert (counted(june), owed(june)) == (["1", "1", None, None, None, None], [])
    why = "from before the period: no signed postmortem of P1 Trouble INC-1"
    assert (july.state.value, july.why) == ("missing", why)
    assert counted(july) == ["0", "0", "1", "1", "0", "0"]
    row = ["Trouble INC-1", "P1", "2026-06-01T10:00:00Z", "not signed", None, None, None]
    assert owed(july) == [row]
    assert july.sentences[0].text == "No major incidents in the period."

    await desk.signed(postmortem)
    (action,) = await desk.house.prevention_reader.of_postmortem(desk.owner, postmortem.id)
    assert str(action.due) == "2026-07-16"
    july = await told(desk, "2026-07")
    assert (july.state.value, july.why) == ("fresh", None)
    assert owed(july) == [[*row[:3], "signed", "1", "0", "2026-07-16"]]
    assert owed(await told(desk, "2026-06")) == [], "June's own tables tell of it"

    clock.advance(timedelta(days=30))
    august = await told(desk, "2026-08")
    assert owed(august) == [[*row[:3], "signed", "1", "1", "2026-07-16"]]
    assert counted(august) == ["0", "0", "1", "0", "1", "1"]
    done = FinishAction(action.id, "https://tracker.example/TP-9", "Rolled out")
    await desk.house.prevention_actions.finish(done, desk.owner)
    august = await told(desk, "2026-08")
    assert (owed(august), counted(august)) == ([], ["0", "0", None, None, None, None])
