"""What people decide, or do not: each end of a plan on which nobody acted, with its reason and no call."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support.remediation_world import HOUR, ONSET, START, ProductProcess, World, flag_raised

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import Deny, Withdraw
from trust_portal.cost.anomalies.model import CostAnomaly, GiveFeedback, Verdict
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, Run, RunState, StepKind
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID

pytestmark = pytest.mark.takes(seconds=20)


def approval_of(run: Run) -> UUID:
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    assert requested.approval_id is not None
    return requested.approval_id


async def state_of_approval(world: World, run: Run) -> str:
    found = await world.house.approval_inbox.get(world.approver, run.tenant_id, approval_of(run))
    return found.state.value


async def asked_by_hand(world: World, anomaly: CostAnomaly) -> Run:
    plan = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
    (run,) = await world.house.remediation.plan(plan, world.operator)
    request = RequestRun(run.tenant_id, run.id, "It runs away.")
    return await world.house.remediation.request(request, world.operator)


@pytest.mark.parametrize("happens", ["suspended", "without the role"])
async def test_what_was_approved_by_somebody_who_may_no_longer_is_not_done(
    world: World, product: ProductProcess, anomaly: CostAnomaly, happens: str
):
    run = await world.planned(anomaly)
    await world.approve(run)
    people = world.house.people
    if happens == "suspended":
        await people.suspend(CONSOLE, VENDOR_ID, world.approver.id)
    else:
        await people.revoke(CONSOLE, VENDOR_ID, world.approver.id, Role.APPROVER_RELIABILITY)
    run = await world.advance(run)
    assert run.state is RunState.DECLINED
    assert run.last.detail == {
        "why": "APPROVER_LEFT",
        "words": "Arne approved this and may no longer; ask again",
    }
    assert await state_of_approval(world, run) == "void"
    assert product.calls == []


async def test_what_was_approved_with_a_passkey_that_was_revoked_since_is_not_done(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await world.approve(run)
    (passkey,) = await world.house.passkeys.of(world.approver)
    await world.house.passkeys.revoke(passkey.id, world.approver)
    run = await world.advance(run)
    assert run.state is RunState.DECLINED
    assert run.last.detail == {
        "why": "PASSKEY_REVOKED",
        "words": "the passkey with which Arne approved this (step 1) has been revoked; ask again",
    }
    assert await state_of_approval(world, run) == "void"
    assert product.calls == []


async def test_what_an_approver_denies_is_declined_in_their_words(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    found = await world.house.approval_inbox.get(world.approver, run.tenant_id, approval_of(run))
    deny = Deny(run.tenant_id, approval_of(run), found.approval.request.digest, "They need it today.")
    denied = await world.house.decisions.deny(deny, world.approver)
    await world.house.remediation.approval_settled(run.tenant_id, approval_of(run))
    run = await world.read(run)
    assert run.state is RunState.DECLINED
    assert run.last.detail == {"why": "denied", "by": "Arne", "words": "They need it today."}
    assert run.last.receipt_id == denied.steps[-1].receipt_id, "the receipt of the denial is the reason"
    assert product.calls == []


async def test_what_its_requester_withdraws_is_declined(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await asked_by_hand(world, anomaly)
    withdraw = Withdraw(run.tenant_id, approval_of(run), "It has stopped.")
    await world.house.decisions.withdraw(withdraw, world.operator)
    run = await world.advance(run)
    assert (run.state, run.last.detail["why"]) == (RunState.DECLINED, "withdrawn")
    assert product.calls == []


@pytest.mark.parametrize(
    ("approved", "after"), [(False, timedelta(hours=4, seconds=1)), (True, timedelta(minutes=31))]
)
async def test_what_nobody_decides_or_uses_in_time_is_declined(
    world: World, product: ProductProcess, anomaly: CostAnomaly, approved: bool, after: timedelta
):
    run = await world.planned(anomaly)
    if approved:
        await world.approve(run)
    world.clock.advance(after)
    run = await world.advance(run)
    assert (run.state, run.last.detail["why"]) == (RunState.DECLINED, "expired")
    assert product.calls == []


async def test_a_plan_that_nobody_acted_upon_lapses_and_cannot_be_asked_for(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    plan = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
    (run,) = await world.house.remediation.plan(plan, world.operator)
    world.clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert (await world.advance(run)).state is RunState.PLANNED
    world.clock.advance(timedelta(seconds=1))
    run = await world.advance(run)
    assert (run.state, run.last.detail) == (RunState.LAPSED, {"why": "nobody acted upon it"})
    with pytest.raises(Conflict) as refused:
        await world.house.remediation.request(RequestRun(run.tenant_id, run.id, "Late."), world.operator)
    assert refused.value.code == "NOT_PLANNED"
    assert await world.read(run) == run
    assert product.calls == []


@pytest.mark.parametrize("verdict", [Verdict.PLANNED, Verdict.FALSE])
async def test_a_plan_for_what_people_call_something_else_lapses_and_nobody_decides_on_it_any_more(
    world: World, product: ProductProcess, anomaly: CostAnomaly, verdict: Verdict
):
    run, by_hand = await world.planned(anomaly), await world.run_of(anomaly, "pause-ramp")
    assert (run.state, by_hand.state) == (RunState.WAITING, RunState.PLANNED)
    feedback = GiveFeedback(anomaly.tenant_id, anomaly.id, verdict, "We meant to.")
    await world.house.anomalies.give_feedback(feedback, world.operator)
    for each in (run, by_hand):
        lapsed = await world.advance(each)
        assert lapsed.state is RunState.LAPSED
        assert lapsed.last.detail == {"why": f"people called the anomaly {verdict.value}"}
    assert await state_of_approval(world, run) == "void"
    receipts = [p["result"] for kind, p in await world.receipts(run.tenant_id) if kind == "playbook.lapsed"]
    assert [(each["run"], each["state"]["before"]) for each in receipts] == [
        (str(run.id), "waiting"),
        (str(by_hand.id), "planned"),
    ]
    with pytest.raises(InvalidInput) as refused:
        await asked_by_hand(world, anomaly)
    assert refused.value.code == "UNFIT"
    assert product.calls == []


async def test_where_nobody_could_approve_it_is_said_once_and_somebody_may_still_ask(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    await world.house.people.suspend(CONSOLE, VENDOR_ID, world.approver.id)
    run = await world.planned(anomaly)
    assert (run.state, run.last.kind) == (RunState.PLANNED, StepKind.HELD)
    assert run.last.detail["why"].startswith("nobody could approve this")
    assert await world.advance(run) == run, "it is said once"
    ask = RequestRun(run.tenant_id, run.id, "It runs away.")
    with pytest.raises(Conflict) as refused:
        await world.house.remediation.request(ask, world.operator)
    assert refused.value.code == "UNFULFILLABLE"
    assert await world.read(run) == run
    assert product.calls == []


async def test_a_plan_lapses_once_its_anomaly_is_suppressed(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run, by_hand = await world.planned(anomaly), await world.run_of(anomaly, "pause-ramp")
    meant = CreateSuppression(
        anomaly.tenant_id, None, "A move, agreed.", START + ONSET * HOUR, START + (ONSET + 9) * HOUR
    )
    await world.house.suppressions.create(meant, CONSOLE)
    assert [(await world.advance(each)).state for each in (run, by_hand)] == [run.state, by_hand.state]
    await world.use("acme", [ONSET + 3], "90.00")
    await world.close(ONSET + 4)
    for each in (run, by_hand):
        lapsed = await world.advance(each)
        assert (lapsed.state, lapsed.last.detail) == (
            RunState.LAPSED,
            {"why": "the anomaly is suppressed"},
        )
    assert await state_of_approval(world, run) == "void"
    await world.explained(anomaly.tenant_id)
    with pytest.raises(InvalidInput) as refused:
        await asked_by_hand(world, anomaly)
    assert refused.value.code == "UNFIT"
    assert product.calls == []


async def test_an_anomaly_that_outlasts_its_suppression_is_planned_for(world: World, product: ProductProcess):
    tenant_id = await world.tenant("delta")
    meant = CreateSuppression(
        tenant_id, None, "A load test.", START + ONSET * HOUR, START + (ONSET + 4) * HOUR
    )
    await world.house.suppressions.create(meant, CONSOLE)
    await world.use("delta", range(ONSET), "1.00")
    await world.use("delta", range(ONSET, ONSET + 4), "90.00")
    await world.deliver([flag_raised("delta")])
    await world.close(ONSET + 4)
    silent = await world.explained(tenant_id)
    assert silent.suppression_id is not None
    await world.house.remediation.plan_by_itself(tenant_id, silent.id)
    assert await world.receipts(tenant_id) == []

    await world.use("delta", [ONSET + 4], "90.00")
    await world.close(ONSET + 5)

    loud = await world.explained(tenant_id)
    assert (loud.id, loud.suppression_id) == (silent.id, None)
    assert (await world.planned(loud)).state is RunState.WAITING
