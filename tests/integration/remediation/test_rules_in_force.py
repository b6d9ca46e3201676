"""A plan is decided by the playbooks as they are then, not as they were when it was planned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.remediation_world import ONSET, ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, RunState, StepKind
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.house import build_house
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID

pytestmark = pytest.mark.takes(seconds=20)

Restart = Callable[..., Awaitable[World]]
THROTTLE = "  throttle-exports:"
COOLED = ("    cool_down_minutes: 120", "    cool_down_minutes: 1")


@pytest.fixture
async def restart(world: World, tmp_path: Path) -> AsyncIterator[Restart]:
    """The same installation once its playbooks were changed: each pair is what stood there, and what does now."""
    houses = []

    async def restarted(*changes: tuple[str, str]) -> World:
        text = load_playbooks().text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "changed.yaml"
        path.write_text(text)
        settings = replace(world.house.settings, playbooks=path)
        houses.append(build_house(settings, world.clock))
        return World(houses[-1], world.clock, world.operator, world.approver, world.payer)

    yield restarted
    for each in houses:
        await each.close()


async def test_an_approved_run_is_held_to_the_limits_of_today(
    world: World, restart: Restart, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await world.approve(run)
    run = await (await restart(('EUR: "5000"', 'EUR: "2000"'))).advance(run)
    assert run.state is RunState.DENIED
    assert run.last.detail["rules"] == ["limit-of-money"]
    assert product.calls == []


async def test_a_cool_down_that_became_longer_counts_for_what_was_planned_before(
    world: World, restart: Restart, product: ProductProcess, anomaly: CostAnomaly
):
    first = await restart(COOLED)
    run = await first.planned(anomaly)
    product.answers("refused")
    assert (await first.executed(run)).state is RunState.FAILED
    await world.minutes(2)
    (again,) = await first.house.remediation.plan(
        PlanPlaybook(anomaly.tenant_id, anomaly.id, "throttle-exports"), world.operator
    )
    again = await first.house.remediation.request(
        RequestRun(again.tenant_id, again.id, "Once more."), world.operator
    )
    await world.approve(again)
    again = await world.advance(again)
    assert again.plan.playbook.cool_down_minutes == 1
    assert (again.state, again.last.detail["rules"]) == (RunState.DENIED, ["cool-down"])
    assert again.last.detail["circumstances"]["cool_down_minutes"] == "120"
    assert again.last.detail["playbooks"] == load_playbooks().digest


async def test_a_plan_whose_playbook_was_taken_out_lapses_and_an_approved_one_is_denied(
    world: World, restart: Restart, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    waiting, approved = await world.planned(anomalies["acme"]), await world.planned(anomalies["birch"])
    await world.approve(approved)
    after = await restart((THROTTLE, "  other-name:"))
    waiting, approved = await after.advance(waiting), await after.advance(approved)
    assert (waiting.state, waiting.last.detail) == (
        RunState.LAPSED,
        {"why": "its playbook is no longer there"},
    )
    assert (approved.state, approved.last.detail["rules"]) == (
        RunState.DENIED,
        ["playbook-must-be-in-force"],
    )
    assert product.calls == []


async def test_a_playbook_that_was_taken_out_is_stopped_as_long_as_there_are_runs_of_it(
    world: World, restart: Restart, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    product.answers("lost")
    run = await world.executed(run)
    assert run.state is RunState.EXECUTING
    after = await restart((THROTTLE, "  other-name:"))
    standing = await after.house.playbook_runs.standing(world.operator)
    assert standing.taken_out == ("throttle-exports",)
    stop = SetKillSwitch(VENDOR_ID, stopped=True, reason="It is gone.", playbook="throttle-exports")
    await after.house.kill_switches.set(stop, world.operator)
    await world.minutes(1)
    calls = len(product.calls)
    run = await after.advance(run)
    assert run.last.kind is StepKind.HELD
    assert len(product.calls) == calls
    resume = SetKillSwitch(VENDOR_ID, stopped=False, reason="Looked at.", playbook="throttle-exports")
    await after.house.kill_switches.set(resume, world.operator)
    product.answers("well")
    assert (await after.advance(run)).state is RunState.ROLLED_BACK
    assert (await after.house.playbook_runs.standing(world.operator)).taken_out == ()
    with pytest.raises(Conflict):
        await after.house.kill_switches.set(resume, world.operator)
    unknown = SetKillSwitch(VENDOR_ID, stopped=True, reason="No.", playbook="never-there")
    with pytest.raises(InvalidInput):
        await after.house.kill_switches.set(unknown, world.operator)


async def test_a_plan_for_an_anomaly_that_is_over_lapses_and_one_made_after_that_stands(
    world: World, restart: Restart, product: ProductProcess, anomaly: CostAnomaly
):
    patient = await restart(("    mode: recommend", "    mode: recommend\n    plan_lasts_hours: 96"))
    run = await patient.planned(anomaly, "pause-ramp")
    await world.use("acme", range(ONSET + 3, ONSET + 60), "1.00")
    await world.close(ONSET + 60)
    after = await world.house.anomalies.get(SYSTEM, anomaly.tenant_id, anomaly.id)
    assert after.closed_at is not None
    lapsed = await patient.advance(run)
    assert (lapsed.state, lapsed.last.detail) == (RunState.LAPSED, {"why": "the anomaly is over"})
    await world.house.explanations.record(SYSTEM, anomaly.tenant_id, anomaly.id)
    plan = PlanPlaybook(anomaly.tenant_id, anomaly.id, "pause-ramp")
    (again,) = await patient.house.remediation.plan(plan, world.operator)
    asked = RequestRun(again.tenant_id, again.id, "It comes back each day.")
    assert (await patient.house.remediation.request(asked, world.operator)).state is RunState.WAITING
    assert (await patient.advance(again)).state is RunState.WAITING
