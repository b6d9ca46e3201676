"""What leads a review is missing where its sections are: on its page, in its table, on its slides, and to whoever verifies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from qbr_desk import bundle_of, everything, issue, prepare, use
from report_desk import CORA, publish, trust_of
from support.document_forms import age_of, of_page, of_slides, of_table, words
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.errors import Conflict
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.qbr.ageing import wait_of
from trust_portal.trust.qbr.closing import CLOSING, derived_of
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.qbr.model import IssueQbr, Qbr
from trust_portal.trust.qbr.recompute import recompute_qbr
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import Acknowledgement, blocked_as, blocking
from trust_portal.trust.sections.document import section_json, sections_of
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.table import document_table
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=15)


async def test_a_missing_postmortem_makes_what_leads_the_review_missing_in_every_form_and_keeps_it_in(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    before = await everything(house, aurora.id)
    told = (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).told
    but = tuple(
        Acknowledgement(each.id, "we know", blocked_as(each))
        for each in blocking(told)
        if each.id != "outcome"
    )
    with pytest.raises(Conflict) as refused:
        await house.qbrs.issue(IssueQbr(aurora.id, qbr.id, but), CORA)
    assert (refused.value.code, refused.value.field) == ("SECTIONS_BLOCK", "reason-outcome")
    assert await everything(house, aurora.id) == before

    files = await _files(portal, await issue(house, qbr))
    body = json.loads(files["qbr.json"])
    sections = {each.id: each for each in sections_of(body)}
    incidents, credited, outcome = (sections[each] for each in ("incidents", "credits", "outcome"))
    assert {each.state for each in (incidents, credited, outcome)} == {State.MISSING}
    assert outcome.why == "; ".join(f"{each.title}: {each.why}" for each in (incidents, credited))
    assert outcome.as_of == min(sections[each].as_of for each in ("sla", "incidents", "credits", "usage"))
    page = (await portal.browser("customer_viewer").get(f"/t/aurora/qbr/{qbr.id}")).text
    assert of_page(page)["outcome"].age == age_of(outcome)
    rows = of_table(files["qbr.csv"])
    assert {state for place, (*_, state, _) in rows.items() if place.startswith("outcome/")} == {"missing"}
    assert any(words(outcome.why) in each for each in of_slides(files["qbr.pptx"])), "on the slides"

    number = list(sections).index("outcome")
    body["sections"][number].update(state="fresh", why=None)
    found = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(body)})}
    assert found[f"$.sections[{number}].state"] == "missing"
    assert found[f"$.sections[{number}].why"] == outcome.why


async def test_a_review_of_format_3_follows_by_its_own_rule_and_none_of_format_4_by_that(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(hours=1))
    files = await _files(portal, await issue(house, qbr))
    body = json.loads(files["qbr.json"])
    sections = [_metered_from_the_start(each) for each in sections_of(body)]
    others = [each for each in sections if each.id not in CLOSING]
    third = outcome_section(others, qbr.as_of, is_before_fourth=True)
    body["sections"] = [section_json(third if each.id == "outcome" else each) for each in sections]
    body["acknowledgements"] = [each for each in body["acknowledgements"] if each["section"] != "outcome"]
    body["format"] = "3"
    assert recompute_qbr(_with(files, body)) == []
    number = [each.id for each in sections].index("outcome")
    found = recompute_qbr(_with(files, {**body, "format": "4"}))
    assert (f"$.sections[{number}].state", "fresh", "missing") in [
        (each.field, each.reported, each.recomputed) for each in found
    ]


async def test_a_review_of_format_3_says_of_all_that_grew_too_old_both_or_of_none_what_its_first_ones_did_not(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    locked = {each.id: _metered_from_the_start(each) for each in draft.sections}
    portal.clock.advance(timedelta(days=2))
    files = await _files(portal, await issue(house, qbr))
    body = json.loads(files["qbr.json"])
    body["format"] = "3"
    wait = wait_of(body)
    later = [wait.as_it_stands(locked[each.id]) for each in sections_of(body)]
    derived = derived_of(files, body, later)
    later = [derived.get(each.id, each) for each in later]
    both = [each.id for each in later if each.state.blocks and each.why != locked[each.id].why]
    waiting = [each for each in both if locked[each].state.blocks and each not in derived]
    assert {"incidents", "credits"} <= set(waiting)
    first = [locked[each.id] if each.id in waiting else each for each in later]

    def told(sections: list[Section]) -> dict[str, bytes]:
        stands = [
            {"section": each.id, "state": each.state.value, "why": each.why, "reason": "we know"}
            for each in sections
            if each.state.blocks
        ]
        return _with(
            files,
            {**body, "sections": [section_json(each) for each in sections], "acknowledgements": stands},
        )

    for spelling in (later, first):
        assert recompute_qbr(told(spelling)) == []
    number = [each.id for each in later].index("incidents")
    mixed = [later[number] if each.id == "incidents" else each for each in first]
    found = {each.field for each in recompute_qbr(told(mixed))}
    assert found == {
        f"$.sections[{place}].why"
        for place, each in enumerate(mixed)
        if each.id in waiting and each.id != "incidents"
    }
    fresh = [replace(each, state=State.FRESH, why=None) if each.id == "savings" else each for each in first]
    place = [each.id for each in later].index("savings")
    assert f"$.sections[{place}].state" in {each.field for each in recompute_qbr(told(fresh))}
    fourth = recompute_qbr(_with(told(first), {**json.loads(told(first)["qbr.json"]), "format": "4"}))
    assert f"$.sections[{number}].why" in {each.field for each in fourth}


def _metered_from_the_start(section: Section) -> Section:
    """Before format 5 nothing said that a period was metered in part."""
    if section.id != "cost":
        return section
    return replace(
        section,
        figures=tuple(each for each in section.figures if each.id != "metered-since"),
        sentences=tuple(each for each in section.sentences if "metered-since" not in each.figures),
    )


def _with(files: dict[str, bytes], body: dict) -> dict[str, bytes]:
    return {**files, "qbr.json": canonical(body), "qbr.csv": document_table(body)}


async def _files(portal: Portal, qbr: Qbr) -> dict[str, bytes]:
    async with sequencing(portal.house):
        _, data = await bundle_of(portal.house, qbr)
    policy = await trust_of(portal.house, qbr.tenant_id)
    assert verify(data, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS).findings == ()
    return dict(bundle.read(data).files)
