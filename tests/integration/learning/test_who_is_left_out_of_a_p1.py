"""To a customer who is left out of a P1 it would be none at all: it takes two, like a lower severity."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import BEGAN, Vendor, declared, named, updated
from support.passkeys import Devices
from support.postmortem_desk import Desk, desk_of
from support.two_approve import approvers, asked_and_approved, everything, request_of, result_by_two, settle

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.clock import ManualClock
from trust_portal.learning.incidents.acts_model import SetAffected

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
    clock.advance(timedelta(minutes=1))
    request = await asked_and_approved(desk, ONLY, two)
    assert [(each.label, each.value) for each in request.intent.act] == [
        ("Incident", "INC-1, told by urn:pager"),
        ("Title", "Trouble INC-1"),
        ("Worst severity", "P1"),
        ("It touched", "2 customers"),
        ("It touches", "Contoso"),
        ("Their promises", "any"),
        ("Left out", "Northwind"),
    ]

    assert await touched(desk) == ["contoso"]
    register = await desk.vendor.register()
    view = await desk.house.incidents.get(desk.writer, named("INC-1"))
    last = view.entries[-1]
    assert (last.kind, last.text, last.by, last.claim) == ("affected", ONLY.text, "Wera Lind", False)
    await result_by_two(desk, ReceiptKind.INCIDENT_AFFECTED_SET, request, two)
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
