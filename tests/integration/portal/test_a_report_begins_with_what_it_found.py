"""The page of an SLA report: what became of the promises comes before the tools to check it with."""

from __future__ import annotations

from support.portal_fixtures import Portal


async def test_the_verdict_stands_before_the_bundle_and_the_contents_lead_to_both(portal: Portal) -> None:
    world = portal.world
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"/t/aurora/reports/{world.aurora.report}")).text
    places = [
        page.index(each) for each in ('class="verdicts"', 'id="promise-1"', 'id="evidence"', "bundle-title")
    ]
    assert places == sorted(places)
    contents = page.partition('aria-labelledby="contents"')[2].partition("</nav>")[0]
    assert contents.index("#promise-1") < contents.index('href="#evidence"')
    assert "and its bundle" in contents
