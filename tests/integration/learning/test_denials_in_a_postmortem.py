"""What policy refused while an incident went on: what, to whom, by which policies, and to the minute."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from support.learning_world import Vendor, declared, step
from support.postmortem_desk import actor_of, desk_of

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource, shipped_policies
from trust_portal.errors import Denied, NotFound
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import ManualClock
from trust_portal.learning.postmortems.gathering.denials import MOST_DENIALS

pytestmark = pytest.mark.takes(seconds=10)
BEGAN, RESOLVED = "2026-06-01T08:50:30Z", "2026-06-01T10:00:20Z"


def told(tenant: str) -> list[dict]:
    resolved = step("INC-1", "resolved", minute=61)
    resolved["data"]["at"] = RESOLVED
    return [declared("INC-1", began_at=BEGAN, detected_at=BEGAN, tenants=[tenant]), resolved]


async def refuse(
    vendor: Vendor, clock: ManualClock, at: str, actor: Actor, action: Action, resource: Resource
) -> None:
    """As when somebody tries it at that moment."""
    clock.advance(datetime.fromisoformat(f"2026-06-01T{at}").replace(tzinfo=UTC) - clock.now())
    with pytest.raises((Denied, NotFound)):
        await vendor.house.gate.require(actor, action, resource)


async def test_what_was_refused_from_the_minute_it_began_to_the_minute_it_ended_is_in_the_document(
    vendor: Vendor, clock: ManualClock
) -> None:
    opening = clock.now()
    desk = await desk_of(vendor, *told("northwind"))
    carla = actor_of(await vendor.person("Carla Vento", Role.CUSTOMER_VIEWER, tenant_id=desk.northwind))
    otto = actor_of(await vendor.person("Otto Klein", Role.CUSTOMER_VIEWER, tenant_id=desk.contoso))
    postmortem = await desk.postmortem()

    def report(tenant_id: UUID, number: str) -> Resource:
        return Resource("SLA report", tenant_id, number)

    release = Resource.of_house("postmortem", postmortem.id)
    for at, actor, action, resource in (
        ("08:49:59", desk.writer, Action.POSTMORTEM_RELEASE, release),  # the minute before it began
        ("08:50:10", desk.writer, Action.POSTMORTEM_RELEASE, release),
        ("08:50:55", desk.writer, Action.POSTMORTEM_RELEASE, release),  # the same, in the same minute
        ("10:00:59", desk.writer, Action.POSTMORTEM_RELEASE, release),
        ("10:01:00", desk.writer, Action.POSTMORTEM_RELEASE, release),  # one minute later
        ("08:49:00", carla, Action.SLA_REPORT_ISSUE, report(desk.northwind, "r0")),
        ("08:50:00", carla, Action.SLA_REPORT_ISSUE, report(desk.northwind, "r1")),
        ("09:30:00", carla, Action.SLA_REPORT_READ, report(desk.contoso, "r2")),
        ("10:00:00", carla, Action.SLA_REPORT_RESTATE, report(desk.northwind, "r3")),
        ("10:01:00", carla, Action.SLA_REPORT_RESTATE, report(desk.northwind, "r4")),
        ("09:30:00", otto, Action.SLA_REPORT_ISSUE, report(desk.contoso, "r5")),  # whom it did not touch
    ):
        await refuse(vendor, clock, at, actor, action, resource)
    clock.advance(opening - clock.now())

    document = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document

    version = shipped_policies().version

    def denial(at: str, actor: str, action: str, on: str, resource: str, *policies: str) -> dict:
        return {
            "at": f"2026-06-01T{at}:00Z", "actor": actor, "actor_kind": "person", "action": action, "on": on,
            "resource": resource, "policies": list(policies), "policy_version": version,
        }  # fmt: skip

    ours, theirs = document["denials"], document["customers"]["northwind"]["denial"]
    ids = [each.pop("id") for each in ours + theirs]
    assert ours == [
        denial(at, "Wera Lind", "house:postmortem:release", "postmortem", str(postmortem.id))
        for at in ("08:50", "10:00")
    ]
    assert theirs == [
        denial("08:50", "Carla Vento", "tenant:sla_report:issue", "SLA report", "r1"),
        # Whose the thing is that she reached for is not hers to read back.
        denial("09:30", "Carla Vento", "tenant:sla_report:read", "SLA report", "", "customers-stay-at-home"),
        denial("10:00", "Carla Vento", "tenant:sla_report:restate", "SLA report", "r3"),
    ]
    assert list(document["customers"]) == ["northwind"]
    of_customer = document["customers"]["northwind"]["evidence"]
    evidence = {each["id"]: each for each in document["evidence"] + of_customer if each["kind"] == "denial"}
    assert set(evidence) == set(ids)
    for id_, each in zip(ids, ours + theirs, strict=True):
        fields = {name: value for name, value in each.items() if name != "at"}
        assert evidence[id_] == {
            "id": id_, "kind": "denial", "source": "denial log", "at": each["at"],
            "sha256": digest({"id": id_, **fields}),
        }  # fmt: skip


async def test_of_more_denials_than_anybody_reads_the_first_are_listed_and_it_says_so(
    vendor: Vendor, clock: ManualClock
) -> None:
    opening = clock.now()
    desk = await desk_of(vendor, *told("northwind"))
    carla = actor_of(await vendor.person("Carla Vento", Role.CUSTOMER_VIEWER, tenant_id=desk.northwind))
    postmortem = await desk.postmortem()
    for number in range(MOST_DENIALS + 1):
        resource = Resource("SLA report", desk.northwind, f"r{number}")
        at = f"09:{number // 30:02}:00"  # thirty a minute are written down
        await refuse(vendor, clock, at, carla, Action.SLA_REPORT_ISSUE, resource)
    clock.advance(opening - clock.now())

    document = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document

    found = document["customers"]["northwind"]
    assert {each["resource"] for each in found["denial"]} == {f"r{number}" for number in range(MOST_DENIALS)}
    assert {"source": "policy denials", "why": "only the first 100 are listed"} in found["missing"]
    assert document["denials"] == []
