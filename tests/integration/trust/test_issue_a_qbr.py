"""A QBR gathers itself, is spoken about, issued with what is missing said, and verifies offline."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from pptx import Presentation
from qbr_desk import bundle_of, everything, issue, prepare, throttled
from report_desk import CORA, Q2, credited, publish, trust_of
from support.document_forms import (
    ages_in_table,
    ages_of,
    foot_of,
    of_document,
    of_notes,
    of_page,
    of_pdf,
    of_slides,
    of_table,
    printed,
    rows_of_slides,
    table_of,
    without_a_way,
    words,
)
from support.document_schemas import faults
from support.drawn_charts import charted, charts_on, lettering, misdrawn
from support.office import pdf_text_of
from support.page_texts import around, strange_on_page
from support.portal_fixtures import Portal
from support.review_forms import (
    imprint_of,
    moment,
    of_review,
    said_of,
    strange_on_paper,
    strange_on_slides,
)
from support.sequencing import sequencing

from trust_portal.cost.remediation.model import StepKind
from trust_portal.documents.formats import instant
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence import bundle
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.trust.qbr.document import section_digests
from trust_portal.trust.qbr.model import (
    Audience,
    CommitmentState,
    Draft,
    EntryKind,
    IssueQbr,
    Promise,
    Review,
    Say,
    Settle,
    Verdict,
)
from trust_portal.trust.qbr.recompute import recompute_qbr
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import State
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=25)


async def test_one_bundle_says_every_fact_with_one_number_in_every_form(portal: Portal, tmp_path):
    house, aurora = portal.house, portal.world.aurora
    run = await throttled(portal, tmp_path)
    kept = await house.qbrs.promise(
        Promise(aurora.id, "A postmortem of every P1", "Cora", date(2026, 7, 20)), CORA
    )
    await house.qbrs.promise(Promise(aurora.id, "A second source for the API", "Sam", date(2026, 9, 1)), CORA)
    await house.qbrs.settle(Settle(aurora.id, kept.id, CommitmentState.KEPT, "signed and handed over"), CORA)
    credit = await credited(house, aurora.id)
    earlier = await issue(house, await prepare(house, aurora.id, "2026-Q1"))
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    advice = next(each for each in draft.sections if each.id == "recommendations")
    assert [row.id for row in advice.table("proposed").rows] == ["dedicated-pool-eur"]
    review = Review(
        aurora.id, Q2, "dedicated-pool-eur", seen(advice, "dedicated-pool-eur"), Verdict.ACCEPTED, "fits"
    )
    await house.qbrs.review(review, CORA)
    await house.qbrs.say(
        Say(aurora.id, Q2, EntryKind.COMMENT, "usage", "The export was *ours*.\n\n- It is throttled."), CORA
    )
    await house.qbrs.say(
        Say(aurora.id, Q2, EntryKind.COMMENT, "usage", "They are angry.", Audience.INTERNAL), CORA
    )
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "posture", "Asked for by mail."), CORA)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    async with portal.browser("csm") as csm:
        here = f"/t/aurora/qbr/{qbr.id}"
        inside = {
            form: (await csm.get(f"{here}/internal.{form}")).content
            for form in ("csv", "json", "pdf", "pptx")
        }
        _inside_says_the_same(draft, (await csm.get(f"{here}/draft")).text, inside, tmp_path)
        assert (await csm.get(f"{here}/internal.json")).content == inside["json"], "same draft, same bytes"
    issued = await issue(house, qbr)
    assert issued.issue is not None
    async with sequencing(house):
        export, data = await bundle_of(house, issued)
        assert export.file_name == "aurora-qbr-2026-Q2-r1.zip"
        assert await house.exports.reproduce(aurora.id, export.id) == data, "same snapshot, same bytes"
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    assert (verdict.subject.kind, verdict.subject.tenant, verdict.subject.period) == ("qbr", "aurora", Q2)
    assert [each async for each in audit(house.storage, AuditTotals(), aurora.id, house.auditors)] == []

    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    assert canonical(body) == files["qbr.json"]
    assert faults("qbr", body) == []
    assert faults("trust-report", json.loads(files["inputs/trust-report.json"])) == []
    assert sha256_hex(files["qbr.json"]) == issued.issue.sha256
    assert {
        "qbr.csv",
        "qbr.pdf",
        "qbr.pptx",
        "inputs/trust-report.json",
        "inputs/sla/2026-06-r1.json",
    } <= set(files)
    sections = sections_of(body)
    assert sections[0].id == "commitments", "a review begins with what was promised"
    tables = {(each.id, table.id): table for each in sections for table in each.tables}
    assert [row.id for row in tables["credits", "issued"].rows] == [str(credit.id)], "a credit is in it"
    (saved,) = tables["savings", "savings"].rows
    assert [words(display(each)) for each in saved.cells] == [
        "Throttlerunawayexports", "11June2026,04:00UTC", "24", "EUR88.80", "EUR2,131.20",
    ]  # fmt: skip
    verified = run.step(StepKind.VERIFIED)
    assert verified is not None
    assert {each.receipt for each in saved.cells[3:]} == {str(verified.receipt_id)}, (
        "by the playbook's receipt"
    )
    assert f"receipts/{verified.receipt_id}.dsse.json" in files
    outcome = next(each for each in sections if each.id == "outcome")
    assert outcome.figure("savings-saved-eur").cell.value == "2131.20"
    assert tables["changes", "values"].rows, "what changed is in it"
    assert body["previous"]["sha256"] == sha256_hex(files["inputs/previous.json"]) == earlier.issue.sha256
    assert "posture" not in {row.id.partition("/")[0] for row in tables["changes", "values"].rows}, "left out"
    assert [each["title"] for each in body["omissions"]] == ["Posture"]
    assert [name for name, each in files.items() if b"They are angry" in each] == [], "internal words stay in"

    page = (await portal.browser("customer_viewer").get(f"/t/aurora/qbr/{qbr.id}")).text
    said = of_document(sections)
    assert of_page(page) == said
    assert charts_on(page) == charted(sections)
    issue_told = f"Issued {instant(issued.issue.at.replace(microsecond=0))}"
    beside = around(body, data, str(export.file_name), noun="review", signed=issue_told)
    assert strange_on_page(page, body, sections, beside) == [], "a number from nowhere"
    drawn = ["".join(each) for each in lettering(page)]
    assert len(drawn) == 2, "what was promised, and what was used"
    assert of_table(files["qbr.csv"]) == table_of(sections)
    assert ages_in_table(files["qbr.csv"]) == ages_of(body, sections)
    paper = of_pdf(files["qbr.pdf"], tmp_path)
    assert [each for each in printed(sections) if each not in paper] == []
    slides, rows = of_slides(files["qbr.pptx"]), rows_of_slides(files["qbr.pptx"])
    shown = "".join(slides)
    assert [each.id for each in sections if foot_of(each) not in slides] == [], (
        "each slide says how old it is"
    )
    for section in said.values():
        assert [each for each in section.sentences if each not in shown] == []
        assert [pair for pair in section.figures if pair not in set(pairwise(slides))] == [], (
            "each by its label"
        )
        assert [row for _, table in section.tables for row in table if row not in rows] == []
    for form in (words(re.sub(r"<[^>]+>", " ", page)), paper, shown):
        assert words("The export was ours.") in form
        assert words("Asked for by mail.") in form
        assert words("They are angry") not in form
    assert strange_on_slides(slides, body, sections, *imprint_of(body)) == [], "a number from nowhere"
    notes = of_notes(files["qbr.pptx"])
    assert len(notes) > len(sections), "each section's, and the first slide's"
    assert strange_on_slides(notes, body, sections, *imprint_of(body)) == [], "nor one to be spoken"
    assert [each for each in drawn if each not in paper] == []
    known = [*printed(sections), *of_review(body, sections), *drawn, words(str(export.file_name))]
    fingerprint = re.findall(r"[0-9a-f]{64}", page.partition("fingerprint")[2])
    assert strange_on_paper(paper, known, fingerprint) == [], "a number from nowhere"
    slots = _slots(files["qbr.pptx"])
    spoken = {each["section"] for each in body["commentary"]}
    silent = [each for each in sections if each.state is State.NOT_APPLICABLE and not each.figures]
    assert slots.count("") == len([each for each in [*sections] if each.id not in spoken]) - len(silent), (
        "where nobody wrote yet, an empty slot; what has its state alone to show has none"
    )
    assert [each for each in slots if each and "The export was ours." not in each] == []
    assert "Commentary" not in words(pdf_text_of(files["qbr.pptx"], tmp_path)), "an empty slot is not shown"
    for form in (words(page), paper, shown):
        assert "Nothingissaid" not in form
    assert "Commentary" not in paper, "on paper there is nothing to write into"
    _charts_have_the_same_values(sections, files["qbr.pptx"])
    opened = words(pdf_text_of(files["qbr.pptx"], tmp_path))
    usage = next(each for each in sections if each.id == "usage")
    assert words(display(usage.figure("total-eur").cell)) in opened
    assert without_a_way(sections) == []
    assert recompute_qbr(files) == []
    (missing,) = recompute_qbr({name: each for name, each in files.items() if name != "qbr.csv"})
    assert (missing.file, missing.reported) == ("qbr.csv", "(absent)")
    for gone in ("inputs/previous.json", "inputs/trust-report.json"):
        with pytest.raises(NotRecomputable) as unusable:
            recompute_qbr({name: each for name, each in files.items() if name != gone})
        assert unusable.value.file == gone
    told = json.loads(files["qbr.json"])
    changes = next(each for each in told["sections"] if each["id"] == "changes")
    at = next(number for number, each in enumerate(changes["figures"]) if each["id"] == "changed")
    stated, changes["figures"][at]["value"] = changes["figures"][at]["value"], "0"
    fields = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(told)})}
    assert fields[f"$.sections[{told['sections'].index(changes)}].figures[{at}].value"] == stated
    forged = json.loads(files["qbr.json"])
    sla = next(each for each in forged["sections"] if each["id"] == "sla")
    sla["figures"][1]["value"] = "0"
    fields = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(forged)})}
    assert fields[f"$.sections[{forged['sections'].index(sla)}].figures[1].value"] == "1"


async def test_what_blocks_is_named_and_nothing_changes_until_it_is_acknowledged(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    qbr = await prepare(house, aurora.id)
    again = await prepare(house, aurora.id)
    assert (again.number, again.as_of, again.sha256) == (2, qbr.as_of, qbr.sha256), (
        "same snapshot, same bytes"
    )
    qbr = again
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    states = {each.id: (each.state, each.why) for each in draft.sections}
    assert states["incidents"] == (State.MISSING, "no signed postmortem of P1 Secret trouble of aurora")
    assert states["usage"] == (State.NOT_APPLICABLE, "no usage of this customer is metered")
    assert states["changes"] == (State.NOT_APPLICABLE, "there is no QBR before this one")
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await house.qbrs.issue(IssueQbr(aurora.id, qbr.id), CORA)
    assert refused.value.code == "SECTIONS_BLOCK"
    with pytest.raises(InvalidInput):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "commitments", "no"), CORA)
    with pytest.raises(InvalidInput):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.COMMENT, "weather", "fine"), CORA)
    with pytest.raises(NotFound):
        await house.qbrs.review(Review(aurora.id, Q2, "nothing", "0" * 64, Verdict.ACCEPTED, "fits"), CORA)
    with pytest.raises(NotFound):
        await house.qbr_reader.get(CORA, aurora.id, qbr.id)
    assert await everything(house, aurora.id) == before


async def test_another_revision_needs_a_reason_and_the_next_quarter_says_what_changed(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    first = await issue(house, await prepare(house, aurora.id))
    second = await prepare(house, aurora.id)
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await issue(house, second)
    assert refused.value.code == "REASON_REQUIRED"
    with pytest.raises(Conflict) as refused:
        await issue(house, first)
    assert refused.value.code == "ALREADY_ISSUED"
    assert await everything(house, aurora.id) == before
    second = await issue(house, second, reason="the postmortem was late")
    opened = await house.qbr_reader.get(CORA, aurora.id, first.id)
    assert opened.later is not None
    assert opened.later.id == second.id

    await house.qbrs.promise(Promise(aurora.id, "Answer within a day", "Cora", date(2026, 9, 1)), CORA)
    third = await prepare(house, aurora.id, "2026-Q3")
    draft = await house.qbr_reader.draft(CORA, aurora.id, third.id)
    changes = next(each for each in draft.sections if each.id == "changes")
    assert changes.state is State.FRESH
    rows = {row.id: [display(cell) for cell in row.cells] for row in changes.table("values").rows}
    assert rows["commitments/open"] == ["What we promised", "open", "0", "1"]
    third = await issue(house, third)
    async with sequencing(house):
        _, data = await bundle_of(house, third)
    files = bundle.read(data).files
    assert second.issue is not None
    assert sha256_hex(files["inputs/previous.json"]) == second.issue.sha256
    assert verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS).ok


async def test_a_snapshot_that_is_too_old_is_taken_anew(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    old = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(days=22))
    with pytest.raises(Conflict) as refused:
        await issue(house, old)
    assert refused.value.code == "TOO_OLD"
    newer = await prepare(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await house.qbrs.issue(IssueQbr(aurora.id, old.id), CORA)
    assert refused.value.code == "NOT_THE_LATEST"
    assert (await issue(house, newer)).issue is not None


def _inside_says_the_same(draft: Draft, page: str, forms: dict[str, bytes], folder: Path) -> None:
    """The internal forms: every fact, also of what is left out, every verdict, and what was said inside."""
    said = of_document(draft.standing)
    assert "posture" in said
    (proposed, evidence) = said["recommendations"].tables
    assert [row[-2:] for row in proposed[1]] == [["notreviewed", "notknown"]], (
        "what was gathered knows no verdict"
    )
    by = [["Cora", words(instant(draft.qbr.as_of)), "accepted:fits"]]
    judged = (proposed[0], [[*row[:-2], *more] for row, more in zip(proposed[1], by, strict=True)])
    said["recommendations"].tables = [judged, evidence]
    assert of_page(page) == said
    body = json.loads(forms["json"])
    assert canonical(body) == forms["json"]
    assert of_document(sections_of(body)) == said
    assert body["prepared"]["sha256"] == draft.qbr.sha256
    assert body["locked"] == section_digests(draft.sections)
    assert [(each["section"], each["title"], each["text"], each["by"]) for each in body["omissions"]] == [
        ("posture", "Posture", "Asked for by mail.", "Cora")
    ]
    assert [(each["section"], each["audience"], each["text"]) for each in body["commentary"]] == [
        ("usage", "customer", "The export was *ours*.\n\n- It is throttled."),
        ("usage", "internal", "They are angry."),
    ]
    table = of_table(forms["csv"])
    assert {
        place: value for place, (_, _, value, _, _) in table.items() if place.startswith("omissions/")
    } == {
        "omissions/sections/posture/title": "Posture",
        "omissions/sections/posture/why": "Asked for by mail.",
        "omissions/sections/posture/by": "Cora",
        "omissions/sections/posture/at": "2026-07-10T09:00:00Z",
    }
    assert table["recommendations/proposed/dedicated-pool-eur/verdict"][2] == "accepted: fits"
    assert table == table_of(sections_of(body)) | {
        place: each for place, each in table.items() if place.startswith("omissions/")
    }
    paper, slides, rows = (
        of_pdf(forms["pdf"], folder),
        of_slides(forms["pptx"]),
        rows_of_slides(forms["pptx"]),
    )
    shown = "".join(slides)
    for section in said.values():
        for sentence in section.sentences:
            assert sentence in shown
        assert [pair for pair in section.figures if pair not in set(pairwise(slides))] == [], (
            "each by its label"
        )
        assert [row for _, table in section.tables for row in table if row not in rows] == []
    sections = sections_of(body)
    printed_inside = printed(sections, marked=False)
    assert [each for each in printed_inside if each not in paper] == []
    at, as_of, sha256 = moment(body["at"]), moment(body["as_of"]), draft.qbr.sha256
    head = (
        f"Data as of {as_of}; how fresh each part is, as of {at}.",
        "Internal: Aurora, Q2 2026", "Business review, internal draft Q2 2026",
        f"Csm {at} Reader’s copy, taken by Csm, {at}.",
        f"SHA-256 of the snapshot {sha256}",
    )  # fmt: skip
    assert misdrawn(page, sections) == []
    drawn = ["".join(each) for each in lettering(page)]
    assert [each for each in drawn if each not in paper] == []
    known = [*printed_inside, *said_of(body), *drawn, "SHA-256"]
    assert strange_on_paper(paper, known, head) == [], "a number from nowhere"
    imprint = (
        "Business review, Q2 2026: internal draft", f"data as of {as_of}.",
        f"SHA-256 of the snapshot: {sha256}",
    )  # fmt: skip
    assert strange_on_slides(slides, body, sections, *imprint) == [], "a number from nowhere"
    for form in (paper, shown):
        assert words("They are angry") in form
        assert words("Left out of what the customer gets: Asked for by mail. (Cora,") in form


def _slots(content: bytes) -> list[str]:
    return [
        shape.text_frame.text
        for slide in Presentation(BytesIO(content)).slides
        for shape in slide.shapes
        if shape.name == "Commentary"
    ]


def _charts_have_the_same_values(sections, content: bytes) -> None:
    drawn = {
        shape.name: shape.chart
        for slide in Presentation(BytesIO(content)).slides
        for shape in slide.shapes
        if shape.has_chart
    }
    compared = 0
    for section in sections:
        for chart in section.charts:
            table = section.table(chart.table)
            if len(table.rows) == 1 and chart.target is None:
                assert chart.title not in drawn, "one value says nothing beside no other"
                continue
            columns = [each.id for each in table.columns]
            stated = {
                table.columns[at].label: [
                    float(row.cells[at].value)
                    if re.fullmatch(r"-?[0-9.]+", row.cells[at].value or "")
                    else None
                    for row in table.rows
                ]
                for at in map(columns.index, chart.series)
            }
            plots = drawn.pop(chart.title).plots
            shown = {each.name: list(each.values) for plot in plots for each in plot.series}
            beside = {name: each for name, each in shown.items() if name not in stated}
            assert {name: shown[name] for name in stated} == stated, "every series"
            if chart.target is None:
                assert beside == {}
            else:
                assert list(beside.values()) == [[float(chart.target)] * len(table.rows)]
            names = [display(row.cells[columns.index(chart.category)]) for row in table.rows]
            assert [list(each.categories) for each in plots] == [names] * len(plots)
            compared += 1
    assert drawn == {}, "nothing is drawn that no section states"
    assert compared
