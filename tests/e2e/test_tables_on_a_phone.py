"""Tables of many columns at 390 px: nothing is out of sight, no row is a hole, and they go on being tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from trust_portal.runtime.shipped import shipped
from trust_portal.web.templating import portal_templates

PAGE = """{% import "components/blocks.html" as blocks %}{% import "components/marks.html" as marks %}<!doctype html><title>Tables</title><main class="wrap">
{{ blocks.table("Controls", [{"label": "Control"}, {"label": "Judged for"}, {"label": "Result"}, {"label": "Looked at", "kind": "num"}, {"label": "As of"}, {"label": "Alike in"}, {"label": "Since"}], [
  ("Receipts are audited", "your tenant", "satisfied", "54", "30 November 2026, 04:52:28 UTC", "ISO/IEC 27001:2022 A.5.33, A.8.15; SOC 2 CC7.2, PI1.5", ""),
  ("Roles are reviewed", "the vendor", marks.status("mute", "Nobody: its time was over when the date was set, and so nobody was told"), "9", "30 November 2026, 04:52:28 UTC", "ISO/IEC 27001:2022 A.5.15", "1 October 2026")]) }}
</main>"""
STYLES = ("tokens", "base", "components", "report", "screens")
BOXES = """() => [...document.querySelectorAll("tbody tr")].map(row => ({
  height: row.getBoundingClientRect().height,
  told: [...row.cells].map(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return [...range.getClientRects()].reduce((all, each) => all + each.height, 0);
  }).reduce((all, each) => all + each, 0),
  right: Math.max(...[...row.cells].map(cell => cell.getBoundingClientRect().right)),
  shown: [...row.cells].filter(cell => cell.getBoundingClientRect().height > 0).length}))"""


@pytest.fixture
def page(chrome: Browser) -> Page:
    page = chrome.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.set_content(portal_templates().from_string(PAGE).render())
    for each in STYLES:
        page.add_style_tag(content=(shipped("static") / "css" / f"{each}.css").read_text())
    return page


def test_every_value_of_a_row_stands_on_the_screen_and_a_row_is_as_high_as_what_it_says(page: Page) -> None:
    first, second = page.evaluate(BOXES)
    assert first["right"] <= 390
    assert second["right"] <= 390
    table = page.locator("table").evaluate("table => [table.scrollWidth, table.parentElement.clientWidth]")
    assert table[0] <= table[1], "nor does a long state run off its card"
    assert (first["shown"], second["shown"]) == (6, 7), "what is empty takes no room"
    # Cells stand one below the other: between them and around them there is less than half as much again.
    assert first["height"] <= first["told"] * 1.5
    assert second["height"] <= second["told"] * 1.5
    label = page.locator('td[data-label="As of"]').first.evaluate(
        "cell => getComputedStyle(cell, '::before').content"
    )
    assert label == '"As of" / ""', "said once to who hears it, for the column's head is read too"


def test_on_a_wide_screen_the_same_table_has_its_columns_and_no_labels(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    tops = page.locator("tbody tr").first.evaluate(
        "row => new Set([...row.cells].map(cell => cell.getBoundingClientRect().top)).size"
    )
    assert tops == 1
    before = page.locator("td[data-label]").first.evaluate(
        "cell => getComputedStyle(cell, '::before').content"
    )
    assert before == "none"


def test_who_hears_the_page_hears_a_table_with_its_heads(page: Page) -> None:
    page.add_script_tag(content=_script("app.js"))
    page.evaluate("() => document.dispatchEvent(new Event('DOMContentLoaded'))")
    table = page.get_by_role("table", name="Controls")
    assert table.get_by_role("columnheader").all_inner_texts() == [
        "Control",
        "Judged for",
        "Result",
        "Looked at",
        "As of",
        "Alike in",
        "Since",
    ]
    row = table.get_by_role("row").nth(2)
    assert row.get_by_role("rowheader").inner_text() == "Roles are reviewed"
    assert row.get_by_role("cell").count() == 6
    assert page.locator("tbody tr").first.get_attribute("role") == "row", "said, also to what forgets it"


def _script(name: str) -> str:
    return Path(shipped("static") / "js" / name).read_text()
