"""Pulled, it stops everything at once: everywhere, for a tenant, for a playbook; and it is seen who did."""

from __future__ import annotations

import asyncio

import pytest
from support.remediation_world import ProductProcess, World

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.control_client import ControlClient
from trust_portal.cost.remediation.model import RunState, StepKind
from trust_portal.cost.remediation.switches_model import Reach, SetKillSwitch
from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.kernel.ids import VENDOR_ID


def stop(tenant_id=VENDOR_ID, playbook=""):
    return SetKillSwitch(tenant_id, stopped=True, reason="It looks wrong.", playbook=playbook)


def resume(tenant_id=VENDOR_ID, playbook=""):
    return SetKillSwitch(tenant_id, stopped=False, reason="It was right.", playbook=playbook)


@pytest.mark.parametrize("reach", Reach)
async def test_an_approved_run_is_denied_by_name_of_the_rule_and_its_approval_is_void(
    world: World, product: ProductProcess, anomaly: CostAnomaly, reach: Reach
):
    run = await world.planned(anomaly)
    await world.approve(run)
    command = {
        Reach.EVERYWHERE: stop(),
        Reach.TENANT: stop(run.tenant_id),
        Reach.PLAYBOOK: stop(playbook="throttle-exports"),
    }[reach]
    await world.house.kill_switches.set(command, world.operator)
    run = await world.advance(run)
    assert run.state is RunState.DENIED
    assert run.last.detail["rules"] == ["kill-switch"]
    assert run.last.detail["circumstances"]["stopped"] == [reach.value]
    assert product.calls == []
    kinds = [kind for kind, _ in await world.receipts(run.tenant_id)]
    assert kinds[-1] == "playbook.denied"
    approval = await world.house.approval_inbox.get(
        world.approver, run.tenant_id, run.step(StepKind.REQUESTED).approval_id
    )
    assert approval.state.value == "void"


async def test_a_switch_of_one_place_stops_no_other(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    await world.house.kill_switches.set(stop(anomalies["birch"].tenant_id), world.operator)
    await world.house.kill_switches.set(stop(playbook="cache-adapter"), world.operator)
    run = await world.executed(await world.planned(anomalies["acme"]))
    assert run.state is RunState.EXECUTED
    birch = await world.planned(anomalies["birch"])
    assert birch.plan.dry_run.state == "not_asked"
    assert birch.state is RunState.PLANNED, "nobody is asked about what is stopped"


async def test_once_set_has_returned_no_call_is_under_way(
    world: World, product: ProductProcess, anomaly: CostAnomaly, monkeypatch: pytest.MonkeyPatch
):
    run = await world.planned(anomaly)
    await world.approve(run)
    under_way, may_end, log = asyncio.Event(), asyncio.Event(), []
    send = ControlClient.send

    async def slowly(self, call):
        under_way.set()
        await may_end.wait()
        answer = await send(self, call)
        log.append("answered")
        return answer

    monkeypatch.setattr(ControlClient, "send", slowly)
    advancing = asyncio.create_task(world.advance(run))
    await under_way.wait()

    async def pull():
        await world.house.kill_switches.set(stop(), world.operator)
        log.append("set")

    pulling = asyncio.create_task(pull())
    async with asyncio.timeout(20):
        while not await world.house.kill_switches.against(run.tenant_id, "throttle-exports"):
            await asyncio.sleep(0.02)
    assert log == [], "in force at once, though a call is under way"
    may_end.set()
    await asyncio.gather(advancing, pulling)
    assert log == ["answered", "set"]


async def test_a_switch_pulled_between_two_attempts_holds_what_is_unknown_until_it_is_let_go(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    product.answers("garbage")
    run = await world.executed(run)
    await world.house.kill_switches.set(stop(), world.operator)
    await world.minutes(1)
    run = await world.advance(run)
    started = run.step(StepKind.ROLLBACK_STARTED)
    assert (started.detail["why"], started.detail["changed"]) == ("kill switch", "unknown")
    assert started.detail["rules"] == ["kill-switch"]
    assert (run.state, run.last.kind) == (RunState.ROLLING_BACK, StepKind.HELD)
    assert len(product.calls) == 1
    (told,) = await world.told(run.tenant_id, "playbook.held")
    assert told.title == "throttle-exports is held at acme"
    product.answers("well")
    await world.house.kill_switches.set(resume(), world.operator)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert [each["key"] for each in product.applied] == [run.apply_key, run.reverse_key]


async def test_who_set_what_and_why_is_on_record(world: World, anomaly: CostAnomaly):
    switches = world.house.kill_switches
    await switches.set(stop(), world.operator)
    await world.minutes(1)
    await switches.set(resume(), CONSOLE)
    await world.minutes(1)
    await switches.set(stop(anomaly.tenant_id), CONSOLE)
    history = await switches.history(world.operator)
    assert [(each.reach.value, each.stopped, each.set_by) for each in history] == [
        ("tenant", True, "Operator at the console"),
        ("everywhere", False, "Operator at the console"),
        ("everywhere", True, "Olga"),
    ]
    assert [each.reach for each in await switches.in_force(world.operator)] == [Reach.TENANT]
    filed = await world.house.archive.receipt(world.operator, VENDOR_ID, history[-1].receipt_id)
    predicate = filed.statement["predicate"]
    assert predicate["result"] == {"reach": "everywhere", "playbook": None, "stopped": True, "revision": "1"}
    assert predicate["rationale"] == "It looks wrong."
    assert predicate["policies"]["ids"] == ["operators-mind-cost"]


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (resume(), Conflict),
        (stop(playbook="no-such"), InvalidInput),
    ],
)
async def test_what_cannot_be_set_is_refused_and_nothing_changes(world: World, command, refusal):
    with pytest.raises(refusal):
        await world.house.kill_switches.set(command, world.operator)
    assert await world.house.kill_switches.history(world.operator) == ()


async def test_what_is_stopped_is_not_stopped_again(world: World):
    await world.house.kill_switches.set(stop(), world.operator)
    with pytest.raises(Conflict):
        await world.house.kill_switches.set(stop(), world.operator)
    await world.house.kill_switches.set(stop(playbook="throttle-exports"), world.operator)
    assert len(await world.house.kill_switches.in_force(world.operator)) == 2


async def test_who_may_not_pull_it_is_refused(world: World, anomaly: CostAnomaly):
    for command in (stop(), stop(anomaly.tenant_id)):
        with pytest.raises(Denied):
            await world.house.kill_switches.set(command, world.approver)
    assert await world.house.kill_switches.history(world.operator) == ()
