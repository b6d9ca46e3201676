"""What ended by itself is not acted upon, and what was gone before an act is not the act's doing."""

from __future__ import annotations

import pytest
from support.remediation_world import ONSET, ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RequestRun, Run, RunState, StepKind
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import SYSTEM

pytestmark = pytest.mark.takes(seconds=12)

LAPSED = {
    "why": "it ended by itself",
    "words": "in each of the last 2 closed hours 100.0% of the excess or more had gone, 50.0% was to go",
    "start": "2026-06-11T04:00:00Z",
    "end": "2026-06-11T06:00:00Z",
    "reductions": ["1.000", "1.000"],
    "required": "0.5",
}


async def calm(world: World, hours: int) -> None:
    await world.use("acme", range(ONSET + 3, ONSET + 3 + hours), "1.00")
    await world.close(ONSET + 3 + hours)


async def state_of_approval(world: World, run: Run) -> str:
    requested = run.step(StepKind.REQUESTED)
    assert requested is not None
    assert requested.approval_id is not None
    found = await world.house.approval_inbox.get(world.approver, run.tenant_id, requested.approval_id)
    return found.state.value


@pytest.mark.parametrize("approved", [True, False])
async def test_a_plan_for_what_ended_by_itself_lapses_approved_or_not_and_nothing_is_sent(
    world: World, product: ProductProcess, anomaly: CostAnomaly, approved: bool
):
    run, ramp = await world.planned(anomaly), await world.run_of(anomaly, "pause-ramp")
    await calm(world, 3)
    assert (await world.house.anomalies.get(SYSTEM, run.tenant_id, anomaly.id)).is_open
    if approved:
        await world.approve(run)
    with pytest.raises(Conflict) as refused:
        await world.house.remediation.request(RequestRun(ramp.tenant_id, ramp.id, "Now."), world.operator)
    assert refused.value.code == "MOOT"
    for each in (run, ramp):
        lapsed = await world.advance(each)
        assert (lapsed.state, lapsed.last.detail) == (RunState.LAPSED, LAPSED)
    assert await state_of_approval(world, run) == "void"
    receipts = [p for kind, p in await world.receipts(run.tenant_id) if kind == "playbook.lapsed"]
    assert [(p["result"]["run"], p["result"]["state"]["before"]) for p in receipts] == [
        (str(run.id), "waiting"),
        (str(ramp.id), "planned"),
    ]
    assert [each["name"] for each in receipts[0]["inputs"]][1:] == [
        "usage/2026-06-11T04:00:00Z",
        "usage/2026-06-11T05:00:00Z",
    ]
    assert product.calls == product.applied == []
    kpis = await world.house.cost_kpis.of_tenant(SYSTEM, run.tenant_id)
    assert (kpis.open, kpis.to_recover.count) == (1, 0), "nothing is counted as the playbook's doing"


async def test_one_calm_hour_may_be_a_pause_and_the_receipt_says_what_was_left_to_go(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await calm(world, 1)
    assert (await world.advance(run)).state is RunState.WAITING
    run = await world.executed(run)
    assert run.state is RunState.EXECUTED
    await world.use("acme", range(ONSET + 4, ONSET + 7), "1.20")
    await world.close(ONSET + 7)
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    found = run.last.detail["verification"]
    assert found["last_hour"] == {
        "start": "2026-06-11T03:00:00Z",
        "cost": "1.000000",
        "expected": "1.034966",
        "excess": "-0.034966",
    }
    assert found["finding"].endswith("; in the last hour before the act it was -0.03 EUR")


async def test_an_excess_that_pauses_and_comes_back_is_still_acted_upon(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    await calm(world, 1)
    await world.use("acme", range(ONSET + 4, ONSET + 5), "90.00")
    await world.use("acme", range(ONSET + 5, ONSET + 6), "1.00")
    await world.close(ONSET + 6)
    assert (await world.advance(run)).state is RunState.WAITING
    assert (await world.executed(run)).state is RunState.EXECUTED
    assert len(product.applied) == 1
