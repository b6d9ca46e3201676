"""Who watches automation hears when it is stopped, and when it came to nothing."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from support.remediation_world import ONSET, ProductProcess, World

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RunState
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.tables import notifications
from trust_portal.storage.tenancy import TenantScope


async def told(world: World, tenant_id: UUID, topic: str) -> list[tuple[str, str, dict[str, str], list[str]]]:
    async with world.house.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(
            select(notifications)
            .where(notifications.c.tenant_id == tenant_id, notifications.c.topic == topic)
            .order_by(notifications.c.id)
        )
        return [(row.title, row.path, row.facts, row.audience["roles"]) for row in rows]


async def test_a_run_that_is_taken_back_is_told_with_the_way_to_its_anomaly(
    world: World, product: ProductProcess, anomaly: CostAnomaly
) -> None:
    run = await world.executed(await world.planned(anomaly))
    await world.use("acme", range(ONSET + 3, ONSET + 6), "85.00")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.state is RunState.ROLLED_BACK
    assert await told(world, run.tenant_id, "playbook.rolled_back") == [
        (
            "throttle-exports was rolled back at acme",
            f"/t/acme/cost/anomalies/{anomaly.id}",
            {
                "run": str(run.id),
                "playbook": "throttle-exports",
                "anomaly": str(anomaly.id),
                "state": "rolled_back",
            },
            ["finops_operator", "sre_operator"],
        )
    ]
    assert await told(world, run.tenant_id, "playbook.failed") == []


async def test_each_setting_of_a_switch_is_told_once_and_a_refused_one_is_not(world: World) -> None:
    stop = SetKillSwitch(VENDOR_ID, stopped=True, reason="It looks wrong.")
    await world.house.kill_switches.set(stop, world.operator)
    with pytest.raises(Conflict):
        await world.house.kill_switches.set(stop, world.operator)
    resume = SetKillSwitch(VENDOR_ID, stopped=False, reason="It was right.")
    await world.house.kill_switches.set(resume, world.operator)
    assert sorted(title for title, *_ in await told(world, VENDOR_ID, "kill_switch.pulled")) == [
        "May go on: every playbook, everywhere",
        "Stopped: every playbook, everywhere",
    ]
