"""What owes no postmortem of its own: the Switchboard's figure, its list and planning go by one rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import Vendor, declared, named, updated
from support.postmortem_desk import Desk, desk_of

from trust_portal.errors import Conflict
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.filters import PostmortemFilter
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.model import BoardFilter

pytestmark = pytest.mark.takes(seconds=20)


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    """INC-1 goes on in INC-2, which goes on in INC-3."""
    return await desk_of(
        vendor,
        declared("INC-1", minute=10),
        declared("INC-2", minute=20, tenants=["northwind"]),
        declared("INC-3", minute=30),
        updated("INC-1", "merged", minute=40, into="INC-2"),
        updated("INC-2", "merged", minute=50, into="INC-3"),
    )


async def owing(desk: Desk) -> tuple[int, set[str], set[str]]:
    """The figure, the list, and of which incidents actions may be planned; nobody has signed any of those."""
    house = desk.house
    await desk.vendor.register()
    board = await house.switchboard.board(desk.owner, BoardFilter())
    listed = await house.postmortem_reader.page(desk.owner, PageRequest(50), PostmortemFilter(unsigned=True))
    planned, codes = set(), set()
    for key in ("INC-1", "INC-2"):
        postmortem = await desk.postmortem(key)
        elsewhere = await house.prevention_reader.told_of_elsewhere(desk.owner, named(key))
        try:
            await desk.plan(postmortem, f"Cap the exports of {key}")
        except Conflict as refused:
            codes.add(refused.code)
        else:
            planned.add(key)
        assert elsewhere == (key not in planned), "what the pages say is what planning answers"
    assert codes <= {"MERGED"}
    return board.debt.unsigned, {each.incident.key for each in listed.items}, planned


async def covers(desk: Desk) -> dict[str, Cover]:
    found, _ = await desk.house.switchboard.coverage(desk.owner)
    return {each.name: each.cover for each in found.lines}


async def test_of_a_chain_figure_list_and_planning_agree_whatever_is_told_of_its_middle(
    desk: Desk, clock: ManualClock
) -> None:
    assert await owing(desk) == (1, {"INC-3"}, set())
    await desk.signed(await desk.postmortem("INC-3"))
    assert await owing(desk) == (0, set(), set())
    clock.advance(timedelta(hours=1))
    await desk.vendor.tell(updated("INC-2", "affected", minute=60, tenants=["contoso", "northwind"]))
    register = await desk.vendor.register()
    assert (register["INC-1"].ends_in, register["INC-2"].ends_in) == (named("INC-3"), named("INC-3"))
    assert await owing(desk) == (1, {"INC-2"}, {"INC-2"})
    assert await covers(desk) == {
        "Trouble INC-1": Cover.MERGED,
        "Trouble INC-2": Cover.UNSIGNED,
        "Trouble INC-3": Cover.SIGNED,
    }


async def test_of_a_chain_that_was_lengthened_after_the_signature_everything_before_the_new_step_owes_its_own(
    vendor: Vendor, clock: ManualClock
) -> None:
    desk = await desk_of(
        vendor,
        declared("INC-1", minute=10),
        declared("INC-2", minute=20),
        declared("INC-3", minute=30),
        updated("INC-1", "merged", minute=40, into="INC-2"),
    )
    await desk.signed(await desk.postmortem("INC-3"))
    clock.advance(timedelta(hours=1))
    await desk.vendor.tell(updated("INC-2", "merged", minute=50, into="INC-3"))
    await desk.vendor.register()
    assert await owing(desk) == (2, {"INC-1", "INC-2"}, {"INC-1", "INC-2"})
