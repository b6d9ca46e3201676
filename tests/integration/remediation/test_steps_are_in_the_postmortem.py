"""What playbooks did while an incident went on, and what it cost, stand in its postmortem, each by its receipt.

What the evidence says of them is recomputed here from the rows and the receipts as they are stored.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from support.learning_world import Vendor
from support.passkeys import Devices
from support.postmortem_desk import Desk, actor_of
from support.remediation_world import ONSET, ProductProcess, World, event

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RunFilter, StepKind
from trust_portal.evidence import bundle
from trust_portal.evidence.receipt_rows import find_receipts
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.repository import postmortems_page
from trust_portal.storage.tenancy import StaffScope, TenantScope


async def recomputed(world: World, tenant_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """The SHA-256 of receipts as they are stored."""
    async with world.house.storage.read(TenantScope(tenant_id)) as session:
        found = await find_receipts(session, tenant_id, ids)
    return {id_: hashlib.sha256(each.envelope).hexdigest() for id_, each in found.items()}


async def desk_of(world: World, tenant_id: UUID) -> Desk:
    vendor = Vendor(world.house, world.clock)
    owner, writer, reviewer = [
        actor_of(await vendor.person(name, role))
        for name, role in (
            ("Ivo Stern", Role.INCIDENT_OWNER),
            ("Wera Lind", Role.SRE_OPERATOR),
            ("Rui Alves", Role.SRE_OPERATOR),
        )
    ]
    return Desk(vendor, owner, writer, reviewer, tenant_id, tenant_id, Devices(world.house))


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
    proof = known.closed_receipt_id or known.explained_receipt_id
    assert proof is not None
    receipts = {proof, *(each.receipt_id for _, _, each in taken)}
    digests = await recomputed(world, run.tenant_id, receipts)
    steps = [
        {
            "id": id_, "kind": "mitigation", "source": f"receipt/{each.receipt_id}",
            "at": rfc3339(each.at), "sha256": digests[each.receipt_id],
        }
        for id_, _, each in taken
    ]  # fmt: skip
    cost = {
        "id": str(anomaly.id), "kind": "cost", "source": f"receipt/{proof}",
        "at": rfc3339(known.started_at), "sha256": digests[proof],
    }  # fmt: skip
    evidence = acme["evidence"]
    assert len(steps) == len(receipts) - 1 >= 4
    assert [each for each in evidence if each["kind"] == "mitigation"] == steps
    assert [each for each in evidence if each["kind"] == "cost"] == [cost]
    assert [each["id"] for each in acme["cost"]] == [cost["id"]]
    assert (globex["mitigation"], globex["cost"]) == ([], [])
    assert [each for each in globex["evidence"] if each["kind"] in {"mitigation", "cost"}] == []

    desk = await desk_of(world, run.tenant_id)
    signed = await desk.signed(postmortem)
    files = bundle.read(await desk.bundle(signed.id)).files
    lines = list(csv.DictReader(io.StringIO(files["evidence.csv"].decode())))
    told = [each for each in lines if each["kind"] in {"mitigation", "cost"}]
    expected = [{"customer": "acme", **each} for each in (*steps, cost)]
    assert sorted(told, key=lambda each: each["id"]) == sorted(expected, key=lambda each: each["id"])
