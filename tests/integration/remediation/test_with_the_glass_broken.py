"""In an emergency one person has a playbook done alone: within every limit, and on record as that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.remediation_world import ProductProcess, World, person

from trust_portal.access.approvals.model import ApprovalState, Deny
from trust_portal.access.break_glass.model import CloseBreakGlass, OpenBreakGlass
from trust_portal.access.policy import PolicySet
from trust_portal.access.policy_register import texts
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import Run, RunAlone, RunState, StepKind
from trust_portal.cost.remediation.permitting import Alone, Permits
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict, Denied
from trust_portal.kernel.actor import Actor, BrokenGlass, Role

pytestmark = pytest.mark.takes(seconds=12)

REASON = "the export eats the month's budget and nobody answers"


#: A rule that a later deployment brings.
FORBIDDEN_TODAY = """
@id("no-throttling-today")
forbid (principal, action == Action::"tenant:playbook:execute", resource)
when { context.act == "throttle_exports" };
"""


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


async def permitted_alone(world: World, run: Run) -> tuple[Run, Actor]:
    """Iris has it done, and the worker dies before anything is sent."""
    iris = await broken(world, run)
    (glass,) = iris.glass
    run = await Permits(world.house.remediation._with).permit(run, None, Alone(iris, glass.id, REASON))
    assert run.state is RunState.EXECUTING
    return run, iris


async def test_a_policy_that_changed_before_the_call_denies_what_was_approved_and_what_was_let_alone(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    equipment = world.house.remediation._with
    approved, alone = [await world.planned(anomalies[key]) for key in ("acme", "birch")]
    await world.approve(approved)
    requested = approved.step(StepKind.REQUESTED)
    assert requested is not None
    approved = await Permits(equipment).permit(approved, requested.approval_id)
    assert approved.state is RunState.EXECUTING
    alone, iris = await permitted_alone(world, alone)
    changed = PolicySet.parse(texts(equipment.gate.policies) | {"today.cedar": FORBIDDEN_TODAY})
    equipment.gate.policies = changed

    denied = [await world.advance(run) for run in (approved, alone)]

    (glass,) = iris.glass
    for run, emergency in zip(denied, (None, str(glass.id)), strict=True):
        assert (run.state, run.last.kind) == (RunState.DENIED, StepKind.DENIED)
        assert run.last.detail == {"why": "policy", "rules": ["no-throttling-today"]}
        kind, predicate = (await world.receipts(run.tenant_id))[-1]
        assert kind == "playbook.denied"
        assert predicate["policies"] == {"ids": ["no-throttling-today"], "version": changed.version}
        assert predicate["result"].get("break_glass") == emergency
    assert (product.calls, product.applied) == ([], [])


async def test_an_emergency_that_was_over_before_the_call_does_not_act(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run, iris = await permitted_alone(world, await world.planned(anomaly))
    (glass,) = iris.glass
    await world.house.break_glass.close(CloseBreakGlass(run.tenant_id, glass.id, "it calmed down"), iris)

    run = await world.advance(run)

    assert (run.state, run.last.kind) == (RunState.DENIED, StepKind.DENIED)
    assert run.last.detail == {"why": "policy", "rules": ["playbooks-need-approval"]}
    assert (product.calls, product.applied) == ([], [])
