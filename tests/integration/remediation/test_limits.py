"""Never past a limit, also when many runs are approved and let loose at the same moment."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from support.remediation_world import ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.acts_repository import add_action
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, RollBackRun, Run, RunState, StepKind
from trust_portal.cost.remediation.permitting import Permits
from trust_portal.cost.remediation.playbooks import load_playbooks, parse_playbooks
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import StaffScope, TenantScope


@pytest.fixture
def playbooks(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The shipped playbooks with other figures in them."""
    text = load_playbooks().text
    for old, new in getattr(request, "param", ()):
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "playbooks.yaml"
    path.write_text(text)
    return path


#: More money than three runs need.
AMPLE = ('EUR: "5000"', 'EUR: "9000"')


async def all_let_loose(world: World, anomalies: dict[str, CostAnomaly]) -> dict[str, Run]:
    """Everybody's export planned and approved, then all taken on at once, each by two workers."""
    runs = {key: await world.planned(each) for key, each in anomalies.items()}
    for run in runs.values():
        await world.approve(run)
    await asyncio.gather(*(world.advance(run) for run in (*runs.values(), *runs.values())))
    return {key: await world.read(run) for key, run in runs.items()}


def ended(runs: dict[str, Run]) -> tuple[list[RunState], list[str]]:
    denied = [run.last.detail["rules"] for run in runs.values() if run.state is RunState.DENIED]
    return sorted(run.state for run in runs.values()), sorted({rule for rules in denied for rule in rules})


