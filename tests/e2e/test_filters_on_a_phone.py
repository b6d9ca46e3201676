"""Filters are folded where they would fill the screen, and say in a line what is set; without JavaScript they stand open."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from trust_portal.runtime.shipped import shipped
from trust_portal.web.templating import portal_templates

PAGE = """{% import "components/forms.html" as forms %}<!doctype html><title>Filters</title><main class="wrap">
{% call forms.filters() %}
  {{ forms.select("state", "State", [("", "Every state"), ("open", "Open <now>")], state, filter=True) }}
  {{ forms.select("severity", "Severity", [("", "Every severity"), ("p1", "P1")], "", filter=True) }}
  <div class="field"><label for="service">Service</label><input id="service" name="service" value="{{ service }}"></div>
  {{ forms.button("Show", "plain") }}
{% endcall %}<h2>The list</h2></main>"""
STYLES = ("tokens", "base", "components", "report", "screens")
_PHONE, _DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def _page(chrome: Browser, state: str = "", service: str = "", *, scripts: bool = True) -> Page:
    page = chrome.new_context(viewport=_PHONE).new_page()
    page.set_content(portal_templates().from_string(PAGE).render(state=state, service=service))
    for each in STYLES:
        page.add_style_tag(content=(shipped("static") / "css" / f"{each}.css").read_text())
    if scripts:
        page.add_script_tag(content=Path(shipped("static") / "js" / "app.js").read_text())
        page.evaluate("() => document.dispatchEvent(new Event('DOMContentLoaded'))")
    return page


@pytest.mark.parametrize(
    ("state", "service", "said"),
    [
        ("", "", "nothing set"),
        ("open", "", "State: Open <now>"),
        ("open", "orders & co", "State: Open <now>; Service: orders & co"),
    ],
)
def test_on_a_phone_the_list_begins_below_one_line_that_says_what_is_set(
    chrome: Browser, state: str, service: str, said: str
) -> None:
    page = _page(chrome, state, service)
    assert page.locator(".filter-set").inner_text() == said
    assert not page.locator("select#state").is_visible()
    assert page.get_by_role("heading", name="The list").bounding_box()["y"] < 150
    page.locator("summary").click()
    assert page.locator("select#state").is_visible()
    assert page.locator("select#state").input_value() == state


def test_on_a_wide_screen_they_stand_open_without_a_fold(chrome: Browser) -> None:
    page = _page(chrome)
    page.set_viewport_size(_DESK)
    page.wait_for_function("document.querySelector('.filter-fold').open")
    assert page.locator("select#state").is_visible()
    assert not page.locator("summary").is_visible()


def test_without_javascript_a_phone_has_them_open_and_can_fold_them(chrome: Browser) -> None:
    page = _page(chrome, scripts=False)
    assert page.locator("select#state").is_visible()
    page.locator("summary").click()
    assert not page.locator("select#state").is_visible()
