"""What a customer had to claim and did not is owed no longer once its window ended, and neither is what an approver rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from credit_desk import JUNE, Desk, promise

from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.credits.model import RejectCredit
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Section, State

#: Signed on 10 July at nine: thirty whole days begin with the eleventh.
DEADLINE = datetime(2026, 8, 10, tzinfo=UTC)
DUE = "due, and not on its way: EUR\u00a0100.00 for June 2026"
UNCLAIMED = [
    "2026-06", "credit", "100.00", "not claimed", "nobody claimed it before its window for claims ended",
    "2026-08-10T00:00:00Z",
]  # fmt: skip


async def _told(house: House, desk: Desk, period: str = JUNE) -> Section:
    found = await house.trust_reports.preview(CONSOLE, desk.tenant.id, period)
    return next(each for each in found.sections if each.id == "credits")


def _rows(section: Section, table: str) -> list[list[str | None]]:
    return [[cell.value for cell in row.cells] for row in section.table(table).rows]


async def _owed(house: House, desk: Desk) -> list[str]:
    return [str(each.amount) for each in await house.credits.due(desk.by("olive"), desk.tenant.id)]


async def test_what_nobody_claimed_in_time_is_settled_with_the_day_on_which_its_window_ended(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house)
    assert await desk.consider(await desk.sign()) is None
    clock.advance(DEADLINE - timedelta(seconds=1) - clock.now())
    due = await _told(house, desk)
    assert (due.state, due.why, _rows(due, "settled")) == (State.MISSING, DUE, [])
    assert await _owed(house, desk) == ["100.00 EUR"]

    clock.advance(timedelta(seconds=1))
    claim = await desk.claim()
    assert (claim.accepted, claim.code) == (False, "CLAIM_LATE")
    settled = await _told(house, desk)
    assert (settled.state, settled.why, _rows(settled, "due")) == (State.FRESH, None, [])
    assert _rows(settled, "settled") == [UNCLAIMED]
    assert list(sentences(settled))[1:] == ["Due to whoever claimed it, and not claimed in time: 1."]
    assert await _owed(house, desk) == []
    august = await _told(house, desk, "2026-08")
    assert _rows(august, "settled") == [UNCLAIMED], "its window ended in August"
    july = await _told(house, desk, "2026-07")
    assert (july.state, _rows(july, "settled")) == (State.FRESH, [])

    credit = await desk.propose()
    assert [row.id for row in (await _told(house, desk)).table("open").rows] == [str(credit.id)]
    await desk.void(credit)
    assert _rows(await _told(house, desk), "due") == [], "a favour that was taken back is not owed"


async def test_what_was_claimed_in_time_and_came_to_nothing_by_the_vendors_doing_stays_owed(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house)
    await desk.sign()
    clock.advance(DEADLINE - timedelta(seconds=1) - clock.now())
    assert (await desk.claim()).accepted
    (credit,) = await house.credits.of_period(desk.by("carla"), desk.tenant.id, JUNE)
    await desk.void(credit)
    clock.advance(timedelta(days=90))
    found = await _told(house, desk)
    assert (found.state, found.why) == (State.MISSING, DUE)
    assert [row[3] for row in _rows(found, "due")] == ["proposed, and voided"]


async def test_what_the_contract_proposes_by_itself_needs_no_claim_and_stays_owed(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house, policy="{auto_propose: true}")
    credit = await desk.consider(await desk.sign())
    assert credit is not None
    await desk.void(credit)
    clock.advance(DEADLINE + timedelta(days=1) - clock.now())
    assert (await _told(house, desk)).why == DUE


async def test_what_an_approver_rejected_is_settled_and_not_due_again(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    digest = (await desk.approval(credit)).request.digest
    reject = RejectCredit(desk.tenant.id, credit.id, digest, "the fee is wrong")
    await house.credit_decisions.reject(reject, desk.by("fay"))
    found = await _told(house, desk)
    assert (found.state, found.why, _rows(found, "due")) == (State.FRESH, None, [])
    assert [row[3:5] for row in _rows(found, "settled")] == [["rejected", "an approver said no"]]
    assert await _owed(house, desk) == []

    await desk.void(await desk.propose())
    again = await _told(house, desk)
    assert (again.why, [row[3] for row in _rows(again, "due")]) == (DUE, ["proposed, and voided"])
