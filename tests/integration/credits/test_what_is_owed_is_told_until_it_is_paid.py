"""What an earlier period earned is in every later Trust Report until it is paid: not calculated, due, or being decided."""

from __future__ import annotations

from datetime import timedelta

from credit_desk import JUNE, Desk, promise

from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.trust.sections.model import Section, State

JULY = "2026-07"


async def _told(house: House, desk: Desk, period: str = JULY) -> Section:
    found = await house.trust_reports.preview(CONSOLE, desk.tenant.id, period)
    return next(each for each in found.sections if each.id == "credits")


def _figures(section: Section) -> dict[str, str | None]:
    return {each.id: each.cell.value for each in section.figures}


async def test_what_june_earned_is_told_in_july_at_every_step_of_its_way(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house)
    report = await desk.sign()
    earned = await _told(house, desk)
    assert earned.state is State.MISSING
    assert [cell.value for cell in earned.table("due").rows[0].cells[:4]] == [
        JUNE, "credit", "100.00", "not calculated yet",
    ]  # fmt: skip

    assert await desk.consider(report) is None
    due = await _told(house, desk)
    assert [row.cells[3].value for row in due.table("due").rows] == ["nobody has proposed it"]

    credit = await desk.propose()
    proposed = await _told(house, desk)
    assert (proposed.state, proposed.table("due").rows) == (State.FRESH, ())
    assert [(row.id, row.cells[3].value) for row in proposed.table("open").rows] == [
        (str(credit.id), "proposed")
    ]
    assert _figures(proposed) == {"issued": "0", "open": "1", "due": "0", "settled": "0"}
    assert _figures(await _told(house, desk, "2026-05"))["open"] == "0", "May was over before June began"

    await desk.issued_by_others(credit)
    clock.advance(timedelta(minutes=1))
    paid = await _told(house, desk)
    assert (paid.table("open").rows, paid.table("due").rows) == ((), ())
    assert [row.id for row in paid.table("issued").rows] == [str(credit.id)]
