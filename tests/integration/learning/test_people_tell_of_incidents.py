"""What people do with incidents: each act is a fact with a receipt, and a P1 becomes less by two approvals."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update
from support.learning_world import BEGAN, PAGER, Vendor, declared, named, updated
from support.passkeys import Devices
from support.two_stand_behind import acts_of_two

from jobs.approvals import SETTLED
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest, Approve, Deny
from trust_portal.access.approvals.recording import load
from trust_portal.access.rights import actor_with
from trust_portal.cli import cli
from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.facts.tables import facts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import (
    AssignGap,
    ChangeOwner,
    ChangeSeverity,
    DeclareIncident,
    MergeIncident,
    MitigateIncident,
    NoteIncident,
    ReopenIncident,
    ResolveIncident,
    SetAffected,
    TellCustomer,
)
from trust_portal.learning.incidents.model import Incident, MajorBecause, Severity
from trust_portal.learning.incidents.tables import incidents
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)
NOON = BEGAN + timedelta(hours=3)


@pytest.fixture
async def sre(vendor: Vendor) -> Actor:
    return (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()


def declaration(severity: Severity = Severity.P1, **more: object) -> DeclareIncident:
    return DeclareIncident(
        **{  # type: ignore[arg-type]
            "title": "API answers slowly",
            "severity": severity,
            "service": "api",
            "began_at": BEGAN,
            "detected_at": NOON,
        }
        | more
    )


async def receipts(vendor: Vendor) -> list[ReceiptKind]:
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    learning = ("incident", "postmortem", "approval")
    return [each.kind for each in page.items if each.kind.value.startswith(learning)]


async def count_facts(vendor: Vendor) -> int:
    async with vendor.house.storage.read(VENDOR) as session:
        query = select(func.count()).select_from(facts).where(facts.c.tenant_id == VENDOR_ID)
        return (await session.execute(query)).scalar_one()


async def request_of(vendor: Vendor, request_id: UUID) -> ApprovalRequest:
    async with vendor.house.storage.read(VENDOR) as session:
        return (await load(session, VENDOR_ID, request_id)).request


async def test_a_declared_p1_stands_in_the_register_with_its_postmortem_at_once(
    vendor: Vendor, sre: Actor
) -> None:
    acme = await vendor.customer("acme")
    incident = await vendor.house.incidents.declare(
        declaration(tenants=("acme",), team="payments", key="INC-7"), sre
    )
    view = await vendor.house.incidents.get(sre, incident.id)
    assert (incident.source, incident.key, incident.owner_person_id) == ("portal", "INC-7", sre.id)
    assert (incident.tenants, incident.team) == ((acme,), "payments")
    assert view.postmortem_id is not None
    assert [each.key for each in view.customers] == ["acme"]
    assert [(each.kind, each.by) for each in view.entries] == [("declared", "Sam Operator")]
    assert set(await receipts(vendor)) == {ReceiptKind.INCIDENT_DECLARED, ReceiptKind.POSTMORTEM_OPENED}
    # What follows the touches that the act left finds nothing more to do.
    assert await vendor.register() == {"INC-7": incident}
    assert len(await receipts(vendor)) == 2


async def test_each_act_is_a_fact_with_a_receipt(vendor: Vendor, sre: Actor) -> None:
    await vendor.customer("acme")
    house = vendor.house
    id_ = (await house.incidents.declare(declaration(Severity.P3), sre)).id
    other = (await house.incidents.declare(declaration(Severity.P2, title="The cause"), sre)).id
    ivo = await vendor.person("Ivo Stern", Role.INCIDENT_OWNER)
    at = NOON + timedelta(minutes=5)
    for command in (
        NoteIncident(id_, "Looking into it", key=True),
        SetAffected(id_, "Only one", tenants=("acme",), objectives=("api",)),
        ChangeSeverity(id_, "It gets worse", severity=Severity.P2),
        ChangeOwner(id_, "Sam goes on leave", owner_id=ivo.id),
        TellCustomer(id_, "Told by mail", at),
        MitigateIncident(id_, "Throttled", at + timedelta(minutes=5)),
        ResolveIncident(id_, "Fixed", at + timedelta(minutes=10)),
        ReopenIncident(id_, "Came back"),
        MergeIncident(id_, "The same cause", into_id=other),
    ):
        incident = await house.incidents.tell(command, sre)
        vendor.clock.advance(timedelta(milliseconds=1))
    assert (incident.severity, incident.major_because) == (Severity.P2, MajorBecause.RAISED)
    assert (incident.owner, incident.owner_person_id) == ("ivo@vendor.example", ivo.id)
    assert (incident.told_at, incident.mitigated_at, incident.reopened) == (at, None, 1)
    assert (incident.everybody, incident.objectives, incident.merged_into) == (False, ("api",), other)
    view = await house.incidents.get(sre, id_)
    assert all(entry.receipt is not None for entry in view.entries)
    told = await receipts(vendor)
    assert sorted(kind for kind in told if kind.value.startswith("incident.")) == sorted(
        [
            *(ReceiptKind.INCIDENT_DECLARED,) * 2,
            ReceiptKind.INCIDENT_NOTED,
            ReceiptKind.INCIDENT_SEVERITY_CHANGED,
            ReceiptKind.INCIDENT_AFFECTED_SET,
            ReceiptKind.INCIDENT_OWNER_CHANGED,
            ReceiptKind.INCIDENT_TOLD_CUSTOMER,
            ReceiptKind.INCIDENT_MITIGATED,
            ReceiptKind.INCIDENT_RESOLVED,
            ReceiptKind.INCIDENT_REOPENED,
            ReceiptKind.INCIDENT_MERGED,
        ]
    )
    assert await count_facts(vendor) == 11
    for owner_id, code in ((ivo.id, "SAME_OWNER"), (UUID(int=1), "INVALID")):
        with pytest.raises((Conflict, InvalidInput)) as refused:
            await house.incidents.tell(ChangeOwner(id_, "Somebody else", owner_id=owner_id), sre)
        assert (refused.value.code, refused.value.field) == (code, "owner")
    assert await count_facts(vendor) == 11


async def test_people_tell_of_what_a_pager_declared_also_where_two_sources_use_its_key(
    vendor: Vendor, sre: Actor
) -> None:
    other = declared("INC-1", "P3") | {"source": "urn:other"}
    await vendor.tell(declared("INC-1", "P3"), other)
    await vendor.register()
    command = ChangeSeverity(named("INC-1"), "It spreads", severity=Severity.P1)
    incident = await vendor.house.incidents.tell(command, sre)
    assert (incident.source, incident.severity) == ("urn:pager", Severity.P1)
    untouched = await vendor.house.incidents.get(sre, named("INC-1", "urn:other"))
    assert untouched.incident.severity is Severity.P3


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(Role.INCIDENT_OWNER, True), (Role.PMO, False), (Role.CSM, False), (Role.VENDOR_ADMIN, False)],
)
async def test_who_looks_after_incidents_declares_them_and_nobody_else(
    vendor: Vendor, role: Role, allowed: bool
) -> None:
    actor = (await vendor.person("Una Somebody", role)).as_actor()
    if allowed:
        assert (await vendor.house.incidents.declare(declaration(), actor)).is_open
        return
    with pytest.raises(Denied):
        await vendor.house.incidents.declare(declaration(), actor)
    assert (await count_facts(vendor), await receipts(vendor)) == (0, [])


async def test_what_makes_no_sense_is_refused_and_nothing_changes(vendor: Vendor, sre: Actor) -> None:
    house = vendor.house
    incident = await house.incidents.declare(declaration(key="INC-7"), sre)
    before = await count_facts(vendor), await receipts(vendor)
    future = vendor.clock.now() + timedelta(minutes=1)
    for command, code in (
        (ChangeSeverity(incident.id, "Why", severity=Severity.P1), "SAME_SEVERITY"),
        (ChangeSeverity(incident.id, "Why", severity=Severity.P4), "NEEDS_APPROVAL"),
        (ReopenIncident(incident.id, "Why"), "NOT_OVER"),
        (MergeIncident(incident.id, "Why", into_id=incident.id), "SAME_INCIDENT"),
    ):
        with pytest.raises(Conflict) as refused:
            await house.incidents.tell(command, sre)
        assert refused.value.code == code
    for late, field in (
        (NoteIncident(incident.id, "Why", future), "at"),
        (SetAffected(incident.id, "Why", tenants=("nobody",)), "tenants"),
    ):
        with pytest.raises(InvalidInput) as wrong:
            await house.incidents.tell(late, sre)
        assert wrong.value.field == field
    with pytest.raises(Conflict, match="INC-7 already"):
        await house.incidents.declare(declaration(key="INC-7"), sre)
    with pytest.raises(InvalidInput, match="future"):
        await house.incidents.declare(declaration(detected_at=future), sre)
    assert (await count_facts(vendor), await receipts(vendor)) == before


class Asked:
    """A P1 whose downgrade to P3 was asked for, and the two who may approve it."""

    def __init__(
        self, vendor: Vendor, incident: Incident, request: ApprovalRequest, two: list[Actor]
    ) -> None:
        self.vendor, self.incident, self.request, self.two = vendor, incident, request, two
        self.devices = Devices(vendor.house)

    async def approve(self) -> None:
        for actor in self.two:
            await self.devices.approve(self.request, actor, "It hurt nobody")

    async def settle(self) -> None:
        await SETTLED[ApprovalKind.SEVERITY_DOWNGRADE](self.vendor.house, VENDOR_ID, self.request.id)

    async def now(self) -> Incident:
        return (await self.vendor.house.incidents.get(CONSOLE, self.incident.id)).incident


@pytest.fixture
async def two(vendor: Vendor) -> list[Actor]:
    return [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]


@pytest.fixture
async def asked(vendor: Vendor, sre: Actor, two: list[Actor]) -> Asked:
    incident = await vendor.house.incidents.declare(declaration(key="INC-7"), sre)
    command = ChangeSeverity(incident.id, "Only a dashboard was wrong", severity=Severity.P3)
    request_id = await vendor.house.downgrades.ask(command, sre)
    return Asked(vendor, incident, await request_of(vendor, request_id), two)


async def test_a_p1_becomes_a_p3_by_two_signed_approvals_and_keeps_its_postmortem(asked: Asked) -> None:
    house = asked.vendor.house
    waiting = await asked.now()
    assert (waiting.severity, waiting.claimed_severity) == (Severity.P1, Severity.P3)
    assert await house.downgrades.waiting(CONSOLE, waiting.id) == asked.request.id

    await asked.approve()
    await asked.settle()
    await asked.settle()

    view = await house.incidents.get(CONSOLE, waiting.id)
    assert (view.incident.severity, view.incident.claimed_severity) == (Severity.P3, None)
    assert (view.incident.worst_severity, view.incident.major_because) == ("P1", MajorBecause.DECLARED)
    assert view.postmortem_id is not None
    assert [entry.kind for entry in view.entries] == ["declared", "severity", "downgraded"]
    assert view.entries[1].claim
    assert (await receipts(asked.vendor)).count(ReceiptKind.INCIDENT_DOWNGRADED) == 1
    assert "incident.downgraded" in await acts_of_two(house.storage, VENDOR_ID)
    assert await house.downgrades.waiting(CONSOLE, waiting.id) is None
    # Made again from facts and approvals alone, it is the same.
    await house.incident_following.rebuild()
    assert await asked.now() == view.incident


async def test_an_approval_without_a_passkey_does_not_count(asked: Asked) -> None:
    request = asked.request
    with pytest.raises(InvalidInput) as refused:
        await asked.vendor.house.decisions.approve(
            Approve(VENDOR_ID, request.id, request.digest, "Fine"), asked.two[0]
        )
    assert refused.value.code == "PASSKEY_REQUIRED"


async def test_what_is_told_of_its_severity_meanwhile_voids_the_approval(asked: Asked, sre: Actor) -> None:
    await asked.approve()
    # From the pager, of the same incident: it is a P1 indeed.
    again = updated("INC-7", "severity", minute=350, severity="P1")
    await asked.vendor.tell(again)
    await asked.vendor.register()
    await asked.settle()
    incident = await asked.now()
    assert (incident.severity, incident.claimed_severity) == (Severity.P1, Severity.P3)
    kinds = await receipts(asked.vendor)
    assert ReceiptKind.APPROVAL_VOIDED in kinds
    assert ReceiptKind.INCIDENT_DOWNGRADED not in kinds


async def test_a_p1_told_a_moment_after_the_approval_voids_it_though_a_clock_before_was_ahead(
    vendor: Vendor, sre: Actor, two: list[Actor]
) -> None:
    """Five minutes are allowed to producers: what the approvers saw was of 15:05, what they could not see of 15:03."""
    ahead, again = (updated("INC-7", "severity", minute=minute, severity="P1") for minute in (365, 363))
    await vendor.tell(declared("INC-7", "P1"), ahead)
    incident = (await vendor.register())["INC-7"]
    command = ChangeSeverity(incident.id, "It hurt nobody", severity=Severity.P3)
    request_id = await vendor.house.downgrades.ask(command, sre)
    asked = Asked(vendor, incident, await request_of(vendor, request_id), two)
    await asked.approve()
    vendor.clock.advance(timedelta(minutes=1))
    await asked.settle()
    assert (await asked.now()).severity is Severity.P3
    vendor.clock.advance(timedelta(minutes=2))
    await vendor.tell(again)
    await vendor.register()
    assert (await asked.now()).severity is Severity.P1
    [line] = [
        each
        for each in (await vendor.house.incidents.get(CONSOLE, incident.id)).entries
        if each.kind == "downgraded"
    ]
    assert (line.at, line.claim) == (BEGAN + timedelta(minutes=365), True)


async def test_what_belongs_to_an_incident_whose_owner_is_suspended_is_owned_by_who_says_so(
    vendor: Vendor, sre: Actor
) -> None:
    ada = await vendor.person("Ada Gone", Role.INCIDENT_OWNER)
    await vendor.tell(declared("INC-1", "P1", owner="Ada Gone"), updated("INC-2", "note", minute=5))
    owned = (await vendor.register())["INC-1"]
    await vendor.house.people.suspend(CONSOLE, VENDOR_ID, ada.id)
    await vendor.house.incident_gaps.assign(AssignGap(PAGER, "INC-2", owned.id, "The same"), sre)
    found = await vendor.register()
    assert (owned.owner_person_id, found["INC-1"].owner_person_id) == (ada.id, ada.id)
    assert (found["INC-2"].merged_into, found["INC-2"].owner_person_id) == (owned.id, sre.id)


async def test_a_denied_downgrade_changes_nothing_and_may_be_asked_for_again(
    asked: Asked, sre: Actor
) -> None:
    house, request = asked.vendor.house, asked.request
    command = ChangeSeverity(asked.incident.id, "Again", severity=Severity.P4)
    with pytest.raises(Conflict) as refused:
        await house.downgrades.ask(command, sre)
    assert refused.value.code == "ALREADY_ASKED"
    await house.decisions.deny(Deny(VENDOR_ID, request.id, request.digest, "It hurt"), asked.two[0])
    await asked.settle()
    assert (await asked.now()).severity is Severity.P1
    assert await house.downgrades.ask(command, sre) != request.id


async def test_from_a_shell_the_register_is_made_again_and_mended(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vendor.tell(declared("INC-1", "P2"), declared("INC-2", "P3"))
    right = await vendor.register()
    # Who lies about what was told, too, is not held by the row; the facts know better.
    severities = ("severity", "declared_severity", "told_severity", "worst_severity")
    forged = dict.fromkeys(severities, "P4")
    async with vendor.house.storage.write(VENDOR) as session:
        await session.execute(
            update(incidents)
            .where(incidents.c.tenant_id == VENDOR_ID, incidents.c.key == "INC-1")
            .values(title="Forged", major_because=None, **forged)
        )
    known = vendor.house.settings
    for name, value in (("DATABASE_URL", known.database_url), ("REDIS_URL", known.redis_url)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEY_FILE", str(known.key_file))

    result = await asyncio.to_thread(
        CliRunner().invoke, cli, ["incidents", "rebuild", "--reason", "Checking"]
    )

    assert result.exception is None
    assert result.stdout.startswith("2 incidents  1 came out otherwise  receipt ")
    assert await vendor.register(follow=False) == right
    assert ReceiptKind.INCIDENTS_REBUILT in await receipts(vendor)


async def test_raising_takes_no_approval_and_asking_for_it_is_refused(asked: Asked, sre: Actor) -> None:
    house = asked.vendor.house
    lesser = await house.incidents.declare(declaration(Severity.P3), sre)
    command = ChangeSeverity(lesser.id, "Worse", severity=Severity.P2)
    with pytest.raises(Conflict) as refused:
        await house.downgrades.ask(command, sre)
    assert refused.value.code == "NOT_LESS"
    assert (await house.incidents.tell(command, sre)).severity is Severity.P2
