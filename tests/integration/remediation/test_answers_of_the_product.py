"""Whatever the product answers: applied once, never taken for applied when it was not, and said so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.remediation_world import ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly, GiveFeedback, Verdict
from trust_portal.cost.remediation.model import RollBackRun, Run, RunState, StepKind
from trust_portal.cost.remediation.permitting import Permits


async def permitted(world: World, product: ProductProcess, anomaly: CostAnomaly, manner: str) -> Run:
    """One attempt at an approved run, answered in that manner."""
    run = await world.planned(anomaly)
    product.answers(manner)
    return await world.executed(run)


@pytest.mark.parametrize("manner", ["silent", "500", "garbage", "wrong", "endless"])
async def test_what_was_done_but_not_confirmed_is_asked_again_and_confirmed_once(
    world: World, product: ProductProcess, anomaly: CostAnomaly, manner: str
):
    run = await permitted(world, product, anomaly, manner)
    assert run.state is RunState.EXECUTING
    assert run.last.kind is StepKind.UNCONFIRMED
    assert run.last.detail["answer"] == "no_answer"
    assert len(product.applied) == 1
    product.answers("well")
    assert await world.advance(run) == run, "not before a second has passed"
    world.clock.advance(timedelta(seconds=1))
    run = await world.advance(run)
    assert run.state is RunState.EXECUTED
    assert run.last.detail["attempts"] == "2"
    assert [each["idempotency_key"] for each in product.calls] == [run.apply_key] * 2
    assert [each["key"] for each in product.applied] == [run.apply_key]


async def test_a_call_that_expired_before_it_was_sent_is_not_sent(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await world.approve(run)
    requested = run.step(StepKind.REQUESTED)
    permits = Permits(world.house.remediation._with)
    permitted = await permits.permit(run, requested.approval_id)
    assert permitted.state is RunState.EXECUTING, "the worker dies here, and nobody sends for an hour"
    world.clock.advance(timedelta(hours=1))
    run = await world.advance(permitted)
    assert run.state is RunState.FAILED
    assert run.last.detail["why"] == "expired before it was sent"
    assert run.last.detail["changed"] == "no"
    assert product.calls == []


@pytest.mark.parametrize("verdict", [Verdict.PLANNED, Verdict.FALSE])
async def test_an_anomaly_that_people_have_called_something_else_since_is_not_acted_upon(
    world: World, product: ProductProcess, anomaly: CostAnomaly, verdict: Verdict
):
    run = await world.planned(anomaly)
    await world.approve(run)
    await world.house.anomalies.give_feedback(
        GiveFeedback(anomaly.tenant_id, anomaly.id, verdict, "We meant to."), world.operator
    )
    run = await world.advance(run)
    assert run.state is RunState.DENIED
    assert run.last.detail["rules"] == ["anomaly-must-stand"]
    assert product.calls == []


async def test_a_late_answer_counts_for_nothing_and_the_next_attempt_finds_it_done(
    world: World, product: ProductProcess, anomaly: CostAnomaly, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("trust_portal.cost.remediation.control_client.PATIENCE", 0.5)
    run = await permitted(world, product, anomaly, "late")
    assert run.last.detail["reason"] == "it did not answer within 0 seconds"
    product.answers("well")
    world.clock.advance(timedelta(seconds=1))
    assert (await world.advance(run)).state is RunState.EXECUTED
    assert len(product.applied) == 1


async def test_members_that_nobody_knows_are_kept_and_do_no_harm(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "more")
    assert run.state is RunState.EXECUTED
    assert run.last.detail["more"] == {"note": "new", "load": "0.25"}


async def test_pending_is_asked_again_until_it_is_done(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "pending")
    for wait in (1, 2, 4):
        assert (run.state, run.last.detail["answer"]) == (RunState.EXECUTING, "pending")
        world.clock.advance(timedelta(seconds=wait))
        run = await world.advance(run)
    product.answers("well")
    world.clock.advance(timedelta(seconds=8))
    assert (await world.advance(run)).state is RunState.EXECUTED


async def test_a_refusal_is_the_end_and_changed_nothing(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "refused")
    assert run.state is RunState.FAILED
    assert (run.last.detail["why"], run.last.detail["changed"]) == ("refused", "no")
    assert run.last.detail["reason"] == "not today"
    assert run.last.receipt_id is not None
    assert product.applied == []


async def test_what_is_not_confirmed_a_minute_after_its_time_is_taken_back_by_itself(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "garbage")
    for minutes in (5, 5):
        assert run.state is RunState.EXECUTING
        await world.minutes(minutes)
        run = await world.advance(run)
    assert run.state is RunState.EXECUTING, "it is asked once more what became of it"
    product.answers("500")
    await world.minutes(1)
    run = await world.advance(run)
    started, approved = run.step(StepKind.ROLLBACK_STARTED), run.step(StepKind.APPROVED)
    assert (started.detail["why"], started.detail["changed"]) == ("not confirmed", "unknown")
    assert started.at - approved.at == timedelta(minutes=11)
    assert started.receipt_id is not None
    assert (run.state, run.last.kind) == (RunState.ROLLING_BACK, StepKind.UNCONFIRMED)
    product.answers("well")
    await world.minutes(1)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert [each["key"] for each in product.applied] == [run.apply_key, run.reverse_key]
    assert product.calls[-1]["parameters"] == {}, "what was there before was in the answer that was lost"
    before = len(product.calls)
    assert await world.advance(run) == run
    assert len(product.calls) == before, "a run that is over makes no call"


async def test_what_the_product_never_got_is_taken_back_and_refused_from_then_on(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "lost")
    assert product.applied == []
    await world.minutes(11)
    run = await world.advance(run)
    product.answers("well")
    await world.minutes(1)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert run.last.detail["effect"] == {}, "there was nothing to take back"
    assert [each["key"] for each in product.applied] == [run.reverse_key]


@pytest.mark.parametrize(
    ("manner", "why"), [("refused", "rollback refused"), ("garbage", "rollback not confirmed")]
)
async def test_where_taking_back_comes_to_nothing_either_nobody_knows_and_people_are_told(
    world: World, product: ProductProcess, anomaly: CostAnomaly, manner: str, why: str
):
    run = await permitted(world, product, anomaly, "garbage")
    product.answers("lost")
    await world.minutes(11)
    run = await world.advance(run)
    assert run.state is RunState.ROLLING_BACK
    product.answers(manner)
    world.clock.advance(timedelta(days=1, minutes=2))
    run = await world.advance(run)
    assert run.state is RunState.FAILED
    assert (run.last.detail["why"], run.last.detail["changed"]) == (why, "unknown")
    (told,) = await world.told(run.tenant_id, "playbook.failed")
    assert "omebody has to look at" in told.text
    assert told.path == f"/t/acme/cost/playbooks/{run.id}"


async def test_a_person_takes_back_what_is_not_confirmed_yet(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await permitted(world, product, anomaly, "silent")
    assert run.state is RunState.EXECUTING
    product.answers("well")
    await world.house.remediation.roll_back(
        RollBackRun(run.tenant_id, run.id, "We will not wait."), world.operator
    )
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert [each["key"] for each in product.applied] == [run.apply_key, run.reverse_key]


async def test_a_product_that_is_not_there_is_no_answer(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    product.process.kill()
    product.process.wait()
    run = await world.executed(run)
    assert run.last.detail["reason"] == "it could not be reached (ConnectError)"
    assert run.state is RunState.EXECUTING
