"""What did not help or did harm is taken back by itself; anything that was sent, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.remediation_world import HOUR, ONSET, START, ProductProcess, World, measured

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RollBackRun, RunState, StepKind
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict, Denied
from trust_portal.kernel.ids import VENDOR_ID

STOP = SetKillSwitch(VENDOR_ID, stopped=True, reason="We look first.")


async def test_what_did_not_bring_cost_down_is_taken_back_to_what_was_before(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    started = run.step(StepKind.ROLLBACK_STARTED)
    assert started.detail["why"] == "cost did not come down"
    assert started.detail["verification"]["reduction"] == "0.056"
    _, reverse = product.calls
    assert (reverse["action"], reverse["parameters"]) == ("unthrottle_exports", {"limit": "none"})
    assert reverse["reverses"] == run.apply_key
    assert reverse["receipt"] == str(run.step(StepKind.EXECUTED).receipt_id)
    assert [each["key"] for each in product.applied] == [run.apply_key, run.reverse_key]


async def test_cost_that_only_moved_elsewhere_is_not_verified(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.00")
    await world.spend_on_reads("acme", range(ONSET + 3, ONSET + 6), "120.00")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    verification = run.step(StepKind.ROLLBACK_STARTED).detail["verification"]
    assert verification["verified"] is False
    assert "compute as a whole costs more than before" in verification["finding"]


async def test_a_tenant_that_suffers_gets_it_back_at_once(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    before = START + (ONSET + 2.5) * HOUR
    await world.deliver(measured("acme", before + n * timedelta(minutes=1), 100, 100) for n in range(40))
    run = await world.executed(await world.planned(anomaly))
    acted = run.last.at
    await world.minutes(5)
    await world.deliver(measured("acme", acted + n * timedelta(minutes=1), 100, 99) for n in range(1, 4))
    assert (await world.advance(run)).state is RunState.EXECUTED, "1 % is what the playbook allows"
    await world.deliver([measured("acme", acted + timedelta(minutes=4), 100, 98)])
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    started = run.step(StepKind.ROLLBACK_STARTED)
    assert started.detail["why"] == "health"
    assert started.detail["suffering"] == [
        {"objective": "api", "bad": "5", "total": "400", "bad_before": "0", "total_before": "4000"}
    ]


async def test_a_person_takes_back_what_was_verified_with_a_reason(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    back = await world.house.remediation.roll_back(
        RollBackRun(run.tenant_id, run.id, "The export is mended."), world.operator
    )
    assert back.state is RunState.ROLLING_BACK
    assert (await world.advance(back)).state is RunState.ROLLED_BACK
    receipts = [
        predicate
        for kind, predicate in await world.receipts(run.tenant_id)
        if kind == "playbook.rollback_started"
    ]
    assert receipts[0]["rationale"] == "The export is mended."
    assert receipts[0]["policies"]["ids"] == ["operators-mind-cost"]


async def test_nothing_is_taken_back_that_was_never_sent_and_nothing_changes(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    with pytest.raises(Conflict) as refused:
        await world.house.remediation.roll_back(RollBackRun(run.tenant_id, run.id, "Why not."), CONSOLE)
    assert refused.value.code == "NOTHING_TO_ROLL_BACK"
    assert await world.read(run) == run
    assert product.calls == []


async def test_who_may_not_take_back_is_told_so_and_nothing_changes(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    with pytest.raises(Denied):
        await world.house.remediation.roll_back(RollBackRun(run.tenant_id, run.id, "No."), world.approver)
    assert await world.read(run) == run


async def test_a_switch_holds_what_goes_back_by_itself_until_it_is_let_go(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    await world.house.kill_switches.set(STOP, world.operator)
    run = await world.advance(run)
    assert (run.state, run.last.kind) == (RunState.ROLLING_BACK, StepKind.HELD)
    assert run.last.detail["rules"] == ["kill-switch"]
    assert await world.advance(run) == run, "it is said once"
    assert len(product.calls) == 1
    await world.house.kill_switches.set(
        SetKillSwitch(VENDOR_ID, stopped=False, reason="We have looked."), world.operator
    )
    assert (await world.advance(run)).state is RunState.ROLLED_BACK


async def test_what_was_held_for_longer_than_its_call_is_good_for_is_taken_back_by_a_new_call(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    await world.house.kill_switches.set(STOP, world.operator)
    held = await world.advance(run)
    assert held.last.kind is StepKind.HELD
    world.clock.advance(timedelta(hours=25))
    await world.house.kill_switches.set(
        SetKillSwitch(VENDOR_ID, stopped=False, reason="We have looked."), world.operator
    )
    run = await world.advance(held)
    assert run.state is RunState.ROLLED_BACK
    assert [each["key"] for each in product.applied] == [run.apply_key, f"{run.reverse_key}-2"]
    assert run.step(StepKind.ROLLBACK_STARTED).detail["why"] == "cost did not come down"


async def test_hours_of_which_nobody_told_are_no_saving(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", [ONSET + 3, ONSET + 4], "1.00")
    await world.close(ONSET + 6)
    assert await world.advance(run) == run, "the hour after that is closed, and empty: it is waited for"
    world.until(ONSET + 6 + 24)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert run.step(StepKind.ROLLBACK_STARTED).detail["why"] == "nothing shows that cost came down"


async def test_a_person_takes_back_while_the_switch_is_on(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.house.kill_switches.set(STOP, world.operator)
    await world.house.remediation.roll_back(
        RollBackRun(run.tenant_id, run.id, "Customers complain."), world.operator
    )
    assert (await world.advance(run)).state is RunState.ROLLED_BACK
    assert [each["action"] for each in product.applied] == ["throttle_exports", "unthrottle_exports"]


async def test_what_may_have_been_done_before_it_was_confirmed_is_measured_from_the_first_attempt(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    """The tenant suffers between the attempt and its confirmation: that is no usual state to compare with."""
    await world.deliver(
        measured("acme", world.clock.now() - n * timedelta(minutes=1), 100, 100) for n in range(1, 41)
    )
    run = await world.planned(anomaly)
    product.answers("garbage")
    run = await world.executed(run)
    acted = run.acted_at
    await world.minutes(6)
    product.answers("well")
    run = await world.advance(run)
    assert run.state is RunState.EXECUTED
    await world.minutes(4)
    await world.deliver(measured("acme", acted + n * timedelta(minutes=1), 100, 90) for n in range(1, 10))
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert run.step(StepKind.ROLLBACK_STARTED).detail["suffering"] == [
        {"objective": "api", "bad": "90", "total": "900", "bad_before": "0", "total_before": "4000"}
    ]


async def test_a_tenant_that_suffers_from_what_is_not_confirmed_gets_it_back_at_once(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    product.answers("silent")
    run = await world.executed(run)
    acted = run.acted_at
    await world.minutes(4)
    await world.deliver(measured("acme", acted + n * timedelta(minutes=1), 100, 90) for n in range(1, 4))
    product.answers("well")
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert run.step(StepKind.ROLLBACK_STARTED).detail["why"] == "health"
    assert run.step(StepKind.EXECUTED) is None
    assert [each["key"] for each in product.applied] == [run.apply_key, run.reverse_key]
