"""The Switchboard in a real browser: what changes elsewhere appears on it, and the page is not loaded again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.takes(seconds=15)

SERVICE = "renewed-board"


def test_a_changed_figure_appears_without_a_reload(visit: Any) -> None:
    """The browser's own clock is moved to the next look; nobody waits for it."""
    pmo, owner = visit(), visit()
    pmo.page.clock.install()
    pmo.enter("pmo")
    owner.enter("incident_owner")
    pmo.open(f"/switchboard?service={SERVICE}")
    figures = pmo.page.locator("#live .figure-value")
    unsigned = pmo.page.locator("#live .figure", has_text="Unsigned postmortems").locator(".figure-value")
    expect(unsigned).to_have_text("0")
    before = figures.all_inner_texts()
    pmo.page.evaluate("window.opened = 'once'")

    owner.open("/incidents/declare")
    owner.page.fill("#title", "The board stands still")
    owner.page.select_option("#severity", "P1")
    owner.page.fill("#service", SERVICE)
    owner.page.check("#tenant-aurora")
    owner.page.click("button:has-text('Declare')")
    owner.page.wait_for_url("**/incidents/*-*")
    assert figures.all_inner_texts() == before

    pmo.page.clock.fast_forward(10_000)

    expect(unsigned).to_have_text("1")
    expect(pmo.page.locator("#gaps-title + ul")).to_contain_text("The board stands still")
    assert pmo.page.evaluate("window.opened") == "once"
    assert pmo.page.url.endswith(f"/switchboard?service={SERVICE}")
