"""What playbooks did while an incident went on stands in its postmortem, step by step, each by its receipt."""

from __future__ import annotations

from datetime import timedelta

from support.remediation_world import ONSET, ProductProcess, World, event

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RunFilter, StepKind
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.repository import postmortems_page
from trust_portal.storage.tenancy import StaffScope, TenantScope


async def test_steps_with_receipts_while_it_went_on_are_listed_with_their_digests_and_later_ones_are_not(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    await world.tenant("globex")
    began = world.clock.now() - timedelta(hours=1)  # while the last hour of the anomaly went on
    run = await world.executed(await world.planned(anomaly))
    over = world.clock.now() + timedelta(minutes=1)
    await world.use("acme", range(ONSET + 3, ONSET + 6), "1.20")
    await world.close(ONSET + 6)
    run = await world.advance(run)
    assert run.last.kind is StepKind.VERIFIED
    at = rfc3339(began)
    said = {
        "incident": "INC-1", "severity": "P1", "title": "Exports run away", "service": "api", "began_at": at,
        "detected_at": at, "owner": "ivo@vendor.example", "tenants": ["acme", "globex"],
    }  # fmt: skip
    resolved = {"incident": "INC-1", "at": rfc3339(over), "text": "Throttled."}
    await world.deliver(
        [event("incident.declared", "d", began, said), event("incident.resolved", "r", over, resolved)]
    )
    await world.house.incident_following.follow()

    async with world.house.storage.read(StaffScope(), snapshot=True) as session:
        (postmortem,) = (await postmortems_page(session, PageRequest())).items
        document = (await assemble(session, postmortem, world.clock.now(), vendor="V")).body

    runs = (await world.house.playbook_runs.page(SYSTEM, RunFilter(run.tenant_id), PageRequest())).items
    taken = [
        (f"{one.id}/{each.ordinal}", one, each)
        for one in runs
        for each in one.steps
        if each.receipt_id and began <= each.at < over
    ]
    taken.sort(key=lambda each: (each[2].at, each[0]))
    assert [each.kind for _, one, each in taken if one.id == run.id] == [
        StepKind.PLANNED, StepKind.REQUESTED, StepKind.APPROVED, StepKind.EXECUTED,
    ]  # fmt: skip
    acme, globex = document["customers"]["acme"], document["customers"]["globex"]
    assert acme["mitigation"] == [
        {
            "id": id_, "at": rfc3339(each.at), "run": str(one.id), "playbook": one.plan.playbook_id,
            "step": each.kind.value, "state": each.state.value, "by": each.actor_name,
            "target": dict(one.plan.target), "receipt": str(each.receipt_id),
        }
        for id_, one, each in taken
    ]  # fmt: skip
    known = await world.house.anomalies.get(SYSTEM, run.tenant_id, anomaly.id)
    async with world.house.storage.read(TenantScope(run.tenant_id)) as session:
        digests = await receipt_digests(session, run.tenant_id, *(each.receipt_id for _, _, each in taken))
    assert [each for each in acme["evidence"] if each["kind"] == "mitigation"] == [
        {
            "id": id_, "kind": "mitigation", "source": f"receipt/{each.receipt_id}",
            "at": rfc3339(each.at), "sha256": digests[each.receipt_id],
        }
        for id_, _, each in taken
    ]  # fmt: skip
    assert [(each["id"], each["source"]) for each in acme["evidence"] if each["kind"] == "cost"] == [
        (str(anomaly.id), f"receipt/{known.closed_receipt_id or known.explained_receipt_id}")
    ]
    assert (globex["mitigation"], globex["cost"]) == ([], [])
