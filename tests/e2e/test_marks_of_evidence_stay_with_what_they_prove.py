"""The mark beside a value stands on the line of its last word, however narrow its column, and both can be hit."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from trust_portal.runtime.shipped import shipped
from trust_portal.trust.sections.model import Cell
from trust_portal.web.templating import portal_templates

PAGE = """{% import "components/sections.html" as sections %}{% import "components/blocks.html" as blocks %}<!doctype html><title>Marks</title>
<main class="wrap trust-section"><div style="width: {{ width }}px">
{% for value in values %}{{ blocks.table("One", [{"label": "State"}, {"label": "Beside"}], [(sections.cell(value, "/t/a"), "where the other begins")]) }}{% endfor %}
</div></main>"""
STYLES = ("tokens", "base", "components", "report", "screens")
PLACES = """() => [...document.querySelectorAll(".proved > a.seal")].map(seal => {
  const range = document.createRange(), beside = seal.closest("tr").lastElementChild;
  range.selectNodeContents(seal.previousElementSibling);
  const lines = [...range.getClientRects()], last = lines.at(-1), mark = seal.getBoundingClientRect();
  const middle = (mark.top + mark.bottom) / 2;
  range.selectNodeContents(beside);
  return {
    onTheLine: middle > last.top - last.height / 2 && middle < last.bottom, behind: mark.right > last.right && mark.left > last.right - 8,
    level: Math.abs(lines[0].top - range.getClientRects()[0].top) < 4, tall: mark.height >= 24};
})"""
VALUES = ("not applicable", "holds", "30 November 2026, 04:52:29 UTC", "01a22acc-1c3a-7f16-b378-2ce8fb45d8ef")


@pytest.mark.parametrize("href", ["/posture", None])
def test_a_mark_is_on_the_last_line_of_its_value_and_the_row_begins_on_one_line(
    chrome: Browser, href: str | None
) -> None:
    page = chrome.new_context(viewport={"width": 1280, "height": 900}).new_page()
    values = [Cell(each, href=href, receipt="r") for each in VALUES]
    for width in range(150, 420, 15):
        page.set_content(portal_templates().from_string(PAGE).render(width=width, values=values))
        for each in STYLES:
            page.add_style_tag(content=(shipped("static") / "css" / f"{each}.css").read_text())
        places = page.evaluate(PLACES)
        assert len(places) == len(VALUES)
        for place in places:
            assert place == {"onTheLine": True, "behind": True, "level": True, "tall": True}, (width, places)