@pytest.mark.parametrize("playbooks", [[AMPLE]], indirect=True)
async def test_a_playbook_acts_no_more_often_an_hour_than_it_may(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    runs = await all_let_loose(world, anomalies)
    assert ended(runs) == ([RunState.DENIED, RunState.EXECUTED, RunState.EXECUTED], ["limit-of-actions"])
    assert len(product.applied) == len(product.calls) == 2


@pytest.mark.parametrize("playbooks", [[("actions_per_hour: 6", "actions_per_hour: 1")]], indirect=True)
async def test_all_playbooks_together_act_no_more_often_an_hour_than_they_may(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    runs = await all_let_loose(world, anomalies)
    assert ended(runs) == ([RunState.DENIED, RunState.DENIED, RunState.EXECUTED], ["limit-of-actions"])
    assert len(product.applied) == 1


@pytest.mark.parametrize(
    "playbooks",
    [[AMPLE, ("actions_per_hour: 2", "actions_per_hour: 9"), ("tenants_per_run: 3", "tenants_per_run: 2")]],
    indirect=True,
)
async def test_the_same_act_goes_through_no_more_tenants_than_it_may(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    runs = await all_let_loose(world, anomalies)
    assert ended(runs) == ([RunState.DENIED, RunState.EXECUTED, RunState.EXECUTED], ["limit-of-tenants"])
    assert len({each["tenant"] for each in product.applied}) == 2


@pytest.mark.parametrize(
    "playbooks",
    [[AMPLE, ("actions_per_hour: 2", "actions_per_hour: 9")]],
    indirect=True,
)
async def test_the_tenants_that_a_playbook_acts_on_are_counted_over_whatever_targets(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    """Three a day, as shipped: two that went through it with targets of their own, then the third, and a fourth."""
    third, fourth = [await world.planned(anomalies[key]) for key in ("acme", "birch")]
    for number in range(2):
        target = {**third.plan.target, "operation": f"another-export-{number}"}
        other = replace(
            third, id=new_id(), tenant_id=new_id(), plan=structs.replace(third.plan, target=target)
        )
        async with world.house.storage.coordinator.write(TenantScope(other.tenant_id)) as session:
            await add_action(session, other, world.clock.now())
    assert (await world.executed(third)).state is RunState.EXECUTED

    fourth = await world.executed(fourth)

    assert (fourth.state, fourth.last.detail["rules"]) == (RunState.DENIED, ["limit-of-tenants"])
    assert {each["tenant"] for each in product.applied} == {"acme"}
    back = RollBackRun(third.tenant_id, third.id, "Not so.")
    await world.house.remediation.roll_back(back, world.operator)
    assert (await world.advance(third)).state is RunState.ROLLED_BACK
    # Who went through it already is no further tenant, and a day later nobody counts any more.
    for hours, anomaly in ((3, anomalies["acme"]), (22, anomalies["birch"])):
        world.clock.advance(timedelta(hours=hours))
        again = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
        (run,) = await world.house.remediation.plan(again, world.operator)
        asked = RequestRun(run.tenant_id, run.id, "Once more.")
        run = await world.executed(await world.house.remediation.request(asked, world.operator))
        assert run.state is RunState.EXECUTED, run.last


@pytest.mark.parametrize(
    "playbooks",
    [[("actions_per_hour: 2", "actions_per_hour: 9"), ('EUR: "5000"', 'EUR: "4320"')]],
    indirect=True,
)
async def test_what_is_acted_upon_costs_no_more_a_day_than_it_may(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    """Each acts upon 90 EUR an hour, 2,160 a day: two are within 4,320, to the cent."""
    runs = await all_let_loose(world, anomalies)
    assert ended(runs) == ([RunState.DENIED, RunState.EXECUTED, RunState.EXECUTED], ["limit-of-money"])
    assert len(product.applied) == 2


@pytest.mark.parametrize("playbooks", [[('EUR: "5000", ', "")]], indirect=True)
async def test_in_a_currency_without_a_limit_nobody_is_asked_and_nothing_is_done(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    why = "nothing is done in EUR: the playbook throttle-exports has no limit of money in it"
    assert (run.state, run.last.kind, run.last.detail["why"]) == (RunState.PLANNED, StepKind.HELD, why)
    receipts = await world.receipts(run.tenant_id)
    with pytest.raises(Conflict) as refused:
        await world.house.remediation.request(
            RequestRun(run.tenant_id, run.id, "It runs away."), world.operator
        )
    assert (refused.value.code, refused.value.message) == ("NO_LIMIT", why)
    assert await world.receipts(run.tenant_id) == receipts
    assert (await world.read(run)).step(StepKind.REQUESTED) is None
    assert product.calls == []


async def test_a_limit_that_was_taken_out_after_the_approval_denies_the_act(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await world.approve(run)
    equipment = world.house.remediation._with
    text = load_playbooks().text.replace('EUR: "5000", ', "")
    without = replace(equipment, playbooks=parse_playbooks(text))
    run = await Permits(without).permit(run, run.step(StepKind.REQUESTED).approval_id)
    assert (run.state, run.last.detail["rules"]) == (RunState.DENIED, ["limit-of-money"])
    assert product.calls == []


@pytest.mark.parametrize("playbooks", [[AMPLE]], indirect=True)
async def test_an_hour_later_it_may_act_again(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    for key in ("acme", "birch"):
        await world.executed(await world.planned(anomalies[key]))
    run = await world.planned(anomalies["cedar"])
    world.clock.advance(timedelta(hours=1))
    assert (await world.executed(run)).state is RunState.EXECUTED


async def test_the_same_is_not_done_to_the_same_again_while_it_cools_down(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.house.remediation.roll_back(RollBackRun(run.tenant_id, run.id, "Not so."), world.operator)
    assert (await world.advance(run)).state is RunState.ROLLED_BACK
    again = PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports")
    for minutes, state in ((100, RunState.DENIED), (30, RunState.EXECUTED)):
        world.clock.advance(timedelta(minutes=minutes))
        (second,) = await world.house.remediation.plan(again, world.operator)
        asked = await world.house.remediation.request(
            RequestRun(second.tenant_id, second.id, "Once more."), world.operator
        )
        second = await world.executed(asked)
        assert second.state is state, second.last
        if state is RunState.DENIED:
            assert second.last.detail["rules"] == ["cool-down"]


async def test_many_workers_at_one_run_act_once(world: World, product: ProductProcess, anomaly: CostAnomaly):
    run = await world.planned(anomaly)
    await world.approve(run)
    await asyncio.gather(*(world.advance(run) for _ in range(8)))
    run = await world.advance(run)
    assert run.state is RunState.EXECUTED
    assert len(product.applied) == 1
    kinds = [kind for kind, _ in await world.receipts(run.tenant_id)]
    assert kinds.count("playbook.approved") == kinds.count("playbook.executed") == 1


async def test_who_holds_the_lock_needs_no_second_connection(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    """One connection is left, as where all others are held by runs that wait for the lock."""
    allowed, denied = [await world.planned(anomalies[key]) for key in ("acme", "birch")]
    for run in (allowed, denied):
        await world.approve(run)
    await world.house.kill_switches.set(SetKillSwitch(denied.tenant_id, True, "wait"), world.operator)
    permits, storage = Permits(world.house.remediation._with), world.house.storage
    async with AsyncExitStack() as held:
        for _ in range(2 * storage.engine.pool.size() - 1):
            await held.enter_async_context(storage.read(StaffScope()))
        states = [
            (await permits.permit(run, run.step(StepKind.REQUESTED).approval_id)).state
            for run in (allowed, denied)
        ]
    assert states == [RunState.EXECUTING, RunState.DENIED]
