"""A draft that waited does not say that its customer's key, or where its data stays, is as it was: it is gathered anew."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from qbr_desk import everything, issue, prepare
from report_desk import CORA, Q2, publish
from support.portal_fixtures import Portal

from trust_portal.access.rights import actor_with
from trust_portal.access.tenants.model import SetResidency
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.gathering.ids import POSTURE
from trust_portal.trust.qbr.model import EntryKind, Qbr, Say

pytestmark = pytest.mark.takes(seconds=20)

CHANGED = "what is agreed about where the data stays was changed since the look"


async def _newer(portal: Portal, draft: Qbr) -> tuple[str, ...]:
    """As the draft's own page has it, and, of the newest, the list of accounts by both of its doors."""
    house = portal.house
    found = await house.qbr_reader.draft(CORA, draft.tenant_id, draft.id)
    if found.latest.id == draft.id:
        await house.accounts.set(SetAccount(draft.tenant_id, None, date(2026, 9, 20)), CORA)
        listed = {each.tenant.id: each for each in await house.accounts.list(CORA)}[draft.tenant_id]
        alone = await house.accounts.look(CORA, draft.tenant_id)
        assert listed.readiness is alone.readiness
        assert (listed.readiness is Readiness.SUPERSEDED) is bool(found.newer)
    return found.newer


async def test_what_was_agreed_since_the_look_keeps_a_draft_from_being_issued_until_it_is_gathered_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await house.posture.check(aurora.id, SYSTEM)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=30))
    assert await _newer(portal, draft) == ()
    agreed = SetResidency(aurora.id, "Germany", "Contract of 1 July")
    await house.tenants.set_residency(agreed, actor_with(Role.VENDOR_ADMIN))
    assert await _newer(portal, draft) == (CHANGED,)
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict, match=CHANGED) as refused:
        await issue(house, draft)
    assert refused.value.code == "INPUT_SUPERSEDED"
    assert await everything(house, aurora.id) == before, "nothing is issued"

    unlooked = await prepare(house, aurora.id)
    assert await _newer(portal, unlooked) == (), "it says so itself, and somebody may let that stand"
    posture = next(
        each
        for each in (await house.qbr_reader.draft(CORA, aurora.id, unlooked.id)).told
        if each.id == POSTURE
    )
    assert CHANGED in (posture.why or "")
    portal.clock.advance(timedelta(minutes=1))
    await house.posture.check(aurora.id, SYSTEM)
    assert await _newer(portal, draft) == (CHANGED,), "another look changes nothing of what this one tells"
    assert (await issue(house, unlooked)).issue is not None


async def test_of_a_posture_that_is_left_out_nothing_can_have_changed(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    await house.posture.check(aurora.id, SYSTEM)
    draft = await prepare(house, aurora.id)
    for section in (POSTURE, "changes"):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, section, "It is told by mail."), CORA)
    agreed = SetResidency(aurora.id, "Germany", "Contract of 1 July")
    await house.tenants.set_residency(agreed, actor_with(Role.VENDOR_ADMIN))
    assert await _newer(portal, draft) == ()
