"""A document counts as saying what came in before it was frozen; so nothing of that is left out of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import Vendor, declared, named, updated
from support.postmortem_desk import WRITTEN, Desk, desk_of

from trust_portal.errors import Conflict
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import PostmortemState, Return, SaveDraft, Submit
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=20)
#: Two P1s, and one more that has nothing to do with them.
TOLD = (declared("INC-1"), declared("INC-2", minute=10), declared("INC-3", minute=20))


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    return await desk_of(vendor, *TOLD)


async def covers(desk: Desk) -> dict[str, Cover]:
    found, _ = await desk.house.switchboard.coverage(desk.owner)
    return {each.name: each.cover for each in found.lines}


async def rows(desk: Desk, table: str) -> int:
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        return int(await driver.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", VENDOR_ID))


@pytest.mark.parametrize(
    "told",
    [
        updated("INC-2", "merged", minute=30, into="INC-1"),
        updated("INC-1", "affected", minute=30, tenants=["contoso"]),
    ],
    ids=["a merger into it", "whom it touches"],
)
async def test_it_is_not_frozen_while_what_was_told_of_it_waits_to_be_taken_in(
    desk: Desk, clock: ManualClock, told: dict
) -> None:
    postmortem = await desk.postmortem()
    await desk.plan(postmortem)
    draft = await desk.house.postmortem_writing.save(SaveDraft(postmortem.id, 0, WRITTEN), desk.writer)
    await desk.vendor.tell(told)
    clock.advance(timedelta(seconds=5))
    before = [await rows(desk, table) for table in ("receipts", "postmortem_steps", "postmortem_submissions")]

    with pytest.raises(Conflict) as refused:
        await desk.house.postmortem_writing.submit(Submit(postmortem.id, draft.revision), desk.writer)

    assert (refused.value.code, refused.value.field) == ("FACTS_WAITING", "postmortem_id")
    assert [
        await rows(desk, table) for table in ("receipts", "postmortem_steps", "postmortem_submissions")
    ] == before
    await desk.vendor.register()
    submitted = await desk.house.postmortem_writing.submit(Submit(postmortem.id, draft.revision), desk.writer)
    document = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document
    assert submitted.state is PostmortemState.IN_REVIEW
    assert told["id"] in {each["source"].rpartition(" ")[2] for each in document["evidence"]}


async def test_what_waits_of_another_incident_holds_nobody_up(desk: Desk, clock: ManualClock) -> None:
    postmortem = await desk.postmortem()
    await desk.vendor.tell(updated("INC-3", "affected", minute=30, tenants=["contoso"]))
    clock.advance(timedelta(seconds=5))
    assert (await desk.in_review(postmortem)).state is PostmortemState.IN_REVIEW


async def test_a_merger_that_was_just_being_stored_when_it_was_frozen_is_not_signed_over(
    desk: Desk, clock: ManualClock
) -> None:
    accepted = await desk.accepted(await desk.postmortem())
    clock.advance(timedelta(seconds=-5))
    await desk.vendor.tell(updated("INC-2", "merged", minute=30, into="INC-1"))
    clock.advance(timedelta(minutes=5))

    with pytest.raises(Conflict) as waiting:
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    await desk.vendor.register()
    with pytest.raises(Conflict) as late:
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)

    assert [(each.value.code, each.value.field) for each in (waiting, late)] == [
        ("FACTS_WAITING", "postmortem_id"),
        ("FACTS_LATE", "digest"),
    ]
    assert await rows(desk, "postmortem_versions") == 0
    assert (await covers(desk))["Trouble INC-2"] is Cover.UNSIGNED
    await desk.house.postmortem_writing.return_(Return(accepted.id, "Not all of it."), desk.writer)
    signed = await desk.signed(accepted)
    version = await desk.house.postmortem_reader.version(desk.owner, signed.id, 1)
    assert [each["id"] for each in version.document["incident"]["merged"]] == [str(named("INC-2"))]
    assert (await covers(desk))["Trouble INC-2"] is Cover.MERGED


async def test_what_is_told_after_it_was_frozen_keeps_nobody_from_signing_and_is_a_gap(
    desk: Desk, clock: ManualClock
) -> None:
    accepted = await desk.accepted(await desk.postmortem())
    clock.advance(timedelta(seconds=5))
    await desk.vendor.tell(updated("INC-2", "merged", minute=30, into="INC-1"))
    await desk.vendor.register()
    await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert await covers(desk) == {
        "Trouble INC-1": Cover.SIGNED,
        "Trouble INC-2": Cover.UNSIGNED,
        "Trouble INC-3": Cover.UNSIGNED,
    }
