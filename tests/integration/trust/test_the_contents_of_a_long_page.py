"""A long document's page begins with its contents: each section with how it stands, and from anywhere a way back to them."""

from __future__ import annotations

import re

from qbr_desk import issue, prepare
from report_desk import CORA, Q2, publish
from support.document_forms import words
from support.portal_fixtures import Portal

from trust_portal.trust.qbr.model import EntryKind, Say
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.outcome import outcome

_WORDS = {
    State.FRESH: "Fresh",
    State.STALE: "Stale",
    State.MISSING: "Missing",
    State.NOT_APPLICABLE: "Does not apply",
}


async def test_the_contents_name_every_section_with_its_state_and_lead_to_it_and_back(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "posture", "Asked for by mail."), CORA)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    published = await house.trust_reports.get(CORA, aurora.id, report.id)
    async with portal.browser("csm") as csm:
        pages = {
            "report": (f"trust/{report.id}", sections_of(published.document)),
            "review": (f"qbr/{qbr.id}/draft", draft.standing),
        }
        for noun, (path, sections) in pages.items():
            page = (await csm.get(f"/t/aurora/{path}")).text
            left_out = {"posture"} if noun == "review" else set()
            _leads_there_and_back(page, noun, sections, left_out)
        issued = await issue(house, qbr)
        page = (await csm.get(f"/t/aurora/qbr/{issued.id}")).text
    opened = await house.qbr_reader.get(CORA, aurora.id, issued.id)
    sections = sections_of(opened.document)
    assert "posture" not in {each.id for each in sections}
    _leads_there_and_back(page, "review", sections, set())


def _leads_there_and_back(page: str, noun: str, sections: tuple[Section, ...], left_out: set[str]) -> None:
    (contents,) = re.findall(r'<nav class="contents" aria-labelledby="contents">.*?</nav>', page, re.DOTALL)
    assert f'<h2 id="contents">In this {noun}</h2>' in contents
    assert page.index(contents) < page.index('<section class="trust-section"'), "before all of them"
    lines = re.findall(r"<li>(.*?)</li>", contents, re.DOTALL)
    for line, section in zip(lines, sections, strict=True):
        went = outcome(section)
        said = words(re.sub(r"<[^>]+>", "", line))
        assert said.startswith(words(f"{went[1] if went else _WORDS[section.state]}{section.title}"))
        assert (words(f"{_WORDS[section.state]}: {section.why}") in said) == section.state.blocks
        assert said.endswith("leftout") == (section.id in left_out)
        assert f'href="#section-{section.id}"' in line
        assert page.count(f'id="section-{section.id}"') == 1
    assert page.count(f'<p class="to-contents"><a href="#contents">In this {noun}</a></p>') == 1
