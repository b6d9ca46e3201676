"""What was fetched with a token is a program's: in the access log, and in the report that a customer keeps."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from support.portal_fixtures import Portal

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.trust.gathering.ids import ACCESS
from trust_portal.trust.sections.display import sentences

pytestmark = pytest.mark.takes(seconds=10)

PROGRAM = f"{TokenScope.READ} token"


async def lines(portal: Portal, query: str) -> list[tuple[str, ...]]:
    """Who, of whom, and what they did, as the customer's administrator reads it."""
    async with portal.browser("customer_admin") as browser:
        page = (await browser.get(f"/t/aurora/access?{query}")).text
    found = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td class="wide"[^>]*>([^<]+)</td>\s*<td[^>]*>([^<]+)</td>', page
    )
    return [tuple(html.unescape(cell) for cell in row) for row in found]


async def test_what_a_token_downloads_is_a_line_of_its_own_kind_and_so_in_the_report(portal: Portal) -> None:
    aurora = portal.world.aurora
    bundle = f"/t/aurora/exports/{aurora.export}/bundle.zip"
    assert await lines(portal, "by=token") == []
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        assert (await program.get(bundle)).status_code == 200
    async with portal.browser("customer_viewer") as person:
        assert (await person.get(bundle)).status_code == 200

    fetched = (PROGRAM, "Customer, by token", "Downloaded")
    assert await lines(portal, "by=token&did=downloaded") == [fetched]
    viewer = await lines(portal, "by=customer&did=downloaded")
    assert [row[1:] for row in viewer] == [("Customer", "Downloaded")], "a program is nobody's eyes"
    assert set(await lines(portal, "did=downloaded")) == {fetched, *viewer}

    portal.clock.advance(timedelta(days=25))
    preview = await portal.house.trust_reports.preview(CONSOLE, aurora.id, "2026-07")
    access = next(each for each in preview.sections if each.id == ACCESS)
    who = {row.cells[0].value: [cell.value for cell in row.cells[1:4]] for row in access.table("who").rows}
    assert who[PROGRAM][0] == "your programs, by token"
    assert who[viewer[0][0]][0] == "your people"
    assert (who[PROGRAM][2], who[viewer[0][0]][2]) == ("1", "1")
    assert {(row.cells[1].value, row.cells[2].value) for row in access.table("downloads").rows} == {
        (PROGRAM, "your programs, by token"),
        (viewer[0][0], "your people"),
    }
    (said,) = sentences(access)
    assert said.endswith("fetched in all: 2, of which by programs with a token: 1.")
