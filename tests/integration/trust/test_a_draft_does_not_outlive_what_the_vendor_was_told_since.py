"""A draft that waited does not say of assessments and of major incidents what is no longer so: it is gathered anew."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from qbr_desk import issue, newer, prepare, superseded
from report_desk import CORA, Q2, publish
from support.foreign_assessment import foreign_assessment
from support.learning_world import Vendor, by, declared, updated
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.accounts.model import SetAccount
from trust_portal.trust.compliance.imports.service import ImportAssessment, WithdrawAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate
from trust_portal.trust.gathering.ids import COMPLIANCE
from trust_portal.trust.qbr.model import EntryKind, Say
from trust_portal.trust.sections.model import Section, State

pytestmark = pytest.mark.takes(seconds=25)

ASSESSED = "assessments were handed over or withdrawn since it was evaluated"
SECURITY = actor_with(Role.APPROVER_SECURITY)


async def _compliance(house: House, tenant_id) -> Section:
    found = await house.trust_reports.preview(CONSOLE, tenant_id, Q2)
    return next(each for each in found.sections if each.id == COMPLIANCE)


async def _page(portal: Portal, evaluation_id: object = "") -> str:
    """What a customer reads at its own compliance, of the latest evaluation or an earlier one."""
    async with portal.browser("customer_viewer") as browser:
        answer = await browser.get(f"/t/aurora/compliance/{evaluation_id}".rstrip("/"))
    assert answer.status_code == 200
    return answer.text


async def _evaluate(portal: Portal) -> None:
    for each in (VENDOR_ID, portal.world.aurora.id):
        await portal.house.compliance.evaluate(Evaluate(each, "daily"), CONSOLE)


async def test_an_assessment_that_is_withdrawn_counts_in_no_report_and_no_review_before_it_is_evaluated_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 9, 20)), CORA)
    command = ImportAssessment(
        "Harbour Assurance", foreign_assessment(), timedelta(days=400), "Yearly", AssessmentReaders.CUSTOMERS
    )
    taken = await house.assessment_imports.take(command, SECURITY)
    portal.clock.advance(timedelta(minutes=1))
    await _evaluate(portal)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    assert ASSESSED not in ((await _compliance(house, aurora.id)).why or "")
    portal.clock.advance(timedelta(minutes=30))
    assert await newer(portal, draft) == ()

    await house.assessment_imports.withdraw(WithdrawAssessment(taken.id, "it was wrong"), SECURITY)
    section = await _compliance(house, aurora.id)
    assert section.state is State.STALE
    assert ASSESSED in (section.why or "")
    evaluation = await house.compliance.newest(CORA, aurora.id)
    assert evaluation is not None
    assert ASSESSED in await _page(portal)
    assert ASSESSED not in await _page(portal, evaluation.id), (
        "opened as an earlier one it is what was known then"
    )
    assert await newer(portal, draft) == (ASSESSED,)
    await superseded(house, draft, ASSESSED)

    unseen = await prepare(house, aurora.id)
    assert await newer(portal, unseen) == (), "it says so itself, and somebody may let that stand"
    portal.clock.advance(timedelta(minutes=1))
    await _evaluate(portal)
    assert ASSESSED not in ((await _compliance(house, aurora.id)).why or "")
    assert ASSESSED not in await _page(portal)
    assert await newer(portal, draft) == (ASSESSED,)
    await publish(house, aurora.id, reason="It is evaluated anew")
    again = await prepare(house, aurora.id)
    assert await newer(portal, again) == ()
    assert (await issue(house, again)).issue is not None


async def test_a_major_incident_of_the_period_that_came_in_since_keeps_a_draft_from_being_issued(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    vendor = Vendor(house, portal.clock)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 9, 20)), CORA)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=20))
    await vendor.tell(declared("minor", "P3"))
    await vendor.register()
    assert await newer(portal, draft) == ()

    await vendor.tell(declared("late", "P1"))
    await vendor.register()
    words = "major incidents that came into the register since (1)"
    assert await newer(portal, draft) == (words,)
    await superseded(house, draft, words)
    for section in ("incidents", "outcome", "changes"):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, section, "Told by mail."), CORA)
    assert await newer(portal, draft) == (), "of what is left out nothing can have changed"
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "incidents", ""), CORA)
    assert await newer(portal, draft) == (words,)
    assert await newer(portal, await prepare(house, aurora.id)) == ()


async def test_what_no_rule_took_since_and_may_have_been_major_keeps_a_draft_from_being_issued(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    vendor = Vendor(house, portal.clock)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 9, 20)), CORA)
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=20))
    assert await newer(portal, draft) == ()

    await vendor.tell(*by("urn:other", updated("db-7", "severity", minute=3, severity="P2")))
    await vendor.register()
    words = "what was told of since and is not in the register, and may have been major (1)"
    assert await newer(portal, draft) == (words,)
    await superseded(house, draft, words)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "incidents", "Told by mail."), CORA)
    for section in ("outcome", "changes"):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, section, "Told by mail."), CORA)
    assert await newer(portal, draft) == (), "where nothing is said of incidents nothing is wrong"
    assert await newer(portal, await prepare(house, aurora.id)) == (), "it says so itself"
