"""What only weighs on an incident ends with its merger: so it can be said to be as bad by itself, and who undoes the
merger is told first what that lowers, and takes a P1 or P2 away with the approval of two only.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import Vendor, declared, named, updated
from support.passkeys import Devices
from support.postmortem_desk import Desk, desk_of
from support.two_approve import approvers, asked_and_approved, everything, request_of, result_by_two, settle

from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import ChangeSeverity, UnmergeIncident
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.coverage import Cover

pytestmark = pytest.mark.takes(seconds=20)
LESS = (
    "goes back from P1 to P3, takes no postmortem, and leaves the coverage ledger;"
    " what was signed of it stays on record"
)
UNDO = UnmergeIncident(named("INC-2"), "Another cause, as the traces show")


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    """INC-1 is a P3; INC-2, a P1, was merged into it; and that is taken in."""
    found = await desk_of(
        vendor,
        declared("INC-1", "P3", minute=10),
        declared("INC-2", "P1", minute=20),
        updated("INC-2", "merged", minute=30, into="INC-1"),
    )
    await vendor.register()
    return found


async def covers(desk: Desk) -> dict[str, Cover]:
    found, _ = await desk.house.switchboard.coverage(desk.owner)
    return {each.name: each.cover for each in found.lines}


async def test_of_a_p3_under_a_p1_it_can_be_told_that_it_is_one_itself_and_that_outlives_the_merger(
    desk: Desk, clock: ManualClock
) -> None:
    assert (await desk.vendor.register())["INC-1"].severity is Severity.P1
    raise_ = ChangeSeverity(named("INC-1"), "It is down for all of them", severity=Severity.P1)
    told = await desk.house.incidents.tell(raise_, desk.writer)
    assert (told.severity, told.claimed_severity) == (Severity.P1, None)
    with pytest.raises(Conflict) as again:
        await desk.house.incidents.tell(raise_, desk.writer)
    assert again.value.code == "SAME_SEVERITY"
    clock.advance(timedelta(minutes=1))

    assert (await desk.house.incidents.get(desk.writer, named("INC-2"))).unmerging == ()
    await desk.house.incidents.tell(UNDO, desk.writer)

    register = await desk.vendor.register()
    assert {key: (each.severity, each.worst_severity) for key, each in register.items()} == {
        "INC-1": (Severity.P1, Severity.P1),
        "INC-2": (Severity.P1, Severity.P1),
    }
    assert await covers(desk) == {"Trouble INC-1": Cover.UNSIGNED, "Trouble INC-2": Cover.UNSIGNED}


async def test_who_undoes_a_merger_is_told_first_what_goes_back_and_alone_is_refused(
    desk: Desk, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=1))
    [before] = (await desk.house.incidents.get(desk.writer, named("INC-2"))).unmerging
    assert (
        before.incident.key,
        before.incident.severity,
        before.severity,
        before.leaves,
        before.takes_two,
    ) == (
        "INC-1",
        Severity.P1,
        Severity.P3,
        True,
        True,
    )
    assert (await desk.house.incidents.get(desk.writer, named("INC-1"))).unmerging == ()
    as_it_was = await everything(desk)

    with pytest.raises(Conflict) as refused:
        await desk.house.incidents.tell(UNDO, desk.writer)

    assert refused.value.code == "NEEDS_APPROVAL"
    assert await everything(desk) == as_it_was


async def test_told_by_events_it_is_a_claim_that_changes_nothing(desk: Desk, clock: ManualClock) -> None:
    before = await desk.vendor.register()
    clock.advance(timedelta(minutes=1))
    await desk.vendor.tell(updated("INC-2", "unmerged", minute=40))
    after = await desk.vendor.register()
    assert after["INC-1"] == before["INC-1"]
    assert (after["INC-2"].merged_into, after["INC-2"].severity) == (named("INC-1"), Severity.P1)
    view = await desk.house.incidents.get(desk.writer, named("INC-2"))
    assert [(each.kind, each.claim) for each in view.entries] == [
        ("declared", False), ("merged", False), ("unmerged", True)
    ]  # fmt: skip
    await desk.house.incident_following.rebuild()
    assert await desk.vendor.register() == after


async def test_two_undo_a_merger_that_takes_a_p1_away_and_the_receipt_names_it_and_them(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.signed(await desk.postmortem("INC-1"))
    two = await approvers(desk)
    clock.advance(timedelta(minutes=1))
    request = await asked_and_approved(desk, UNDO, two)
    assert request.kind is ApprovalKind.SEVERITY_DOWNGRADE
    assert [(each.label, each.value) for each in request.intent.act] == [
        ("Incident", "INC-2, told by urn:pager"),
        ("Title", "Trouble INC-2"),
        ("Severity of its own", "P1"),
        ("Merged into", "INC-1, told by urn:pager: Trouble INC-1"),
        (
            "Without it INC-1",
            LESS,
        ),
    ]

    register = await desk.vendor.register()
    assert (register["INC-1"].severity, register["INC-1"].worst_severity) == (Severity.P3, Severity.P3)
    assert register["INC-2"].merged_into is None
    assert await covers(desk) == {"Trouble INC-2": Cover.UNSIGNED}, "it left the ledger"
    view = await desk.house.incidents.get(desk.writer, named("INC-2"))
    last = view.entries[-1]
    assert (last.kind, last.text, last.by, last.claim) == ("unmerged", UNDO.text, "Wera Lind", False)
    result = await result_by_two(desk, ReceiptKind.INCIDENT_UNMERGED, request, two)
    assert result["lowered"] == [
        {
            "incident": str(named("INC-1")),
            "source": "urn:pager",
            "key": "INC-1",
            "before": "P1",
            "severity": "P3",
            "leaves_coverage": True,
        }
    ]
    await desk.house.incident_following.rebuild()
    assert await desk.vendor.register() == register, "from facts and approvals alone it is the same"


async def test_what_is_told_meanwhile_voids_the_approval_of_an_undone_merger(
    desk: Desk, clock: ManualClock
) -> None:
    two = await approvers(desk)
    clock.advance(timedelta(minutes=1))
    request_id = await desk.house.retractions.ask(UNDO, desk.writer)
    request = await request_of(desk, request_id)
    for each in two:
        await Devices(desk.house).approve(request, each)
    clock.advance(timedelta(minutes=1))
    await desk.vendor.tell(updated("INC-1", "severity", minute=50, severity="P2"))
    before = await desk.vendor.register()
    await settle(desk, request_id)
    assert await desk.vendor.register() == before
    assert await desk.house.retractions.waiting(desk.writer, named("INC-2")) is None
    page = await desk.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(50))
    kinds = {each.kind for each in page.items}
    assert (ReceiptKind.APPROVAL_VOIDED in kinds, ReceiptKind.INCIDENT_UNMERGED in kinds) == (True, False)


async def test_where_nothing_gets_less_nobody_is_asked_and_asking_is_refused(
    desk: Desk, clock: ManualClock
) -> None:
    await approvers(desk)
    raise_ = ChangeSeverity(named("INC-1"), "It is down for all of them", severity=Severity.P1)
    await desk.house.incidents.tell(raise_, desk.writer)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Conflict) as refused:
        await desk.house.retractions.ask(UNDO, desk.writer)
    assert refused.value.code == "NOT_LESS"
    assert await desk.house.lowering.tell_or_ask(UNDO, desk.writer) is None
    with pytest.raises(Conflict) as undone:
        await desk.house.retractions.ask(UNDO, desk.writer)
    assert undone.value.code == "NOT_MERGED"


async def test_nobody_is_asked_where_nobody_could_approve_and_nothing_is_told(
    desk: Desk, clock: ManualClock
) -> None:
    as_it_was = await everything(desk)
    clock.advance(timedelta(minutes=1))
    lower = ChangeSeverity(named("INC-1"), "It was small", severity=Severity.P4)
    for asking in (
        desk.house.lowering.tell_or_ask(UNDO, desk.writer),
        desk.house.lowering.tell_or_ask(lower, desk.writer),
    ):
        with pytest.raises(Conflict) as refused:
            await asking
        assert refused.value.code == "UNFULFILLABLE"
        assert await everything(desk) == as_it_was


async def test_of_a_p3_under_a_p1_that_it_is_a_p2_itself_is_told_at_once_and_less_than_that_is_asked_for(
    desk: Desk, clock: ManualClock
) -> None:
    """Worse than it is by itself takes nobody, whatever weighs on it; what is in force stays."""
    await approvers(desk)
    p2 = ChangeSeverity(named("INC-1"), "Half of them are down", severity=Severity.P2)
    clock.advance(timedelta(minutes=1))
    assert await desk.house.lowering.tell_or_ask(p2, desk.writer) is None
    told = (await desk.vendor.register())["INC-1"]
    assert (told.severity, told.claimed_severity) == (Severity.P1, Severity.P2)
    assert await desk.house.downgrades.waiting(desk.writer, named("INC-1")) is None
    [lost] = (await desk.house.incidents.get(desk.writer, named("INC-2"))).unmerging
    assert (lost.severity, lost.leaves, lost.takes_two) == (Severity.P2, False, True)
    as_it_was = await everything(desk)
    with pytest.raises(Conflict) as refused:
        await desk.house.incidents.tell(p2, desk.writer)
    assert refused.value.code == "NEEDS_APPROVAL", "a P2 it is already: now it would be less than the P1"
    assert await everything(desk) == as_it_was
    clock.advance(timedelta(minutes=1))
    assert await desk.house.lowering.tell_or_ask(p2, desk.writer) is not None
    assert (await desk.vendor.register())["INC-1"].severity is Severity.P1
