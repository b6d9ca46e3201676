"""What only weighs on an incident ends with its merger: so it can be said to be as bad by itself, and who undoes the
merger is told first what that lowers.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import Vendor, declared, named, updated
from support.postmortem_desk import Desk, desk_of

from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import ChangeSeverity, UnmergeIncident
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=20)
UNDO = UnmergeIncident(named("INC-2"), "Another cause, as the traces show")


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    """INC-1 is a P3; INC-2, a P1, was merged into it."""
    return await desk_of(
        vendor,
        declared("INC-1", "P3", minute=10),
        declared("INC-2", "P1", minute=20),
        updated("INC-2", "merged", minute=30, into="INC-1"),
    )


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


async def test_who_undoes_a_merger_is_told_first_what_goes_back_and_the_receipt_names_it(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.signed(await desk.postmortem("INC-1"))
    clock.advance(timedelta(minutes=1))
    [before] = (await desk.house.incidents.get(desk.writer, named("INC-2"))).unmerging
    assert (before.incident.key, before.incident.severity, before.severity, before.leaves) == (
        "INC-1",
        Severity.P1,
        Severity.P3,
        True,
    )
    assert (await desk.house.incidents.get(desk.writer, named("INC-1"))).unmerging == ()

    await desk.house.incidents.tell(UNDO, desk.writer)

    assert (await desk.vendor.register())["INC-1"].severity is Severity.P3
    assert await covers(desk) == {"Trouble INC-2": Cover.UNSIGNED}, "it left the ledger"
    page = await desk.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(50))
    newest = next(each for each in page.items if each.kind is ReceiptKind.INCIDENT_UNMERGED)
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, newest.id)
    assert Statement.parse(Envelope.parse(receipt.envelope).payload).predicate["result"]["lowered"] == [
        {
            "incident": str(named("INC-1")),
            "source": "urn:pager",
            "key": "INC-1",
            "before": "P1",
            "severity": "P3",
            "leaves_coverage": True,
        }
    ]
