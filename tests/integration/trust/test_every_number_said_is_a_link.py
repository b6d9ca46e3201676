"""Every number of a generated sentence is a link on the page itself, and the link leads to a page that is there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from qbr_desk import issue, prepare, use
from report_desk import CORA, credited, publish
from support.document_forms import words
from support.portal_fixtures import Portal
from support.said_on_pages import pieces

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import SYSTEM
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Cell, Section

pytestmark = pytest.mark.takes(seconds=12)

ROOT = "/t/aurora"


def where(cell: Cell) -> str | None:
    """What is proved leads to its receipt, anything else to the page that it comes from."""
    if cell.receipt is not None:
        return f"{ROOT}/receipts/{cell.receipt}"
    return None if cell.href is None else f"{ROOT}{cell.href}"


def figures_said(sections: Sequence[Section]) -> list[tuple[str, str, str | None]]:
    """Section, words and way of every figure of every sentence that is known, in order."""
    cells = (
        (section.id, section.figure(name).cell)
        for section in sections
        for sentence in section.sentences
        for name in sentence.figures
    )
    return [(id_, words(display(cell)), where(cell)) for id_, cell in cells if cell.value is not None]


async def test_every_number_said_in_a_trust_report_or_a_review_is_a_link_to_a_page_that_is_there(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    await credited(house, aurora.id)
    await house.posture.check(aurora.id, SYSTEM)
    await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
    report = await publish(house, aurora.id)
    review = await issue(house, await prepare(house, aurora.id))
    signed = {
        f"{ROOT}/trust/{report.id}": sections_of(
            (await house.trust_reports.get(CORA, aurora.id, report.id)).document
        ),
        f"{ROOT}/qbr/{review.id}": sections_of(
            (await house.qbr_reader.get(CORA, aurora.id, review.id)).document
        ),
    }
    async with portal.browser("customer_viewer") as viewer:
        ways = set[str]()
        for address, sections in signed.items():
            answer = await viewer.get(address)
            assert answer.status_code == 200
            said = pieces(answer.text)
            assert {each.section for each in said} == {each.id for each in sections if each.sentences}
            assert [each for each in said if each.href is None and re.search(r"\d", each.text)] == []
            linked = [(each.section, words(each.text), each.href) for each in said if each.href is not None]
            assert linked == figures_said(sections)
            ways |= {each.href for each in said if each.href is not None}
        for way in sorted(ways):
            answer = await viewer.get(way)
            assert answer.status_code == 200, way
            _, _, anchor = way.partition("#")
            assert not anchor or f'id="{anchor}"' in answer.text, way
    assert any("/receipts/" in each for each in ways), "one that is proved"
    assert any("/credits" in each for each in ways), "one that comes from a page"
