"""Usage that nobody closed any more, and a month that nobody reported, lead a review as what they are, at every door."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from qbr_desk import bundle_of, everything, issue, prepare, use
from report_desk import CORA, publish, trust_of
from support.document_forms import age_of, of_page, of_slides, of_table, words
from support.portal_fixtures import Portal
from support.portal_world import sign_in
from support.sequencing import sequencing

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.errors import Conflict
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.house import build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.qbr.model import IssueQbr, Qbr
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import Acknowledgement, blocked_as, blocking
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=20)

HOUR = timedelta(hours=1)
#: When hours were closed for the last time, more than a day before the quarter was over; an hour is closed when it was over for one.
STOPPED = datetime(2026, 6, 29, 11, tzinfo=UTC)
_DRAFT = "query ($id: ID!) { qbr(id: $id) { draft { sections blocking { section seen } } } }"


async def test_usage_that_was_not_closed_to_the_end_makes_what_leads_the_review_stale_at_every_door(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    earlier = build_house(house.settings, ManualClock(STOPPED))
    await earlier.open()
    try:
        await use(earlier, "aurora")
    finally:
        await earlier.close()
    await publish(house, aurora.id)
    usage = await _leads_as_it_is(portal, await prepare(house, aurora.id), "usage")
    assert (usage.state, usage.as_of) == (State.STALE, STOPPED - HOUR)
    assert _plain(usage.why) == "it is 1 d 14 h old, and may be 1 d"


async def test_a_month_that_nobody_reported_makes_what_leads_its_review_missing_at_every_door(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    portal.clock.advance(datetime(2026, 8, 5, 9, tzinfo=UTC) - portal.clock.now())
    sla = await _leads_as_it_is(portal, await prepare(house, aurora.id, "2026-07"), "sla")
    assert (sla.state, _plain(sla.why)) == (State.MISSING, "no report is signed for July 2026")


async def _leads_as_it_is(portal: Portal, qbr: Qbr, cause: str) -> Section:
    """The section ``cause`` blocks, and so does what is told from it, which says so: wherever the review is read. It is
    not issued until somebody lets both stand.
    """
    house, tenant_id = portal.house, qbr.tenant_id
    draft = await house.qbr_reader.draft(CORA, tenant_id, qbr.id)
    sections = {each.id: each for each in draft.told}
    source, outcome = sections[cause], sections["outcome"]
    assert source.state.blocks
    assert f"{source.title}: {source.why}" in (outcome.why or "").split("; ")
    csm, viewer = (
        await _browser(portal, VENDOR_ID, Role.CSM),
        await _browser(portal, tenant_id, Role.CUSTOMER_VIEWER),
    )

    at = f"/t/aurora/qbr/{qbr.id}"
    shown = of_page((await csm.get(f"{at}/draft")).text)
    inside = {each["id"]: each for each in (await csm.get(f"{at}/internal.json")).json()["sections"]}
    for each in (source, outcome):
        assert shown[each.id].age == age_of(each), "the draft's page"
        assert (inside[each.id]["state"], inside[each.id]["why"]) == (each.state.value, each.why), (
            "internal JSON"
        )
    answer = await csm.post(
        "/graphql", json={"query": _DRAFT, "variables": {"id": encode("Qbr", tenant_id, qbr.id)}}
    )
    blocks = {each["section"]: each["seen"] for each in answer.json()["data"]["qbr"]["draft"]["blocking"]}
    assert {each.id: blocks[each.id] for each in (source, outcome)} == {
        each.id: blocked_as(each) for each in (source, outcome)
    }

    before = await everything(house, tenant_id)
    for kept in (source, outcome):
        but = tuple(
            Acknowledgement(each.id, "we know", blocked_as(each))
            for each in blocking(draft.told)
            if each.id != kept.id
        )
        with pytest.raises(Conflict) as refused:
            await house.qbrs.issue(IssueQbr(tenant_id, qbr.id, but), CORA)
        assert (refused.value.code, refused.value.field) == ("SECTIONS_BLOCK", f"reason-{kept.id}")
    assert await everything(house, tenant_id) == before

    async with sequencing(house):
        _, data = await bundle_of(house, await issue(house, qbr))
    verdict = verify(data, policy=await trust_of(house, tenant_id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    issued = {each.id: each for each in sections_of(body)}
    let_stand = {each["section"]: each["why"] for each in body["acknowledgements"]}
    page, rows, slides = (
        of_page((await viewer.get(at)).text),
        of_table(files["qbr.csv"]),
        of_slides(files["qbr.pptx"]),
    )
    for each in (source, outcome):
        assert (issued[each.id].state, issued[each.id].why) == (each.state, each.why), "JSON"
        assert let_stand[each.id] == each.why
        assert page[each.id].age == age_of(each), "the customer's page"
        states = {state for place, (*_, state, _) in rows.items() if place.startswith(f"{each.id}/")}
        assert states == {each.state.value}, "CSV"
        assert any(words(each.why or "") in slide for slide in slides), "the deck"
    for browser in (csm, viewer):
        await browser.aclose()
    return source


async def _browser(portal: Portal, tenant_id: UUID, role: Role) -> httpx.AsyncClient:
    """Somebody who is signed in by now: the world's own sessions end in a day."""
    house = portal.house
    email = f"late-{role.value.replace('_', '-')}@everybody.example"
    person = await house.people.add(AddPerson(tenant_id, email, "Lena"), CONSOLE)
    await house.people.grant(GrantRole(tenant_id, person.id, role, None), CONSOLE)
    _, cookie = await sign_in(house, person)
    return portal.browser(cookie=cookie)


def _plain(said: str | None) -> str:
    return (said or "").replace("\u00a0", " ")
