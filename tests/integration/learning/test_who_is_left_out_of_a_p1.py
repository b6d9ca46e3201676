"""To a customer who is left out of a P1 it would be none at all: it takes two, like a lower severity."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import BEGAN, Vendor, declared, named, updated
from support.passkeys import Devices
from support.postmortem_desk import Desk, desk_of
from support.two_approve import approvers, everything, request_of, settle

from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import SetAffected
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=20)
ONLY = SetAffected(named("INC-1"), "The traces show nobody else", tenants=("contoso",))


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    """INC-1 is a P1 that touches Contoso and Northwind, and that is taken in."""
    found = await desk_of(vendor, declared("INC-1", "P1", minute=10, tenants=["contoso", "northwind"]))
    await vendor.register()
    return found


async def touched(desk: Desk) -> list[str]:
    view = await desk.house.incidents.get(desk.writer, named("INC-1"))
    return [each.key for each in view.customers]


async def test_alone_nobody_leaves_a_customer_out_of_a_p1_and_more_count_at_once(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.vendor.customer("initech")
    clock.advance(timedelta(minutes=1))
    as_it_was = await everything(desk)
    with pytest.raises(Conflict) as refused:
        await desk.house.incidents.tell(ONLY, desk.writer)
    assert refused.value.code == "NEEDS_APPROVAL"
    early = SetAffected(ONLY.incident_id, ONLY.text, BEGAN + timedelta(minutes=15), tenants=("contoso",))
    with pytest.raises(Conflict):
        await desk.house.incidents.tell(early, desk.writer)
    assert await everything(desk) == as_it_was

    await desk.vendor.tell(updated("INC-1", "affected", minute=40, tenants=["contoso"]))
    after = await desk.vendor.register()
    assert (after["INC-1"].tenants, after["INC-1"].changed_at) == (
        as_it_was[0]["INC-1"].tenants,
        as_it_was[0]["INC-1"].changed_at,
    )
    view = await desk.house.incidents.get(desk.writer, named("INC-1"))
    assert [(each.kind, each.claim) for each in view.entries] == [("declared", False), ("affected", True)]

    more = SetAffected(named("INC-1"), "Initech, too", tenants=("contoso", "initech", "northwind"))
    assert await desk.house.lowering.tell_or_ask(more, desk.writer) is None
    assert await touched(desk) == ["contoso", "initech", "northwind"]


async def test_two_leave_a_customer_out_and_the_receipt_names_them(desk: Desk, clock: ManualClock) -> None:
    two = await approvers(desk)
    as_it_was = await everything(desk)
    clock.advance(timedelta(minutes=1))
    request_id = await desk.house.lowering.tell_or_ask(ONLY, desk.writer)
    assert request_id is not None
    assert await everything(desk) == as_it_was, "that it was asked changes nothing of it"
    assert await desk.house.retractions.waiting(desk.writer, named("INC-1")) == request_id
    with pytest.raises(Conflict) as again:
        await desk.house.retractions.ask(ONLY, desk.writer)
    assert again.value.code == "ALREADY_ASKED"
    request = await request_of(desk, request_id)
    assert [(each.label, each.value) for each in request.intent.act] == [
        ("Incident", "INC-1, told by urn:pager"),
        ("Title", "Trouble INC-1"),
        ("Worst severity", "P1"),
        ("It touched", "2 customers"),
        ("It touches", "Contoso"),
        ("Their promises", "any"),
        ("Left out", "Northwind"),
    ]
    devices = Devices(desk.house)
    await devices.approve(request, two[0])
    await settle(desk, request_id)
    assert await everything(desk) == as_it_was, "one of two"
    await devices.approve(request, two[1])
    await settle(desk, request_id)
    await settle(desk, request_id)

    assert await touched(desk) == ["contoso"]
    register = await desk.vendor.register()
    view = await desk.house.incidents.get(desk.writer, named("INC-1"))
    last = view.entries[-1]
    assert (last.kind, last.text, last.by, last.claim) == ("affected", ONLY.text, "Wera Lind", False)
    assert await desk.house.retractions.waiting(desk.writer, named("INC-1")) is None
    page = await desk.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(50))
    [newest] = [each for each in page.items if each.kind is ReceiptKind.INCIDENT_AFFECTED_SET]
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, newest.id)
    result = Statement.parse(Envelope.parse(receipt.envelope).payload).predicate["result"]
    assert result["approval"] == str(request_id)
    assert {each["person"] for each in result["approvals"]} == {str(each.id) for each in two}
    await desk.house.incident_following.rebuild()
    assert await desk.vendor.register() == register, "from facts and approvals alone it is the same"


async def test_what_is_told_meanwhile_of_whom_it_touches_voids_the_approval(
    desk: Desk, clock: ManualClock
) -> None:
    two = await approvers(desk)
    await desk.vendor.customer("initech")
    clock.advance(timedelta(minutes=1))
    request_id = await desk.house.retractions.ask(ONLY, desk.writer)
    request = await request_of(desk, request_id)
    for each in two:
        await Devices(desk.house).approve(request, each)
    clock.advance(timedelta(minutes=1))
    named_too = ["contoso", "northwind", "initech"]
    await desk.vendor.tell(updated("INC-1", "affected", minute=50, tenants=named_too))
    await settle(desk, request_id)
    await desk.vendor.register()
    assert await touched(desk) == ["contoso", "initech", "northwind"]
    assert await desk.house.retractions.waiting(desk.writer, named("INC-1")) is None


async def test_where_nobody_is_left_out_nobody_is_asked(desk: Desk, clock: ManualClock) -> None:
    await approvers(desk)
    clock.advance(timedelta(minutes=1))
    as_it_was = await everything(desk)
    everybody = SetAffected(named("INC-1"), "It may be all of them")
    with pytest.raises(Conflict) as refused:
        await desk.house.retractions.ask(everybody, desk.writer)
    assert refused.value.code == "NOT_LESS"
    stranger = SetAffected(named("INC-1"), "Who", tenants=("nobody",))
    with pytest.raises(InvalidInput) as unknown:
        await desk.house.lowering.tell_or_ask(stranger, desk.writer)
    assert unknown.value.field == "tenants"
    assert await everything(desk) == as_it_was
