"""A draft that waited does not say of usage what the portal itself has given up since: it is gathered anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from qbr_desk import USED_UNTIL, issue, newer, prepare, superseded, use
from report_desk import CORA, Q2, publish
from support.cost_vendor import usage
from support.portal_fixtures import Portal
from support.portal_world import deliver

from trust_portal.house import House
from trust_portal.trust.accounts.model import SetAccount
from trust_portal.trust.qbr.model import EntryKind, Qbr, Say
from trust_portal.trust.qbr.used_since import OTHER, WAITS

pytestmark = pytest.mark.takes(seconds=25)

HOUR = timedelta(hours=1)
JULY = datetime(2026, 7, 3, 9, tzinfo=UTC)


async def told(house: House, draft: Qbr) -> str | None:
    """What usage of the period cost, as the draft tells it."""
    sections = (await house.qbr_reader.draft(CORA, draft.tenant_id, draft.id)).sections
    figures = next(each for each in sections if each.id == "usage").figures
    return next((each.cell.value for each in figures if each.id == "total-eur"), None)


async def follow(house: House) -> None:
    await house.metering.follow()
    await house.closing.close_due()


async def waiting(portal: Portal) -> Qbr:
    """A draft that is three days old and tells of usage; nothing moved but time."""
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 9, 20)), CORA)
    await use(house, aurora.key)
    portal.clock.advance(2 * HOUR)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(days=3))
    await follow(house)
    return draft


async def test_of_usage_that_was_corrected_since_a_draft_is_gathered_anew(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    draft = await waiting(portal)
    assert await newer(portal, draft) == ()
    await deliver(house, [usage(aurora.key, "july", JULY, "40.00")])
    await follow(house)
    assert await newer(portal, draft) == (), "what was used after the period is no part of it"

    before = await told(house, draft)
    assert before is not None
    await deliver(house, [usage(aurora.key, "late", USED_UNTIL - 3 * HOUR, "100.25")])
    assert await newer(portal, draft) == (), "it is about to be rolled up"
    await house.metering.follow()
    assert await newer(portal, draft) == (OTHER,)
    await superseded(house, draft, OTHER)
    await house.closing.close_due()
    assert await newer(portal, draft) == (OTHER,)

    for section in ("usage", "recommendations"):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, section, "Told by mail."), CORA)
    assert await newer(portal, draft) == (), "of what is left out nothing can have changed"
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "recommendations", ""), CORA)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "usage", ""), CORA)
    assert await newer(portal, draft) == (OTHER,)

    again = await prepare(house, aurora.id)
    assert await newer(portal, again) == ()
    after = await told(house, again)
    assert after is not None
    assert round(float(after) - float(before), 2) == 100.25
    assert (await issue(house, again)).issue is not None


async def test_usage_of_the_period_that_waits_for_more_than_an_hour_keeps_a_draft_back(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    draft = await waiting(portal)
    await deliver(house, [usage(aurora.key, "late", USED_UNTIL - 3 * HOUR, "100.25")])
    portal.clock.advance(HOUR)
    assert await newer(portal, draft) == ()
    portal.clock.advance(timedelta(seconds=1))
    assert await newer(portal, draft) == (WAITS,)
    await superseded(house, draft, WAITS)
    sections = (await house.trust_reports.preview(CORA, aurora.id, Q2)).sections
    why = next(each for each in sections if each.id == "cost").why or ""
    assert "received, and not rolled up yet" in why, "so does the Trust Report of that moment"


async def test_a_draft_that_knew_of_no_usage_is_gathered_anew_once_there_is_some_of_its_period(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 9, 20)), CORA)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(days=1))
    await deliver(house, [usage(aurora.key, "july", JULY, "40.00")])
    await follow(house)
    assert await newer(portal, draft) == (), "it is metered only since the period was over"
    portal.clock.advance(timedelta(days=1))
    await deliver(house, [usage(aurora.key, "late", USED_UNTIL, "3.00")])
    await follow(house)
    assert await newer(portal, draft) == (OTHER,)
    await superseded(house, draft, OTHER)
