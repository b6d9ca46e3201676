"""The loop closed: a runaway export is planned for, approved, throttled, and cost is seen to come down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from support.remediation_world import HOUR, ONSET, ProductProcess, World
from support.two_stand_behind import acts_of_two

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.kpis.model import Durations
from trust_portal.cost.remediation.model import RunState, StepKind
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM
from trust_portal.storage.tenancy import TenantScope


async def test_a_runaway_export_is_throttled_once_approved_and_verified_in_the_data(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    assert run.state is RunState.WAITING
    assert run.plan.target == {"operation": "export"}
    assert run.plan.parameters == {"limit_per_hour": "1.2", "unit": "GB"}
    assert run.plan.part.actual == Decimal("270.00")
    assert run.plan.dry_run.state == "applied"
    assert product.applied == []

    run = await world.executed(run)
    assert run.state is RunState.EXECUTED
    (call,) = product.calls
    approved = run.step(StepKind.APPROVED)
    assert call | {"at": ""} == {
        "action": "throttle_exports",
        "tenant": "acme",
        "target": {"operation": "export"},
        "parameters": {"limit_per_hour": "1.2", "unit": "GB"},
        "dry_run": False,
        "idempotency_key": f"{run.id}:apply",
        "expires_at": "2026-06-11T03:25:00Z",
        "receipt": str(approved.receipt_id),
        "at": "",
    }

    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 5)
    assert (await world.advance(run)).state is RunState.EXECUTED, "its second hour is not over"
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    found = run.last.detail["verification"]
    assert (found["start"], found["end"]) == ("2026-06-11T04:00:00Z", "2026-06-11T06:00:00Z")
    assert (found["before"], found["after"]) == ("90.000000", "1.200000")
    assert found["season"] == "1.006", "a week before, 10.20 an hour against 10.13 in the anomaly's hours"
    assert (found["required"], found["verified"]) == ("0.5", True)
    assert Decimal(found["reduction"]) > Decimal("0.99")
    assert found["last_hour"]["start"] == "2026-06-11T02:00:00Z"
    assert (found["last_hour"]["cost"], found["last_hour"]["excess"]) == ("90.000000", "88.965034")
    assert len(product.applied) == 1
    kpis = await world.house.cost_kpis.of_tenant(SYSTEM, run.tenant_id)
    assert (kpis.open, kpis.to_recover.count) == (1, 1), "it has recovered before the detector is sure"
    first_hour, opened = datetime(2026, 6, 11, tzinfo=UTC), datetime(2026, 6, 11, 3, 15, tzinfo=UTC)
    assert (anomaly.started_at, anomaly.opened_at, anomaly.first_explained_at) == (first_hour, opened, opened)
    assert kpis.to_detect == Durations(1, timedelta(hours=3, minutes=15), timedelta(hours=3, minutes=15))
    assert kpis.to_explain == Durations(1, timedelta(0), timedelta(0))
    assert kpis.to_recover == Durations(1, 4 * HOUR, 4 * HOUR), "from 00:00 until the verified hours began"


async def test_every_act_leaves_a_receipt_that_rests_on_the_one_before(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    receipts = [
        (kind, predicate)
        for kind, predicate in await world.receipts(run.tenant_id)
        if predicate["result"]["run"] == str(run.id)
    ]
    assert [kind for kind, _ in receipts] == [
        "playbook.planned",
        "playbook.approved",
        "playbook.executed",
        "playbook.verified",
    ]
    async with world.house.storage.read(TenantScope(run.tenant_id)) as session:
        digests = await receipt_digests(
            session, run.tenant_id, *(each.receipt_id for each in run.steps if each.receipt_id)
        )
    planned, approved, executed, verified = (predicate for _, predicate in receipts)
    named = {each["name"]: each["digest"]["sha256"] for each in planned["inputs"]}
    assert named["playbooks"] == run.plan.playbooks_digest
    assert f"receipt/{anomaly.explained_receipt_id}" in named
    assert run.plan.part.contribution == Decimal("266.895102")
    assert planned["result"]["plan"]["saving"] == {
        "per_hour": "88.965034",
        "hours": 24,
        "total": "2135.160816",
    }
    for before, after in ((planned, approved), (approved, executed), (executed, verified)):
        id_ = before["receipt"]
        assert {"name": f"receipt/{id_}", "digest": {"sha256": digests[UUID(id_)]}} in after["inputs"]
    assert approved["policies"]["ids"] == ["approved-playbooks-are-executed"]
    assert await acts_of_two(world.house.storage, run.tenant_id) == ["playbook.approved"]
    signed_by = [each["person"] for each in approved["result"]["approvals"]]
    assert signed_by == [str(world.approver.id), str(world.payer.id)]
    assert approved["result"]["circumstances"] == {
        "stopped": [],
        "switches": [],
        "minutes_since_last": None,
        "cool_down_minutes": "120",
        "anomaly": "stands",
    }, "what is counted over all tenants is in no tenant's receipt"
    assert executed["result"]["answer"] == "applied"
    assert executed["result"]["call"] in {each["digest"]["sha256"] for each in executed["inputs"]}
    assert {"usage/after", "usage/before"} <= {each["name"] for each in verified["inputs"]}
    assert planned["actor"]["id"] == str(SYSTEM.id)
