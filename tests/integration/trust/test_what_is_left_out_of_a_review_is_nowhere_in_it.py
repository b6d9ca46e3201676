"""Whichever section a CSM leaves out: nothing that it alone states is in any form of the review, and it is said."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import pytest
from qbr_desk import bundle_of, issue, prepare, throttled
from report_desk import CORA, Q2, credited, publish, trust_of
from support.document_forms import of_page, of_pdf, of_slides, of_table, words
from support.portal_fixtures import Portal, Template, portal_over
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.qbr.model import EntryKind, Promise, Review, Say, Verdict
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Cell, Section, Unit
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=60)

WHY = "The customer asked for a short one."
#: Made of the other sections, whatever they are.
FOLLOWS = {"outcome", "changes", "inputs"}
#: What each states that nothing else does; savings are in the customer's cost, too.
ALONE = {
    "sla": ["99.791666\u00a0%", "99.9\u00a0%"],
    "incidents": ["Secret trouble of aurora"],
    "cost": ["EUR\u00a0265.94", "EUR\u00a0297.40"],
    "usage": ["EUR\u00a02,764.50", "513.6"],
    "savings": [],
    "credits": ["EUR\u00a0100.00", "CN-2026-0017"],
    "posture": ["Isolation from other customers"],
    "compliance": ["Two persons stand behind what takes two"],
    "recommendations": ["EUR\u00a0552.90", "EUR\u00a010.20"],
}


@pytest.fixture(scope="module")
def told(server_thread, portal_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database in which every section of aurora's review has something to say."""
    name = server_thread.clone(portal_template.database)

    async def fill() -> None:
        async with portal_over(server_thread.servers, name, portal_template) as portal:
            house, aurora = portal.house, portal.world.aurora
            await throttled(portal, tmp_path_factory.mktemp("told"))
            await house.qbrs.promise(Promise(aurora.id, "A second source", "Sam", date(2026, 9, 1)), CORA)
            await credited(house, aurora.id)
            await house.posture.check(aurora.id, CONSOLE)
            await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
            await issue(house, await prepare(house, aurora.id, "2026-Q1"))
            await publish(house, aurora.id)

    asyncio.run(fill())
    yield name
    server_thread.drop(name)


@pytest.fixture
async def full(server_thread, told: str, portal_template: Template) -> AsyncIterator[Portal]:
    name = server_thread.clone(told)
    async with portal_over(server_thread.servers, name, portal_template) as portal:
        yield portal
    server_thread.drop(name)


@pytest.mark.parametrize("left_out", [*ALONE, "outcome", "changes"])
async def test_nothing_that_only_a_section_that_is_left_out_says_goes_out_in_any_form(
    full: Portal, left_out: str, tmp_path
):
    house, aurora = full.house, full.world.aurora
    qbr = await prepare(house, aurora.id)
    gathered = (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).sections
    advice = next(each for each in gathered if each.id == "recommendations")
    for row in advice.table("proposed").rows:
        review = Review(aurora.id, Q2, row.id, seen(advice, row.id), Verdict.ACCEPTED, "fits")
        await house.qbrs.review(review, CORA)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, left_out, WHY), CORA)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    kept_in = {"recommendations"} if left_out == "usage" else set()
    alone = _cells(each for each in draft.standing if each.id == left_out)
    alone -= _cells(each for each in draft.standing if each.id not in {left_out, *FOLLOWS, *kept_in})
    shown = {display(each) for each in alone}
    assert [each for each in ALONE.get(left_out, ()) if each not in shown] == [], (
        "there is something to keep in"
    )

    issued = await issue(house, qbr)
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    title = next(each.title for each in gathered if each.id == left_out)
    assert f"the review says of itself that {title} is left out, because: {WHY}" in verdict.proved
    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    assert [(each["section"], each["text"], each["by"]) for each in body["omissions"]] == [
        (left_out, WHY, "Cora")
    ]
    sections = sections_of(body)
    assert [each.id for each in sections] == [each.id for each in gathered if each.id != left_out]
    assert _cells(each for each in sections if each.id not in FOLLOWS) & alone == set()
    assert _cells(each for each in sections if each.id == "outcome") & alone == set()
    places = of_table(files["qbr.csv"])
    of_it = re.compile(rf"({left_out}|outcome/{left_out}-|changes/\w+/{left_out}\b)")
    assert [each for each in places if of_it.match(each)] == []
    page = await full.browser("customer_viewer").get(f"/t/aurora/qbr/{qbr.id}")
    assert left_out not in of_page(page.text)

    # Until when usage is closed is the age of what others tell from it, too, and stands beside them.
    alone -= {Cell(rfc3339(each.as_of), Unit.INSTANT) for each in sections if each.as_of}
    stated = {words(display(each)) for each in _all_cells(sections)}
    figures = {each for each in map(display, alone) if re.search(r"\d", each)}
    probes = {words(each) for each in (*figures, *ALONE.get(left_out, ()))} - stated
    probes = {each for each in probes if len(each) > 4 and not any(each in other for other in stated)}
    paper, slides = of_pdf(files["qbr.pdf"], tmp_path), files["qbr.pptx"]
    said = {
        "paper": paper,
        "slides": "".join(of_slides(slides)),
        "page": words(page.text),
        "package": words(_everything_in(slides)),
    }
    assert [(form, each) for form, text in said.items() for each in probes if each in text] == []
    for form in ("paper", "slides", "page"):
        assert words(WHY) in said[form], f"it is said on {form}"
    raw = {
        each.value for each in alone if each.value and len(each.value) > 5 and re.search(r"\d", each.value)
    }
    raw -= {each.value for each in _all_cells(sections)} | {display(each) for each in _all_cells(sections)}
    # The review before is named by its digest, whether what changed since is told or not.
    raw -= {each["sha256"] for each in body["inputs"]}
    workbooks = _everything_in(slides)
    assert [
        each for each in raw if f'"{each}"' in files["qbr.json"].decode() or f">{each}<" in workbooks
    ] == []


