"""In an emergency one person has a playbook done alone: within every limit, and on record as that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.remediation_world import ProductProcess, World, person

from trust_portal.access.approvals.model import ApprovalState, Deny
from trust_portal.access.break_glass.model import OpenBreakGlass
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import Run, RunAlone, RunState, StepKind
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict, Denied
from trust_portal.kernel.actor import Actor, BrokenGlass, Role

pytestmark = pytest.mark.takes(seconds=12)

REASON = "the export eats the month's budget and nobody answers"


async def broken(world: World, run: Run) -> Actor:
    """Iris, on call and no operator, with the glass broken for the run's tenant."""
    await person(world.house, "sid", Role.APPROVER_SECURITY)
    iris = await person(world.house, "iris", Role.INCIDENT_OWNER)
    found = await world.house.break_glass.open(OpenBreakGlass(run.tenant_id, REASON), iris)
    return replace(iris, glass=frozenset({BrokenGlass(found.grant.id, run.tenant_id)}))


async def test_what_waits_for_approvers_is_done_alone_and_carries_the_id_to_its_end(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    iris = await broken(world, run)

    run = await world.house.remediation.run_alone(RunAlone(run.tenant_id, run.id, REASON), iris)

    assert run.state is RunState.EXECUTED
    assert len(product.applied) == 1
    (glass,) = iris.glass
    permitted = run.step(StepKind.APPROVED)
    assert permitted is not None
    assert (permitted.actor_name, permitted.approval_id) == ("Iris", None)
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    view = await world.house.approval_inbox.get(world.approver, run.tenant_id, requested.approval_id)
    assert view.state is ApprovalState.VOID
    receipts = await world.receipts(run.tenant_id)
    _, approved = next(each for each in receipts if each[0] == "playbook.approved")
    assert approved["break_glass"] == str(glass.id)
    assert approved["policies"]["ids"] == ["broken-glass-executes-playbooks"]
    assert "approvals" not in approved["result"], "nobody approved it, and nothing says so"
    _, executed = next(each for each in receipts if each[0] == "playbook.executed")
    assert executed["result"]["break_glass"] == str(glass.id)


async def test_without_a_broken_glass_nobody_acts_alone(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    for actor in (world.operator, world.approver):
        with pytest.raises(Denied):
            await world.house.remediation.run_alone(RunAlone(run.tenant_id, run.id, REASON), actor)
    elsewhere = await world.tenant("globex")
    iris = replace(await broken(world, run), glass=frozenset())
    other = await world.house.break_glass.open(OpenBreakGlass(elsewhere, REASON), iris)
    iris = replace(iris, glass=frozenset({BrokenGlass(other.grant.id, elsewhere)}))
    with pytest.raises(Denied):
        await world.house.remediation.run_alone(RunAlone(run.tenant_id, run.id, REASON), iris)
    assert product.applied == []
    assert (await world.read(run)).state is RunState.WAITING


async def test_what_approvers_denied_stays_denied(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    assert requested.approval_id is not None
    view = await world.house.approval_inbox.get(world.approver, run.tenant_id, requested.approval_id)
    await world.house.decisions.deny(
        Deny(run.tenant_id, requested.approval_id, view.approval.request.digest, "not on a Sunday"),
        world.approver,
    )
    iris = await broken(world, run)

    with pytest.raises(Conflict) as denied:
        await world.house.remediation.run_alone(RunAlone(run.tenant_id, run.id, REASON), iris)
    assert denied.value.code == "APPROVAL_DENIED"
    assert product.applied == []


async def test_where_policy_forbids_it_now_colleagues_are_still_asked(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    iris = await broken(world, run)
    alone = RunAlone(run.tenant_id, run.id, REASON)
    await world.house.kill_switches.set(SetKillSwitch(run.tenant_id, True, "wait"), iris)

    with pytest.raises(Conflict, match="kill-switch") as forbidden:
        await world.house.remediation.run_alone(alone, iris)

    assert forbidden.value.code == "FORBIDDEN"
    assert await world.read(run) == run
    assert product.applied == []
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    view = await world.house.approval_inbox.get(world.approver, run.tenant_id, requested.approval_id)
    assert view.state is ApprovalState.PENDING
    await world.house.kill_switches.set(SetKillSwitch(run.tenant_id, False, "go on"), iris)
    assert (await world.house.remediation.run_alone(alone, iris)).state is RunState.EXECUTED
