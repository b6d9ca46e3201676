"""A P1 that is merged: its target's postmortem tells all of it, reaches all of its customers, and can be let go again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.learning_world import BEGAN, Vendor, declared, named, step, updated
from support.passkeys import Devices
from support.postmortem_desk import Desk, actor_of, desk_of

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.access.approvals.recording import load
from trust_portal.access.rights import actor_with
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence import bundle
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.verify import verify
from trust_portal.facts.tables import facts
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.learning.actions.model import ActionState, StepAct
from trust_portal.learning.incidents.acts_model import (
    ChangeSeverity,
    DeclareIncident,
    MergeIncident,
    ResolveIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.model import IncidentFilter, Severity
from trust_portal.learning.postmortems.filters import PostmortemFilter
from trust_portal.learning.postmortems.model import COPY_FILE, COPY_KIND, Postmortem, Release, Reopen
from trust_portal.learning.recompute import RECOMPUTERS
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.debt import Owed
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.learning.verification import KINDS
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.gathering.incidents import gather
from trust_portal.trust.gathering.model import Ask

pytestmark = pytest.mark.takes(seconds=40)
VENDOR = TenantScope(VENDOR_ID)
#: A P3 of one customer; and a P1 of the other that began before, was the same, and was told to be so.
TOLD = (
    declared("INC-1", "P3", minute=20, tenants=["northwind"], objectives=["api"]),
    declared("INC-2", "P1", minute=10, tenants=["contoso"], objectives=["web"], service="edge"),
    updated("INC-2", "note", minute=15, text="The edge drops uploads."),
    updated("INC-2", "told_customer", minute=25),
    updated("INC-2", "merged", minute=40, into="INC-1"),
    step("INC-1", "mitigated", minute=45),
    step("INC-1", "resolved", minute=60),
)


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    return await desk_of(vendor, *TOLD)


async def reader_of(desk: Desk, tenant_id: UUID, name: str) -> Actor:
    return actor_of(await desk.vendor.person(name, Role.CUSTOMER_VIEWER, tenant_id=tenant_id))


async def document_of(desk: Desk, postmortem: Postmortem) -> Mapping[str, Any]:
    return (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document


async def covers(desk: Desk) -> dict[str, Cover]:
    found, _ = await desk.house.switchboard.coverage(desk.owner)
    return {each.name: each.cover for each in found.lines}


async def test_the_document_tells_what_was_told_of_the_merged_one_and_of_whom_it_touched(desk: Desk) -> None:
    document = await document_of(desk, await desk.postmortem("INC-1"))
    two = str(named("INC-2"))
    assert [(each["kind"], each["text"], each["incident"]) for each in document["timeline"]] == [
        ("declared", "Trouble INC-2", two),
        ("note", "The edge drops uploads.", two),
        ("declared", "Trouble INC-1", None),
        ("told_customer", "told_customer of INC-2", two),
        ("merged", "merged of INC-2", two),
        ("mitigated", "mitigated of INC-1", None),
        ("resolved", "resolved of INC-1", None),
    ]
    incident = document["incident"]
    assert (incident["key"], incident["severity"], incident["worst_severity"]) == ("INC-1", "P1", "P1")
    assert (incident["declared_severity"], incident["objectives"]) == ("P3", ["api", "web"])
    assert incident["times"] == {
        "began": "2026-06-01T09:00:00Z",
        "detected": "2026-06-01T09:00:00Z",
        "declared": "2026-06-01T09:10:00Z",
        "told": "2026-06-01T09:25:00Z",
        "mitigated": "2026-06-01T09:45:00Z",
        "resolved": "2026-06-01T10:00:00Z",
    }
    [merged] = incident["merged"]
    assert (merged["id"], merged["key"], merged["service"], merged["declared_severity"]) == (
        two,
        "INC-2",
        "edge",
        "P1",
    )
    assert sorted(document["customers"]) == ["contoso", "northwind"]
    told = {each["id"] for each in document["timeline"]}
    assert told <= {each["id"] for each in document["evidence"]}


async def test_who_was_touched_by_the_merged_one_alone_gets_its_copy_and_reads_it_with_that_incident(
    desk: Desk,
) -> None:
    reader = await reader_of(desk, desk.contoso, "Otto Klein")
    signed = await desk.signed(await desk.postmortem("INC-1"))
    release = await desk.house.postmortem_releases.release(
        Release(signed.id, 1, desk.contoso, "customer", "As we promised."), desk.owner
    )
    assert await desk.house.postmortem_copies.issue(release.id)

    content = await desk.bundle(release.id, kind=COPY_KIND, tenant_id=desk.contoso)
    verdict = verify(content, policy=await desk.policy(desk.contoso), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.ok, verdict.findings
    copy = await desk.house.postmortem_copies.find(reader, desk.contoso, release.id)
    assert sorted(copy.document["customers"]) == ["contoso"]
    assert [each["title"] for each in copy.document["incident"]["merged"]] == ["Trouble INC-2"]
    assert b"northwind" not in bundle.read(content).files[COPY_FILE].lower()

    touched = await desk.house.customer_incidents.of_tenant(
        reader, desk.contoso, BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)
    )
    [mine] = touched.incidents
    assert (mine.name, mine.resolved_at, mine.merged_into) == ("INC-2", BEGAN + timedelta(minutes=60), None)
    assert mine.copy is not None
    assert (mine.copy.id, mine.copy.incident_id) == (release.id, named("INC-1"))
    answer = await schema.execute(
        """{ viewer { tenant { incidents(since: "2026-05-31T00:00:00Z", until: "2026-06-30T00:00:00Z") {
             key resolvedAt postmortem { version sha256 } } } } }""",
        context_value=Context(desk.house, reader),
    )
    assert answer.errors is None, answer.errors
    assert answer.data["viewer"]["tenant"]["incidents"] == [
        {
            "key": "INC-2",
            "resolvedAt": "2026-06-01T10:00:00+00:00",
            "postmortem": {"version": 1, "sha256": release.sha256},
        }
    ]
    async with desk.house.storage.read(StaffScope(), snapshot=True) as session:
        tenant = await find_tenant(session, desk.contoso)
        assert tenant is not None
        section = await gather(session, Ask(tenant, parse_period("2026-06", "UTC"), desk.house.clock.now()))
    [line] = section.table("postmortems").rows
    assert [each.value for each in line.cells][:2] == [
        "Trouble INC-2",
        "covered by the postmortem of what it was merged into",
    ]
    cells = dict(zip(section.table("postmortems").columns, line.cells, strict=True))
    assert {each.id: cell.value for each, cell in cells.items()}["copy"] == str(release.id)


@pytest.mark.parametrize("by_graphql", [False, True])
async def test_whoever_merges_a_p1_into_a_p3_of_their_own_has_a_p1_and_makes_it_less_by_approval_only(
    vendor: Vendor, clock: ManualClock, by_graphql: bool
) -> None:
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()
    two = [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]
    house = vendor.house
    await vendor.tell(declared("INC-1", "P1"))
    await vendor.register()
    now = clock.now()
    mine = await house.incidents.declare(
        DeclareIncident("A small thing", Severity.P3, "api", now, now, key="MINE"), sre
    )
    if by_graphql:
        said = {
            "incidentId": encode("VendorIncident", VENDOR_ID, named("INC-1")),
            "mergedIntoId": encode("VendorIncident", VENDOR_ID, mine.id),
            "telling": "MERGED",
            "text": "The same",
        }
        answer = await schema.execute(
            "mutation ($i: TellOfIncidentInput!) { tellOfIncident(input: $i) { userErrors { code } } }",
            variable_values={"i": said},
            context_value=Context(house, sre),
        )
        assert (answer.errors, answer.data) == (None, {"tellOfIncident": {"userErrors": []}})
    else:
        await house.incidents.tell(MergeIncident(named("INC-1"), "The same", into_id=mine.id), sre)
    register = await vendor.register()
    assert (register["MINE"].severity, register["MINE"].told_severity) == (Severity.P1, Severity.P1)

    lower = ChangeSeverity(mine.id, "It was small after all", severity=Severity.P3)
    with pytest.raises(Conflict) as refused:
        await house.incidents.tell(lower, sre)
    assert refused.value.code == "NEEDS_APPROVAL"
    assert await vendor.register() == register
    clock.advance(timedelta(minutes=1))
    request_id = await house.downgrades.ask(lower, sre)
    assert (await vendor.register())["MINE"].severity is Severity.P1
    async with house.storage.read(VENDOR) as session:
        request = (await load(session, VENDOR_ID, request_id)).request
    assert ("Merged into it", "INC-1 (P1)") in [(each.label, each.value) for each in request.intent.act], (
        "the approvers see it"
    )
    devices = Devices(house)
    for actor in two:
        await devices.approve(request, actor)
    settled = await house.downgrades.approval_settled(request_id)
    assert settled is not None
    assert (settled.severity, settled.worst_severity) == (Severity.P3, Severity.P1)


async def test_what_is_merged_into_it_after_the_question_voids_the_approval(
    vendor: Vendor, clock: ManualClock
) -> None:
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()
    two = [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]
    house = vendor.house
    await vendor.tell(declared("INC-1", "P1"), declared("INC-2", "P1"))
    await vendor.register()
    request_id = await house.downgrades.ask(
        ChangeSeverity(named("INC-2"), "A false alarm", severity=Severity.P4), sre
    )
    async with house.storage.read(VENDOR) as session:
        request = (await load(session, VENDOR_ID, request_id)).request
    devices = Devices(house)
    for actor in two:
        await devices.approve(request, actor)
    clock.advance(timedelta(minutes=1))
    await vendor.tell(updated("INC-1", "merged", minute=5, into="INC-2"))
    await vendor.register()
    assert await house.downgrades.approval_settled(request_id) is None
    assert (await vendor.register())["INC-2"].severity is Severity.P1


async def test_a_merger_is_undone_with_a_reason_and_a_receipt_and_the_incident_owes_its_own_again(
    desk: Desk, clock: ManualClock
) -> None:
    house = desk.house
    await desk.signed(await desk.postmortem("INC-1"))
    assert await covers(desk) == {"Trouble INC-1": Cover.SIGNED, "Trouble INC-2": Cover.MERGED}
    clock.advance(timedelta(minutes=30))
    raised = ChangeSeverity(named("INC-1"), "It is as bad itself", severity=Severity.P1)
    await house.incidents.tell(raised, desk.writer)
    clock.advance(timedelta(minutes=30))
    undo = UnmergeIncident(named("INC-2"), "Another cause, as the traces show")
    after = await house.incidents.tell(undo, desk.writer)
    assert (after.merged_into, after.ends_in, after.merge_key, after.merged_at) == (None, None, None, None)
    assert (after.severity, after.resolved_at) == (Severity.P1, None)
    assert (await desk.vendor.register())["INC-1"].severity is Severity.P1
    assert (await covers(desk))["Trouble INC-2"] is Cover.UNSIGNED
    page = await house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(50))
    assert [each.kind for each in page.items].count(ReceiptKind.INCIDENT_UNMERGED) == 1
    view = await house.incidents.get(desk.writer, named("INC-2"))
    assert (view.entries[-1].kind, view.entries[-1].text, view.entries[-1].by) == (
        "unmerged",
        "Another cause, as the traces show",
        "Wera Lind",
    )
    document = await document_of(desk, await desk.postmortem("INC-2"))
    assert [each["kind"] for each in document["timeline"]] == [
        "declared", "note", "told_customer", "merged", "unmerged"
    ]  # fmt: skip
    reader = await reader_of(desk, desk.contoso, "Otto Klein")
    touched = await house.customer_incidents.of_tenant(
        reader, desk.contoso, BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)
    )
    [mine] = touched.incidents
    assert [each.text for each in mine.timeline][-2:] == [
        "It goes on with another incident",
        "It goes on by itself again",
    ]

    async def told() -> int:
        async with house.storage.read(VENDOR) as session:
            query = select(func.count()).select_from(facts).where(facts.c.tenant_id == VENDOR_ID)
            return (await session.execute(query)).scalar_one()

    before = await told()
    with pytest.raises(Conflict) as refused:
        await house.incidents.tell(undo, desk.writer)
    assert refused.value.code == "NOT_MERGED"
    clock.advance(timedelta(minutes=5))
    await house.incidents.tell(MergeIncident(after.id, "The same", into_id=named("INC-1")), desk.writer)
    early = UnmergeIncident(after.id, "Before it was", at=clock.now() - timedelta(minutes=1))
    with pytest.raises(InvalidInput) as too_early:
        await house.incidents.tell(early, desk.writer)
    assert too_early.value.field == "at"
    assert await told() == before + 1


async def test_a_merged_incident_is_listed_as_open_only_while_what_it_goes_on_in_is(desk: Desk) -> None:
    async def listed(*, open_: bool) -> set[str]:
        page = await desk.house.incidents.page(desk.writer, IncidentFilter(open=open_), PageRequest(50))
        return {each.key for each in page.items}

    await desk.vendor.register()
    assert (await listed(open_=True), await listed(open_=False)) == (set(), {"INC-1", "INC-2"})
    await desk.vendor.tell(updated("INC-1", "reopened", minute=90))
    await desk.vendor.register()
    assert (await listed(open_=True), await listed(open_=False)) == ({"INC-1", "INC-2"}, set())
    with pytest.raises(Conflict) as refused:
        await desk.house.incidents.tell(
            MergeIncident(named("INC-2"), "Again", into_id=named("INC-1")), desk.writer
        )
    assert refused.value.code == "ALREADY_MERGED"


async def test_what_is_told_after_its_document_was_frozen_is_a_gap_until_another_version_is_signed(
    desk: Desk, clock: ManualClock
) -> None:
    signed = await desk.signed(await desk.postmortem("INC-1"))
    clock.advance(timedelta(days=1))
    await desk.vendor.tell(updated("INC-1", "note", minute=70))
    await desk.vendor.register()
    assert (await covers(desk))["Trouble INC-1"] is Cover.SIGNED, "a note changes nothing"
    await desk.vendor.tell(updated("INC-1", "reopened", minute=80))
    await desk.vendor.register()
    clock.advance(timedelta(days=2))
    found, at = await desk.house.switchboard.coverage(desk.owner)
    assert [(each.name, each.cover, each.days(at)) for each in found.gaps] == [
        ("Trouble INC-1", Cover.OUTDATED, 2)
    ]

    async def owed() -> tuple[list[tuple[Owed, str, str]], int, int, list[str], list[str]]:
        """What of postmortems adds to the debt, how many figure and list count, and what is listed, late or not."""
        house = desk.house
        board = await house.switchboard.board(desk.owner, BoardFilter())
        late = await house.switchboard.late_postmortems(desk.owner, BoardFilter())
        listed = [
            await house.postmortem_reader.page(desk.owner, PageRequest(50), wanted)
            for wanted in (PostmortemFilter(unsigned=True), PostmortemFilter(incident_ids=late))
        ]
        count = await house.postmortem_reader.count(desk.owner, PostmortemFilter(unsigned=True))
        keys = [[each.incident.key for each in one.items] for one in listed]
        addends = [
            (each.owed, each.title, each.explanation)
            for each in board.debt.addends
            if each.owed is not Owed.ACTION
        ]
        return addends, board.debt.unsigned, count, *keys

    assert await owed() == ([(Owed.OUTDATED, "Trouble INC-1", "8 × 1 = 8")], 1, 1, ["INC-1"], [])
    clock.advance(timedelta(days=13))
    await desk.vendor.tell(updated("INC-1", "affected", minute=85, tenants=["contoso"]))
    await desk.vendor.register()
    late = "8 × (1 + 1 week late) = 16"
    assert await owed() == ([(Owed.OUTDATED, "Trouble INC-1", late)], 1, 1, ["INC-1"], ["INC-1"])
    before = await desk.house.switchboard.board(desk.owner, BoardFilter())
    assert {each.owed for each in before.debt.addends} == {Owed.OUTDATED, Owed.ACTION}
    clock.advance(timedelta(hours=1))
    reopened = await desk.house.postmortem_signing.reopen(Reopen(signed.id, "It came back."), desk.owner)
    assert (await owed())[1:4] == (1, 1, ["INC-1"]), "until the next version is signed"
    await desk.signed(reopened)
    assert await covers(desk) == {"Trouble INC-1": Cover.SIGNED, "Trouble INC-2": Cover.MERGED}
    assert await owed() == ([], 0, 0, [], [])
    clock.advance(before.at + timedelta(days=7) - clock.now())
    after = await desk.house.switchboard.board(desk.owner, BoardFilter())
    assert after.trend[-2] == (before.at, before.debt.points), "what was owed then stays in the trend"
    assert {each.owed for each in after.debt.addends} == {Owed.ACTION}


async def test_who_resolves_the_merged_one_by_hand_is_told_that_it_goes_on_elsewhere(desk: Desk) -> None:
    await desk.vendor.register()
    with pytest.raises(Conflict) as refused:
        await desk.house.incidents.tell(ResolveIncident(named("INC-2"), "Over"), desk.writer)
    assert refused.value.code == "ALREADY_OVER"


async def test_what_was_planned_in_its_draft_is_taken_back_with_a_line_and_is_planned_in_the_other(
    vendor: Vendor, clock: ManualClock
) -> None:
    desk = await desk_of(vendor, *TOLD[:4])
    house = desk.house
    mine = await desk.postmortem("INC-2")
    planned = await desk.plan(mine)
    board = await house.switchboard.board(desk.owner, BoardFilter())
    assert (board.debt.open, board.debt.unsigned) == (1, 1)
    clock.advance(timedelta(minutes=1))
    await vendor.tell(*TOLD[4:])
    await vendor.register()
    after = await house.prevention_reader.get(desk.owner, planned.id)
    [step_] = after.steps
    assert (after.state, step_.act, step_.by, step_.note) == (
        ActionState.WITHDRAWN,
        StepAct.WITHDRAW,
        "Trust Portal scheduler",
        "Its incident was merged into INC-1: plan it in the postmortem of that.",
    )
    board = await house.switchboard.board(desk.owner, BoardFilter())
    assert (board.debt.open, board.debt.unsigned) == (0, 1)
    listed = await house.postmortem_reader.page(desk.owner, PageRequest(50), PostmortemFilter(unsigned=True))
    assert [each.incident.key for each in listed.items] == ["INC-1"], "as many as the Switchboard counts"
    everything = await house.postmortem_reader.page(desk.owner, PageRequest(50))
    assert {each.incident.key for each in everything.items} == {"INC-1", "INC-2"}

    with pytest.raises(Conflict) as refused:
        await desk.plan(mine)
    assert refused.value.code == "MERGED"
    assert [each.id for each in await house.prevention_reader.of_postmortem(desk.owner, mine.id)] == [
        planned.id
    ]
    raised = ChangeSeverity(named("INC-1"), "It is as bad itself", severity=Severity.P1)
    await house.incidents.tell(raised, desk.writer)
    clock.advance(timedelta(minutes=1))
    await house.incidents.tell(UnmergeIncident(named("INC-2"), "Another cause"), desk.writer)
    again = await desk.plan(mine)
    assert [
        (each.id, each.state) for each in await house.prevention_reader.of_postmortem(desk.owner, mine.id)
    ] == [
        (planned.id, ActionState.WITHDRAWN),
        (again.id, ActionState.OPEN),
    ]
    listed = await house.postmortem_reader.page(desk.owner, PageRequest(50), PostmortemFilter(unsigned=True))
    assert {each.incident.key for each in listed.items} == {"INC-1", "INC-2"}
    board = await house.switchboard.board(desk.owner, BoardFilter())
    assert (board.debt.open, board.debt.unsigned) == (1, 2)


async def test_what_is_merged_into_a_signed_one_keeps_its_plans_for_it_owes_its_own(
    desk: Desk, clock: ManualClock
) -> None:
    signed = await desk.signed(await desk.postmortem("INC-1"))
    clock.advance(timedelta(hours=1))
    await desk.vendor.tell(declared("INC-3", "P1", minute=50))
    third = await desk.postmortem("INC-3")
    planned = await desk.plan(third)
    clock.advance(timedelta(hours=1))
    await desk.vendor.tell(updated("INC-3", "merged", minute=55, into="INC-1"))
    await desk.vendor.register()
    assert (await covers(desk))["Trouble INC-3"] is Cover.UNSIGNED
    listed = await desk.house.postmortem_reader.page(
        desk.owner, PageRequest(50), PostmortemFilter(unsigned=True)
    )
    assert [each.incident.key for each in listed.items] == ["INC-3"]
    assert [each.id for each in await desk.house.prevention_reader.of_postmortem(desk.owner, third.id)] == [
        planned.id
    ]

    clock.advance(timedelta(hours=1))
    reopened = await desk.house.postmortem_signing.reopen(Reopen(signed.id, "One more of it."), desk.owner)
    await desk.signed(reopened)
    assert (await covers(desk))["Trouble INC-3"] is Cover.MERGED
    after = await desk.house.prevention_reader.get(desk.owner, planned.id)
    assert after.state is ActionState.WITHDRAWN, "now the other covers it"
    listed = await desk.house.postmortem_reader.page(
        desk.owner, PageRequest(50), PostmortemFilter(unsigned=True)
    )
    assert listed.items == ()


async def test_a_postmortem_that_is_owed_again_after_its_merger_was_undone_has_two_weeks_from_then_and_its_whole_age(
    vendor: Vendor, clock: ManualClock
) -> None:
    """Both are P1s, so that one person may undo it: nothing gets less."""
    first, second = (
        declared("INC-1", "P1", tenants=["northwind"]),
        declared("INC-2", "P1", tenants=["contoso"]),
    )
    desk = await desk_of(vendor, first, second, updated("INC-2", "merged", minute=40, into="INC-1"))
    await vendor.register()

    async def owed() -> list[tuple[str, bool, str]]:
        board = await desk.house.switchboard.board(desk.owner, BoardFilter())
        return sorted((each.title, each.late, each.explanation) for each in board.debt.addends)

    clock.advance(timedelta(days=20))
    whole = ("Trouble INC-1", True, "8 × (1 + 1 week late) = 16")
    assert await owed() == [whole]
    await desk.house.incidents.tell(UnmergeIncident(named("INC-2"), "Another cause"), desk.writer)
    parted = ("Trouble INC-2", False, "8 × (1 + 1 week since it was first due) = 16")
    assert await owed() == [whole, parted], "two weeks anew, and no younger"
    board = await desk.house.switchboard.board(desk.owner, BoardFilter())
    assert [points for _, points in board.trend][-2:] == [8, 32], "nor was it owed while it was merged"
    clock.advance(timedelta(days=14))
    again = ("Trouble INC-2", True, "8 × (1 + 3 weeks late) = 32")
    assert await owed() == [("Trouble INC-1", True, "8 × (1 + 3 weeks late) = 32"), again]
    await vendor.tell(updated("INC-2", "unmerged", minute=50))
    await vendor.register()
    assert again in await owed(), "what is told once more begins nothing anew"
    assert (await desk.house.incident_following.rebuild()).changed == 0
