"""A report restated: what was proposed is void, what was issued is supplemented, kept or reversed."""

from __future__ import annotations

import json

import pytest
from credit_desk import JUNE, LAST_DAY, Desk, correct, deliver, event, memo_bundle, promise, trust_of

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.reliability.credits.model import CreditKind, CreditState, Outcome
from trust_portal.reliability.findings import State
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.verification import KINDS

AUTO = "{auto_propose: true}"


async def test_more_due_after_the_issue_is_a_supplement_whose_memo_proves_both(
    house: House, desk: Desk, sequencer: None
):
    await promise(house, policy=AUTO)
    await desk.consider(await desk.sign())
    first = await desk.issued_by_others(
        (await house.credits.of_period(desk.by("olive"), desk.tenant.id, JUNE))[0]
    )
    await correct(house, range(10, 20), 0)
    again = await desk.sign("ten more minutes came in")
    supplement = await desk.consider(again)
    assert supplement is not None
    assert (supplement.kind, str(supplement.amount), str(supplement.calculation.total)) == (
        CreditKind.SUPPLEMENT,
        "150.00 EUR",
        "250.00 EUR",
    )
    assert (supplement.revision, supplement.supplements) == (2, first.id)
    issued = await desk.issued_by_others(supplement, reference="CN-2026-0018")
    memo = json.loads(await house.credits.memo(desk.by("carla"), desk.tenant.id, issued.id))
    (before,) = memo["calculation"]["body"]["earlier"]
    assert (before["amount"], before["reference"], before["receipt"]) == (
        "100.00",
        "CN-2026-0017",
        str(first.last.receipt_id),
    )
    data = await memo_bundle(house, issued)
    assert (
        verify(data, policy=await trust_of(house, desk), kinds=KINDS, recomputers=RECOMPUTERS).findings == ()
    )
    assert await desk.consider(again) == issued, "nothing more is due"


async def test_what_was_proposed_for_the_revision_before_is_void(house: House, desk: Desk):
    await promise(house, policy=AUTO)
    first = await desk.consider(await desk.sign())
    assert first is not None
    approved = await desk.approve(first)
    await correct(house, range(10, 20), 0)
    again = await desk.sign("ten more minutes came in")
    before = await desk.stored()
    with pytest.raises(Conflict) as refusal:
        await desk.issue(approved)
    assert refusal.value.code == "RESTATED"
    assert await desk.stored() == before
    second = await desk.consider(again)
    assert second is not None
    assert (second.kind, str(second.amount), second.attempt) == (CreditKind.CREDIT, "250.00 EUR", 1)
    voided = await desk.look(first)
    assert (voided.state, voided.last.reason) == (
        CreditState.VOIDED,
        "The report of 2026-06 was restated: revision 2 counts now.",
    )
    with pytest.raises(Conflict) as refusal:
        await desk.issue(voided)
    assert refusal.value.code in {"RESTATED", "APPROVAL_VOID"}


async def test_less_due_after_the_issue_is_kept_by_default_and_on_record_with_its_reason(
    house: House, desk: Desk
):
    await promise(house, policy=AUTO)
    first = await desk.consider(await desk.sign())
    assert first is not None
    await desk.issued_by_others(first)
    await correct(house, range(10), 100)
    assert await desk.consider(await desk.sign("the counts were wrong")) is None
    kept = (await house.credits.calculations(desk.by("carla"), desk.tenant.id, JUNE))[-1]
    assert (kept.outcome, kept.revision, str(kept.total)) == (Outcome.KEPT, 2, "0.00 EUR")
    said = (await desk.statement(kept.receipt_id))["result"]
    assert said["outcome"] == "kept"
    assert said["rules"][-1] == {
        "id": "restatement.keep",
        "text": (
            "100.00 EUR was issued for this period; the restated report comes to 0.00 EUR, 100.00 EUR less; by the "
            "contract's credit policy the customer keeps it"
        ),
    }
    assert await house.credits.due(desk.by("olive"), desk.tenant.id) == ()


