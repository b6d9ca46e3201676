"""Each playbook that is shipped, from its plan to what became of it, by the service and a real product."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.remediation_world import (
    HOUR,
    ONSET,
    START,
    ProductProcess,
    Template,
    World,
    build_template,
    event,
    person,
    usage,
)

from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, RollBackRun, Run, RunState, StepKind
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.errors import Conflict, Denied
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=25)

#: What each of two places of a subsystem costs an hour; the second runs away to the third figure.
USUAL = {
    "storage": ("2.00", "3.00", "60.00"),
    "adapters": ("2.00", "4.00", "80.00"),
    "compute": ("5.00", "4.00", "120.00"),
}


def costs(hours: Iterable[int], second: dict[str, str]) -> Iterator[dict[str, object]]:
    for n in hours:
        for subsystem, (first, usually, _) in USUAL.items():
            adapter = [{"adapter": "erp"}, {"adapter": "crm"}] if subsystem == "adapters" else [{}, {}]
            for at, cost in enumerate((first, second.get(subsystem, usually))):
                yield usage(
                    "delta", f"{n}-{subsystem}-{at}", START + n * HOUR, cost, subsystem=subsystem,
                    resource=f"{subsystem}-{at}", operation="work", **adapter[at],
                )  # fmt: skip


def retries(minutes: Iterable[int]) -> Iterator[dict[str, object]]:
    for minute in minutes:
        many = 400 if minute >= 0 else 0
        at = START + ONSET * HOUR + minute * timedelta(minutes=1)
        data = {
            "tenant": "delta", "adapter": "crm", "calls": 100 + many, "errors": many // 2, "retries": many,
            "p95_ms": 900, "bytes": 1000,
        }  # fmt: skip
        yield event("adapter.observed", f"delta-crm-{minute}", at, data)


async def _everything(world: World) -> dict[str, CostAnomaly]:
    """A flag that ramps up an export at acme, and at delta a bucket, an adapter and a machine that run away."""
    found = {"flag": await world.runaway("acme")}
    tenant_id = await world.tenant("delta")
    await world.deliver(costs(range(ONSET), {}))
    await world.deliver(costs(range(ONSET, ONSET + 3), {name: each[2] for name, each in USUAL.items()}))
    await world.deliver(retries(range(-180, 180, 10)))
    await world.close(ONSET + 3)
    page = await world.house.anomalies.page(SYSTEM, AnomalyFilter(tenant_id), PageRequest(10))
    for each in page.items:
        await world.house.explanations.record(SYSTEM, tenant_id, each.id)
        found[each.series.subsystem] = await world.house.anomalies.get(SYSTEM, tenant_id, each.id)
    return found


@pytest.fixture(scope="module")
def remediation_template(server_thread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder, name = tmp_path_factory.mktemp("every-playbook"), server_thread.clone()
    servers = server_thread.servers
    yield asyncio.run(build_template(servers.url_of(name), servers.redis_url, folder, name, _everything))
    server_thread.drop(name)


@pytest.fixture
def playbooks(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = load_playbooks().text
    for old, new in getattr(request, "param", ()):
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "playbooks.yaml"
    path.write_text(text)
    return path


AUTOMATIC = (
    "    action: enable_cache\n    mode: recommend",
    "    action: enable_cache\n    mode: automatic",
)


async def asked(world: World, run: Run) -> Run:
    request = RequestRun(run.tenant_id, run.id, "It costs too much.")
    return await world.house.remediation.request(request, world.operator)


async def by_hand(world: World, anomaly: CostAnomaly, playbook: str) -> Run:
    (run,) = await world.house.remediation.plan(
        PlanPlaybook(anomaly.tenant_id, anomaly.id, playbook), world.operator
    )
    return run


async def after(world: World, hours: int, second: dict[str, str]) -> None:
    """So many closed hours in which delta costs what it used to, but for what is said."""
    last = ONSET + 4 + hours
    world.until(last)
    await world.deliver(costs(range(ONSET + 3, last), second))
    await world.close(last)


async def test_a_ramp_is_paused_when_somebody_asks_and_resumed_by_hand(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    run = await world.planned(anomalies["flag"], "pause-ramp")
    assert (run.state, run.plan.target, run.plan.parameters) == (
        RunState.PLANNED,
        {"flag": "bulk-export"},
        {"percentage": "0"},
    )
    assert await world.advance(run) == run, "it is recommended: somebody has to ask"
    run = await world.executed(await asked(world, run))
    assert run.state is RunState.EXECUTED
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.00")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    (call,) = product.calls
    assert (call["action"], call["target"], call["parameters"]) == (
        "pause_ramp",
        {"flag": "bulk-export"},
        {"percentage": "0"},
    )
    back = RollBackRun(run.tenant_id, run.id, "The export is mended.")
    await world.house.remediation.roll_back(back, world.operator)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert [(each["action"], each["target"]) for each in product.calls] == [
        ("pause_ramp", {"flag": "bulk-export"}),
        ("resume_ramp", {"flag": "bulk-export"}),
    ]


async def test_retention_is_changed_with_two_approvers_and_restored_where_cost_stays(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    anomaly = anomalies["storage"]
    security = await person(world.house, "sven", Role.APPROVER_SECURITY)
    finance = await person(world.house, "finn", Role.APPROVER_FINANCE)
    await world.house.remediation.plan_by_itself(anomaly.tenant_id, anomaly.id)
    run = await asked(world, await by_hand(world, anomaly, "retention-tier"))
    assert run.last.detail["roles"] == ["approver_security", "approver_finance"]
    with pytest.raises(Denied):
        await world.approve(run)
    await world.approve(run, security)
    assert await world.advance(run) == run, "one of two is not enough"
    assert product.calls == []
    await world.approve(run, finance)
    run = await world.advance(run)
    assert run.state is RunState.EXECUTED
    assert [each["person"] for each in run.step(StepKind.APPROVED).detail["approvals"]] == [
        str(security.id),
        str(finance.id),
    ]
    await after(world, 24, {"storage": "55.00"})
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert run.step(StepKind.ROLLBACK_STARTED).detail["why"] == "cost did not come down"
    assert [(each["action"], each["target"], each["parameters"]) for each in product.calls] == [
        ("set_retention_tier", {"resource": "storage-1"}, {"tier": "archive"}),
        ("restore_retention_tier", {"resource": "storage-1"}, {"limit": "none"}),
    ]


async def test_a_cache_is_recommended_and_once_approved_verified(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    run = await world.planned(anomalies["adapters"], "cache-adapter")
    assert run.state is RunState.PLANNED
    assert any("adapter crm is a" in each for each in run.plan.reasons)
    assert await world.advance(run) == run
    run = await world.executed(await asked(world, run))
    await after(world, 2, {"adapters": "8.00"})
    run = await world.advance(run)
    assert run.state is RunState.VERIFIED
    (call,) = product.calls
    assert (call["action"], call["parameters"]) == ("enable_cache", {"ttl_seconds": "300"})
    assert call["target"]["adapter"] == "crm"


@pytest.mark.parametrize("playbooks", [[AUTOMATIC]], indirect=True)
async def test_where_policy_says_so_a_cache_is_enabled_by_itself(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    run = await world.planned(anomalies["adapters"], "cache-adapter")
    assert run.state is RunState.EXECUTED
    assert run.step(StepKind.REQUESTED) is None
    receipts = {kind: each for kind, each in await world.receipts(run.tenant_id) if _is_of(each, run)}
    assert receipts["playbook.approved"]["policies"]["ids"] == ["safe-cache-automatic"]
    assert "approvals" not in receipts["playbook.approved"]["result"]
    await after(world, 2, {"adapters": "80.00"})
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert [each["action"] for each in product.calls] == ["enable_cache", "disable_cache"]


async def test_a_dedicated_pool_is_a_proposal_for_people_and_no_call(
    world: World, product: ProductProcess, anomalies: dict[str, CostAnomaly]
):
    run = await by_hand(world, anomalies["compute"], "dedicated-pool")
    assert (run.plan.target, run.plan.parameters) == ({"resource": "compute-1"}, {"pool": "dedicated"})
    assert run.plan.dry_run.state == "not_asked"
    with pytest.raises(Conflict) as refused:
        await asked(world, run)
    assert refused.value.code == "PROPOSAL"
    assert await world.advance(run) == run
    assert [kind for kind, each in await world.receipts(run.tenant_id) if _is_of(each, run)] == [
        "playbook.planned"
    ]
    assert product.calls == product.rehearsals == []
    world.clock.advance(timedelta(hours=12))
    assert (await world.advance(run)).state is RunState.LAPSED


def _is_of(predicate: dict[str, object], run: Run) -> bool:
    result = predicate["result"]
    assert isinstance(result, dict)
    return result["run"] == str(run.id)
