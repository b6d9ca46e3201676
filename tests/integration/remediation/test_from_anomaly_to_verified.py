"""The loop closed: a runaway export is planned for, approved, throttled, and cost is seen to come down."""

from __future__ import annotations

from decimal import Decimal

from support.remediation_world import ONSET, ProductProcess, World

from trust_portal.cost.remediation.model import RunState, StepKind


async def test_a_runaway_export_is_throttled_once_approved_and_verified_in_the_data(
    world: World, product: ProductProcess
):
    anomaly = await world.runaway()
    run = await world.planned(anomaly)
    assert run.state is RunState.WAITING
    assert run.plan.target == {"operation": "export"}
    assert run.plan.parameters == {"limit_per_hour": "1.2", "unit": "GB"}
    assert run.plan.part.actual == Decimal("270.00")
    assert product.applied == []

    run = await world.executed(run)
    assert run.state is RunState.EXECUTED
    assert [each["action"] for each in product.applied] == ["throttle_exports"]
    assert [each["receipt"] for each in product.calls] == [str(run.step(StepKind.APPROVED).receipt_id)]

    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 5)
    assert (await world.advance(run)).state is RunState.EXECUTED, "its second hour is not over"
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    found = run.last.detail["verification"]
    assert (found["before"], found["after"], found["reduction"]) == ("90.000000", "1.200000", "0.998")

    kinds = [kind for kind, _ in await world.receipts(anomaly.tenant_id)]
    assert [kind for kind in kinds if kind != "playbook.planned"] == [
        "playbook.approved",
        "playbook.executed",
        "playbook.verified",
    ]
    assert len(product.applied) == 1
