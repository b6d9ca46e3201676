"""Who watches automation hears when it is stopped, and when it came to nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.remediation_world import ONSET, ProductProcess, World

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RollBackRun, RunState
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID


async def test_a_run_that_is_taken_back_is_told_with_the_way_to_its_page(
    world: World, product: ProductProcess, anomaly: CostAnomaly
) -> None:
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    (told,) = await world.told(run.tenant_id, "playbook.rolled_back")
    assert (told.title, told.path) == (
        "throttle-exports was rolled back at acme",
        f"/t/acme/cost/playbooks/{run.id}",
    )
    assert told.facts == {
        "run": str(run.id),
        "playbook": "throttle-exports",
        "anomaly": str(anomaly.id),
        "state": "rolled_back",
    }
    assert told.audience["roles"] == ["finops_operator", "sre_operator"]
    assert await world.told(run.tenant_id, "playbook.failed") == []


async def test_what_policy_forbids_is_told_with_its_rules(
    world: World, product: ProductProcess, anomaly: CostAnomaly
) -> None:
    run = await world.planned(anomaly)
    await world.approve(run)
    stop = SetKillSwitch(VENDOR_ID, stopped=True, reason="It looks wrong.")
    await world.house.kill_switches.set(stop, world.operator)
    assert (await world.advance(run)).state is RunState.DENIED
    (told,) = await world.told(run.tenant_id, "playbook.denied")
    assert told.text == "Policy forbids it: kill-switch. Nothing was sent."


async def test_what_a_switch_holds_is_told_once(
    world: World, product: ProductProcess, anomaly: CostAnomaly
) -> None:
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    stop = SetKillSwitch(VENDOR_ID, stopped=True, reason="It looks wrong.")
    await world.house.kill_switches.set(stop, world.operator)
    for _ in range(2):
        run = await world.advance(run)
    (told,) = await world.told(run.tenant_id, "playbook.held")
    assert told.text == (
        "A kill switch holds what was to be taken back by itself: until the switch is let go, or somebody"
        " takes it back by hand, what was done stands."
    )


async def test_what_nobody_could_approve_is_told(world: World, anomaly: CostAnomaly) -> None:
    await world.house.people.suspend(CONSOLE, VENDOR_ID, world.approver.id)
    run = await world.planned(anomaly)
    (told,) = await world.told(run.tenant_id, "playbook.held")
    assert told.title == "throttle-exports waits at acme"
    assert told.text.startswith("It was not asked for: nobody could approve this")


@pytest.mark.parametrize("state", ["refused", "rolling back, and not confirmed"])
async def test_what_failed_is_told_for_what_it_was(
    world: World, product: ProductProcess, anomaly: CostAnomaly, state: str
) -> None:
    run = await world.planned(anomaly)
    if state == "refused":
        product.answers("refused")
        run = await world.executed(run)
        (told,) = await world.told(run.tenant_id, "playbook.failed")
        assert told.text == "The product refused it. Nothing was changed."
        return
    run = await world.executed(run)
    product.answers("500")
    back = RollBackRun(run.tenant_id, run.id, "It does harm.")
    await world.house.remediation.roll_back(back, world.operator)
    for seconds in (0, 1, 2, 4, 8, 16):
        assert await world.told(run.tenant_id, "playbook.held") == []
        world.clock.advance(timedelta(seconds=seconds))
        await world.advance(run)
    (told,) = await world.told(run.tenant_id, "playbook.held")
    assert told.title == "throttle-exports is not confirmed as rolled back at acme"


async def test_each_setting_of_a_switch_is_told_once_and_a_refused_one_is_not(world: World) -> None:
    stop = SetKillSwitch(VENDOR_ID, stopped=True, reason="It looks wrong.")
    await world.house.kill_switches.set(stop, world.operator)
    with pytest.raises(Conflict):
        await world.house.kill_switches.set(stop, world.operator)
    resume = SetKillSwitch(VENDOR_ID, stopped=False, reason="It was right.")
    await world.house.kill_switches.set(resume, world.operator)
    assert sorted(each.title for each in await world.told(VENDOR_ID, "kill_switch.pulled")) == [
        "May go on: every playbook, everywhere",
        "Stopped: every playbook, everywhere",
    ]
