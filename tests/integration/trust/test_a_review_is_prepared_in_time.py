"""The clockwork prepares a review before its day, keeps it fresh until somebody takes it up, and tells its CSM."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from qbr_desk import by_the_clock, everything
from report_desk import CORA, Q2, publish
from sqlalchemy import text
from support.portal_fixtures import Portal
from support.portal_world import sign_in

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.qbr.model import Audience, EntryKind, Say
from trust_portal.trust.qbr.repository import qbrs_of

DAY = timedelta(days=1)


async def test_a_draft_that_nobody_took_up_is_gathered_anew_every_day_and_fresh_on_the_day_of_the_review(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    clara = await _csm(house, "clara")
    await house.accounts.set(SetAccount(aurora.id, clara.id, date(2026, 7, 13), timedelta(days=3)), CORA)
    numbers = []
    for _ in range(4):
        await by_the_clock(house)
        assert await by_the_clock(house) == 0, "once a day"
        (draft,) = await house.qbr_reader.drafts(CORA, aurora.id)
        numbers.append((draft.number, draft.as_of))
        assert await _readiness(house, "aurora") is Readiness.BLOCKED, "never older than its facts may be"
        portal.clock.advance(DAY)
    began = numbers[0][1]
    assert numbers == [(each + 1, began + each * DAY) for each in range(4)]
    assert await by_the_clock(house) == 0, "the day of the review is over"
    (told,) = await _told(house, aurora.id)
    assert told.title == "Business review of Aurora, Q2 2026: prepared"
    assert told.text == (
        "Its data are gathered and locked; 6 of its sections are stale or missing. Until somebody comments, leaves out or "
        "reviews anything in it, it is gathered anew every day."
    )
    (newest,) = await house.qbr_reader.drafts(CORA, aurora.id)
    assert told.facts == {"period": Q2, "state": "blocked", "blocking": "6", "review_on": "2026-07-13"}
    assert told.path == "/t/aurora/qbr/drafts/2026-Q2", "of the period: the first is an old one by now"
    # A day and a minute old: its parts have grown old, and it is offered to be gathered anew.
    portal.clock.advance(timedelta(minutes=1))
    _, cookie = await sign_in(house, clara)
    csm = portal.browser(cookie=cookie)
    led = await csm.get(told.path)
    assert (led.status_code, led.headers["location"]) == (303, f"/t/aurora/qbr/{newest.id}/draft")
    assert (await csm.get("/t/aurora/qbr/drafts/2026-Q1")).status_code == 404
    async with house.storage.read(TenantScope(aurora.id)) as session:
        *_, first = await qbrs_of(session, aurora.id, Q2)
    old, latest = [(await csm.get(f"/t/aurora/qbr/{each.id}/draft")).text for each in (first, newest)]
    assert "An older snapshot" in old
    assert '<a href="/t/aurora/qbr/drafts/2026-Q2">Open the latest draft</a>' in old
    assert [each in old for each in ("Gather anew</button>", "Issue it</h2>")] == [False, False]
    assert "An older snapshot" not in latest
    assert "Issue it</h2>" in latest
    # Gathered by hand it is no longer gathered daily, and the page says so beforehand.
    assert "Gathered by hand it is yours: from then on it is not" in latest


async def test_a_draft_that_somebody_took_up_is_left_to_them_and_they_are_told_once_that_it_grew_old(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 20), timedelta(days=14)), CORA)
    await by_the_clock(house)
    (draft,) = await house.qbr_reader.drafts(CORA, aurora.id)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.COMMENT, "sla", "We know.", Audience.INTERNAL), CORA)
    portal.clock.advance(DAY)
    assert await by_the_clock(house) == 0
    assert len(await _told(house, aurora.id)) == 1, "it is as old as it may be, and not older"
    portal.clock.advance(timedelta(minutes=1))
    before = await everything(house, aurora.id)
    assert await by_the_clock(house) == 0
    assert await _readiness(house, "aurora") is Readiness.AGED
    _, old = await _told(house, aurora.id)
    assert old.title == "Business review of Aurora, Q2 2026: it has grown old"
    assert old.facts == {"period": Q2, "state": "stale", "blocking": "6", "review_on": "2026-07-20"}
    assert old.path == "/t/aurora/qbr/drafts/2026-Q2"
    house.accounts._told.clear()
    portal.clock.advance(DAY)
    await by_the_clock(house)
    assert len(await _told(house, aurora.id)) == 2, "another worker does not tell it again"
    assert [each.id for each in await house.qbr_reader.drafts(CORA, aurora.id)] == [draft.id]
    after = await everything(house, aurora.id)
    assert [len(each) for each in after[-4:]] == [len(each) for each in before[-4:]], "nothing else happened"


async def test_of_a_draft_that_nobody_took_up_nobody_is_told_that_it_was_superseded(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 13), timedelta(days=3)), CORA)
    await by_the_clock(house)
    await publish(house, aurora.id)
    before = await _told(house, aurora.id)
    assert await _readiness(house, "aurora") is Readiness.SUPERSEDED
    assert await by_the_clock(house) == 0, "it is gathered anew tomorrow, by itself"
    assert await _told(house, aurora.id) == before
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.COMMENT, "sla", "Looked at.", Audience.CUSTOMER), CORA)
    await by_the_clock(house)
    assert [each.title for each in await _told(house, aurora.id) if each not in before] == [
        "Business review of Aurora, Q2 2026: it has grown old"
    ], "somebody works on it now"


async def test_where_more_stands_in_the_way_than_the_day_before_it_is_told_again(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    await house.posture.check(aurora.id, CONSOLE)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 20), timedelta(days=14)), CORA)
    await by_the_clock(house)
    portal.clock.advance(4 * DAY)
    assert await by_the_clock(house) == 1
    first, second = await _told(house, aurora.id)
    assert (first.facts["blocking"], second.facts["blocking"]) == ("5", "6"), "posture has grown old"
    assert second.title == "Business review of Aurora, Q2 2026: something is in its way"
    assert second.text == "It was gathered anew, and by now 6 of its sections are stale or missing."


async def _csm(house: House, name: str) -> Person:
    person = await house.people.add(AddPerson(VENDOR_ID, f"{name}@vendor.example", name.title()), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.CSM, None), CONSOLE)
    return await house.people.get(CONSOLE, VENDOR_ID, person.id)


async def _readiness(house: House, key: str) -> Readiness:
    return next(each.readiness for each in await house.accounts.list(CORA) if each.tenant.key == key)


async def _told(house: House, tenant_id) -> list[Any]:
    async with house.storage.read(TenantScope(tenant_id)) as session:
        found = await session.execute(
            text(
                "SELECT title, text, facts, path FROM notifications WHERE tenant_id = :t AND topic = 'qbr.draft' ORDER BY id"
            ),
            {"t": tenant_id},
        )
        return list(found)
