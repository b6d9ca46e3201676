"""A customer asks for what its report says is due: in time it is proposed, too late it is refused with a receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from credit_desk import Desk, promise

from trust_portal.errors import Conflict, Denied, Refused
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.credits.model import CreditState, Origin

#: Signed on 10 July at nine: thirty whole days begin with the eleventh.
DEADLINE = datetime(2026, 8, 10, tzinfo=UTC)


async def test_a_claim_in_time_is_proposed_in_the_customers_name(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house)
    await desk.sign()
    clock.advance(DEADLINE - timedelta(seconds=1) - clock.now())
    claim = await desk.claim()
    assert (claim.accepted, claim.code, claim.deadline) == (True, "ACCEPTED", DEADLINE)
    (credit,) = await house.credits.of_period(desk.by("carla"), desk.tenant.id, claim.period)
    assert (credit.origin, credit.claim_id, credit.proposer) == (Origin.CLAIM, claim.id, "Carla")
    assert credit.last.receipt_id == claim.receipt_id
    with pytest.raises(Conflict) as refusal:
        await desk.claim()
    assert refusal.value.code == "CREDIT_LIVE"
    assert (await desk.issued_by_others(credit)).state is CreditState.ISSUED


async def test_a_late_claim_is_refused_once_with_a_receipt_and_the_vendor_may_still_propose(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(house)
    report = await desk.sign()
    clock.advance(DEADLINE - clock.now())
    claim = await desk.claim()
    assert (claim.accepted, claim.code) == (False, "CLAIM_LATE")
    assert claim.message == "the contract lets a credit for 2026-06 be claimed until 2026-08-10 00:00 UTC"
    said = await desk.statement(claim.receipt_id)
    assert (said["result"]["code"], said["result"]["deadline"], said["rationale"]) == (
        "CLAIM_LATE",
        "2026-08-10T00:00:00Z",
        "June was bad",
    )
    assert [each["name"] for each in said["inputs"]] == [f"receipt/{report.receipt_id}"]
    before = await desk.stored()
    assert await desk.claim() == claim
    assert await desk.stored() == before, "the same refusal again is the one on record"
    page = await house.credits.claims(desk.by("carla"), desk.tenant.id, PageRequest(5))
    assert page.items == (claim,)
    assert (await desk.propose()).origin is Origin.PERSON


async def test_a_claim_for_a_month_that_was_kept_is_refused_with_a_receipt(house: House, desk: Desk):
    await promise(house, target="99.0", tiers=[{"to": "99.0", "credit_percent": "10"}])
    with pytest.raises(Refused) as refusal:
        await desk.claim()
    assert refusal.value.code == "NO_SIGNED_REPORT"
    assert await desk.kinds() == []
    await desk.sign()
    claim = await desk.claim()
    assert (claim.accepted, claim.code, claim.message) == (
        False,
        "NOTHING_DUE",
        "by this report nothing is due",
    )
    assert await desk.kinds() == ["credit.claim_refused"]


async def test_only_the_customers_own_administrators_claim(desk: Desk, house: House):
    await promise(house)
    await desk.sign()
    before = await desk.stored()
    for who in ("olive", "fay", "cora"):
        with pytest.raises(Denied):
            await desk.claim(who)
    assert await desk.stored() == before
