"""What the vendor's people take along of a draft: its verdicts, its omissions and its age by then, in every form."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from qbr_desk import bundle_of, issue, prepare, use
from report_desk import CORA, Q2, publish
from support.document_forms import of_page, of_pdf, of_slides, rows_of_slides, words
from support.portal_fixtures import Portal
from support.portal_world import sign_in
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.evidence import bundle
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.qbr.model import EntryKind, Qbr, Review, Say, Verdict
from trust_portal.trust.qbr.reviewing import seen

pytestmark = pytest.mark.takes(seconds=20)


async def test_a_declined_recommendation_is_declined_in_every_form_and_so_it_is_on_the_page(
    portal: Portal, tmp_path
):
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    qbr = await prepare(house, aurora.id)
    await _judge(portal, qbr, Verdict.DECLINED, "they are leaving")
    forms, page = await _taken(portal, qbr)
    told = words("declined: they are leaving")
    assert _proposed(forms["json"])[-3:] == ["Cora", "2026-07-10T09:00:00Z", "declined: they are leaving"]
    assert _csv(forms["csv"])["recommendations/proposed/dedicated-pool-eur/verdict"]["value"] == (
        "declined: they are leaving"
    )
    assert next(row[-1] for row in rows_of_slides(forms["pptx"]) if row[0] == "Adedicatedpool") == told
    assert told in of_pdf(forms["pdf"], tmp_path)
    ((_, (row,)), _) = of_page(page)["recommendations"].tables
    assert row[-1] == told


async def test_what_grew_old_or_was_superseded_is_stale_in_every_form_and_the_locked_digests_stay(
    portal: Portal, tmp_path
):
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "credits", "None were asked for."), CORA)
    fresh, _ = await _taken(portal, qbr)
    assert _states(fresh["json"])["savings"] == "fresh"
    portal.clock.advance(timedelta(days=2))
    await publish(house, aurora.id, reason="a note was added")
    person = await house.people.add(AddPerson(VENDOR_ID, "cora@vendor.example", "Cora"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.CSM, None), CONSOLE)
    _, cookie = await sign_in(house, person)
    old, page = await _taken(portal, qbr, cookie)
    # June's credit is due and on nobody's desk: missing, however old.
    assert (_states(old["json"])["savings"], _states(old["json"])["credits"]) == ("stale", "missing")
    assert json.loads(old["json"])["locked"] == json.loads(fresh["json"])["locked"]
    assert json.loads(old["json"])["at"] == "2026-07-12T09:00:00Z"
    assert json.loads(old["json"])["superseded"] == ["Trust Report for Q2 2026, revision 2"]
    assert {row["state"] for place, row in _csv(old["csv"]).items() if place.startswith("savings/")} == {
        "stale"
    }
    why, superseded = words("it is 2 d old, and may be 1 d"), words("Trust Report for Q2 2026, revision 2")
    slides, paper = "".join(of_slides(old["pptx"])), of_pdf(old["pdf"], tmp_path)
    for form in (slides, paper, words(page)):
        assert why in form
        assert superseded in form
        assert words("None were asked for.") in form
    assert "Internal.Leftout.Missing" in slides
    assert why not in "".join(of_slides(fresh["pptx"]))


async def test_a_draft_of_a_period_that_still_runs_says_so_in_its_head_and_so_does_what_is_issued_of_it(
    portal: Portal, tmp_path
):
    house, aurora = portal.house, portal.world.aurora
    runs = words("The period still runs, until 1 October 2026, 00:00 UTC.")
    early, over = await prepare(house, aurora.id, "2026-Q3"), await prepare(house, aurora.id)
    for qbr, times in ((early, 1), (over, 0)):
        forms, page = await _taken(portal, qbr)
        assert words(page).count(runs) == times
        assert of_pdf(forms["pdf"], tmp_path).count(runs) == times
        assert "".join(of_slides(forms["pptx"])).count(runs) == times
    issued = await issue(house, early)
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
    files = bundle.read(data).files
    assert of_pdf(files["qbr.pdf"], tmp_path).count(runs) == 1
    assert "".join(of_slides(files["qbr.pptx"])).count(runs) == 1


async def _judge(portal: Portal, qbr: Qbr, verdict: Verdict, reason: str):
    house = portal.house
    draft = await house.qbr_reader.draft(CORA, qbr.tenant_id, qbr.id)
    section = next(each for each in draft.sections if each.id == "recommendations")
    (row,) = section.table("proposed").rows
    return await house.qbrs.review(
        Review(qbr.tenant_id, Q2, row.id, seen(section, row.id), verdict, reason), CORA
    )


async def _taken(portal: Portal, qbr: Qbr, cookie: str | None = None) -> tuple[dict[str, bytes], str]:
    async with portal.browser("csm", cookie=cookie) as csm:
        here = f"/t/aurora/qbr/{qbr.id}"
        forms = {
            each: (await csm.get(f"{here}/internal.{each}")).content
            for each in ("csv", "json", "pdf", "pptx")
        }
        return forms, (await csm.get(f"{here}/draft")).text


def _proposed(content: bytes) -> list[str]:
    section = next(each for each in json.loads(content)["sections"] if each["id"] == "recommendations")
    (row,) = section["tables"][0]["rows"]
    return [each["value"] for each in row["cells"]]


def _states(content: bytes) -> dict[str, str]:
    return {each["id"]: each["state"] for each in json.loads(content)["sections"]}


def _csv(content: bytes) -> dict[str, dict[str, str]]:
    return {row["place"]: row for row in csv.DictReader(io.StringIO(content.decode()))}