async def test_where_usage_is_left_out_no_recommendation_shows_its_figures_and_the_draft_says_so(
    full: Portal,
):
    house, aurora = full.house, full.world.aurora
    qbr = await prepare(house, aurora.id)
    section = next(
        each
        for each in (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).sections
        if each.id == "recommendations"
    )
    (row,) = section.table("proposed").rows
    await house.qbrs.review(
        Review(aurora.id, Q2, row.id, seen(section, row.id), Verdict.ACCEPTED, "fits"), CORA
    )
    told = (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).told
    assert [each.id for each in _advice(told)] == ["dedicated-pool-eur"]
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "usage", WHY), CORA)
    told = (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).told
    assert _advice(told) == ()
    async with full.browser("csm") as csm:
        page = (await csm.get(f"/t/aurora/qbr/{qbr.id}/draft")).text
    assert "Cost states some of the same amounts of its own" not in page
    ((_, rows), _) = of_page(page)["recommendations"].tables
    assert rows[0][-1] == words("accepted: fits (kept in: usage is left out)")
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "usage", ""), CORA)
    told = (await house.qbr_reader.draft(CORA, aurora.id, qbr.id)).told
    assert [each.id for each in _advice(told)] == ["dedicated-pool-eur"], "what was accepted stays accepted"


async def test_the_draft_names_the_section_that_states_the_same_amounts_as_one_that_is_left_out(full: Portal):
    house, aurora = full.house, full.world.aurora
    qbr = await prepare(house, aurora.id)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "savings", WHY), CORA)
    async with full.browser("csm") as csm:
        here = f"/t/aurora/qbr/{qbr.id}/draft"
        assert "Cost states some of the same amounts of its own" in (await csm.get(here)).text
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "cost", WHY), CORA)
        assert "of the same amounts of its own" not in (await csm.get(here)).text


def _advice(told):
    return next(each for each in told if each.id == "recommendations").table("proposed").rows


def _all_cells(sections: Iterable[Section]) -> set[Cell]:
    return {cell for section in sections for _, cell in section.cells()}


def _cells(sections: Iterable[Section]) -> set[Cell]:
    """Values with their unit and currency; where they come from and their receipt left aside."""
    return {Cell(each.value, each.unit, each.currency) for each in _all_cells(sections) if each.value}


def _everything_in(package: bytes) -> str:
    """The text of every part of an Office file: slides, notes, charts, and the workbooks behind them."""
    found = []
    with ZipFile(BytesIO(package)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            found.append(
                _everything_in(content) if name.endswith(".xlsx") else content.decode(errors="ignore")
            )
    return "\n".join(found)
