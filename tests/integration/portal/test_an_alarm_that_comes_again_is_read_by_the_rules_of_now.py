"""An alarm that no rule takes is a gap by the rules in force as it comes again, whatever rules said of it before."""

from __future__ import annotations

import pytest
from support.pager_deliveries import PAGER, SECRET, gaps, paged, set_up, signed
from support.portal_fixtures import Portal

pytestmark = pytest.mark.takes(seconds=20)

NAME = "pagerduty/main/Q1"
MINOR = "- {severity: P3, service: disk, title: '{title}', tenants: contoso2}"
MAJOR = MINOR.replace("P3", "P1")
IGNORED = "- {when: {title: Disk*}, ignore: Too wide}"
OTHERS = "- {when: {title: Network*}, severity: P1, service: net, title: '{title}'}"


async def ruled(portal: Portal, *rules: str) -> list[tuple[str, list[tuple[str, str, str | None]]]]:
    """What the one alarm is answered, and the gaps after it, by each of ``rules`` in turn; sent twice by each."""
    found = []
    async with portal.browser("sre_operator") as browser, portal.program(None) as pager:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        body = paged("triggered", "e1")
        for version, text in enumerate(rules, start=1):
            form = {"version": version, "rules": text, "do": "save", "reason": "Better", "enabled": "yes"}
            assert (await browser.post(where, data=form)).status_code == 303
            for _ in range(2):
                answer = await pager.post(PAGER, content=body, headers=signed(body))
            found.append((answer.json()["alarm"], await gaps(portal)))
    return found


async def test_what_rules_made_little_of_is_a_gap_once_they_make_a_p1_of_it(portal: Portal) -> None:
    assert await ruled(portal, MINOR, MAJOR, MINOR.replace("contoso2", "aurora")) == [
        ("unmatched", []),
        ("unmatched", [(NAME, "unmatched", "P1")]),
        ("duplicate", []),  # of what the first of the two told
    ]


async def test_what_rules_ignored_is_a_gap_again_once_that_is_taken_back_however_often(
    portal: Portal,
) -> None:
    gap = [(NAME, "unmatched", None)]
    assert await ruled(portal, OTHERS, IGNORED, OTHERS, IGNORED, OTHERS) == [
        ("unmatched", gap),
        ("ignored", []),
        ("unmatched", gap),
        ("ignored", []),
        ("unmatched", gap),
    ]
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get("/incidents/integrations/pagerduty/main")).text
    assert page.count("no rule fits it") == 3, "listed once for each time that it became a gap"