async def test_less_due_after_the_issue_is_reversed_where_the_contract_says_so(house: House, desk: Desk):
    await promise(house, policy="{auto_propose: true, lower_restatement: reverse}")
    first = await desk.consider(await desk.sign())
    assert first is not None
    await desk.issued_by_others(first)
    await correct(house, range(10), 100)
    reversal = await desk.consider(await desk.sign("the counts were wrong"))
    assert reversal is not None
    assert (reversal.kind, str(reversal.amount)) == (CreditKind.REVERSAL, "-100.00 EUR")
    issued = await desk.issued_by_others(reversal, reference="DN-2026-0001")
    assert issued.state is CreditState.ISSUED


async def test_a_signed_month_that_is_contradicted_since_moves_no_money(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.approve(await desk.propose())
    await contradict(desk)
    before = await desk.stored()
    for act in (desk.issue(credit), desk.propose()):
        with pytest.raises(Conflict) as refusal:
            await act
        assert refusal.value.code == "CONTRADICTED"
    assert await desk.stored() == before


async def test_what_waits_to_be_considered_ends_where_the_month_is_contradicted_meanwhile(
    house: House, desk: Desk
):
    await promise(house, policy=AUTO)
    await desk.sign()
    await contradict(desk)
    before = await desk.stored()
    assert await desk.work_off() == [None]
    assert await desk.stored() == before
    assert await desk.jobs("consider_credit") == []


async def test_a_contradiction_that_goes_away_is_confirmed_by_a_person_and_the_credit_is_considered_then(
    house: House, desk: Desk
):
    await promise(house, policy=AUTO)
    signed = await desk.sign()
    await contradict(desk)
    await desk.work_off()
    agreed = {"tenant": "acme", "objective": "api", "total": 100, "good": 0}
    mended = agreed | {"correction_of": "somebody else's count"}
    await deliver(house, [event("sli.measured", "they saw it too", mended, LAST_DAY)])
    with pytest.raises(Conflict) as refusal:
        await desk.sign()
    assert refusal.value.code == "REASON_REQUIRED"
    assert await desk.work_off() == [], "nobody has confirmed it yet"
    confirmed = await desk.sign("the other count was of another minute")
    assert (confirmed.revision, confirmed.delta, confirmed.supersedes) == (2, [], signed.id)
    (credit,) = await desk.work_off()
    assert credit is not None
    assert (credit.revision, credit.state, str(credit.amount)) == (2, CreditState.PROPOSED, "100.00 EUR")
    assert await desk.jobs("consider_credit") == []


async def test_late_data_that_give_other_figures_show_on_the_period_until_it_is_restated(
    house: House, desk: Desk
):
    async def since() -> object:
        (head,) = await house.reports.heads(desk.by("carla"), desk.tenant.id)
        assert not head.contradicted
        return head.overtaken_at

    await promise(house)
    signed = await desk.sign()
    assert await since() is None
    await correct(house, range(10, 11), 0)
    for _ in range(2):
        with pytest.raises(Conflict) as refusal:
            await desk.sign()
        assert refusal.value.code == "REASON_REQUIRED"
        assert await since() == house.clock.now()
    await correct(house, range(10, 11), 100)
    assert await desk.sign() == signed, "the figures are the signed ones again"
    assert await since() is None
    await correct(house, range(11, 12), 0)
    with pytest.raises(Conflict):
        await desk.sign()
    restated = await desk.sign("one more minute came in")
    assert (restated.revision, await since()) == (2, None)


async def contradict(desk: Desk) -> None:
    """Somebody else's count of the first minute."""
    other = {"tenant": "acme", "objective": "api", "total": 100, "good": 50}
    await deliver(desk.house, [event("sli.measured", "somebody else's count", other, LAST_DAY)])
    disputed = await desk.house.reports.issue(IssueReport(desk.tenant.id, JUNE), CONSOLE)
    assert disputed.state is not State.OK
