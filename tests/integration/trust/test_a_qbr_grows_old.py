"""What a QBR rests on has its age, and so has a draft: both are said, and keep it in until somebody lets them stand."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from qbr_desk import bundle_of, everything, issue, prepare
from report_desk import CORA, Q2, publish, trust_of
from support.document_forms import of_page, of_pdf, of_slides, words
from support.portal_fixtures import Portal
from support.portal_world import sign_in
from support.sequencing import sequencing

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.qbr.model import EntryKind, IssueQbr, Qbr, Say
from trust_portal.trust.qbr.recompute import recompute_qbr
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import Acknowledgement, blocked_as, blocking
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=40)

_INPUTS = "query ($id: ID!) { qbr(id: $id) { inputs { document of revision asOf maxAge state file } } }"


async def test_a_review_without_a_trust_report_says_so_everywhere_and_is_not_issued_by_itself(
    portal: Portal, tmp_path
) -> None:
    house, aurora = portal.house, portal.world.aurora
    qbr = await prepare(house, aurora.id)
    inputs = await _inputs(house, qbr)
    assert (inputs.state, inputs.why, inputs.as_of) == (
        State.MISSING, "no Trust Report is published of the period, or of one before it", None,
    )  # fmt: skip
    assert sentences(inputs) == (
        "No Trust Report is published of the period, or of one before it. Documents in the bundle: 1; missing: 2.",
    )
    rows = _rows(inputs)
    assert rows["trust-report"] == [
        "Trust Report", "none is published", "none", "none", "none", "31 d", "missing", "none",
    ]  # fmt: skip
    assert rows["sla-2026-06"][:3] == ["SLA report", "June 2026", "1"]
    assert rows["sla-2026-06"][5:] == ["does not age", "fresh", "inputs/sla/2026-06-r1.json"]
    (owed,) = (row for id_, row in rows.items() if id_.startswith("postmortem-"))
    assert (owed[:2], owed[6:]) == (["Postmortem", "Secret trouble of aurora"], ["missing", "none"])
    assert rows["previous"][1:3] == ["none is issued", "none"]
    assert rows["previous"][6] == "does not apply"

    before = await everything(house, aurora.id)
    with pytest.raises(InvalidInput):
        await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "inputs", "Nobody asks."), CORA)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    others = [each.id for each in blocking(draft.told) if each.id != "inputs"]
    with pytest.raises(Conflict) as refused:
        await _issue_but(house, qbr, "inputs")
    assert (refused.value.code, refused.value.field) == ("SECTIONS_BLOCK", "reason-inputs")
    assert await everything(house, aurora.id) == before

    issued = await issue(house, qbr)
    assert issued.issue is not None
    assert [each.section for each in issued.issue.acknowledged] == [*others, "inputs"]
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    reason = "we know that of what this review rests on"
    assert any("no Trust Report is published" in each and reason in each for each in verdict.proved)
    files = bundle.read(data).files
    page = (await portal.browser("customer_viewer").get(f"/t/aurora/qbr/{qbr.id}")).text
    said = words(sentences(inputs)[0])
    assert said in of_page(page)["inputs"].sentences
    for form in (of_pdf(files["qbr.pdf"], tmp_path), "".join(of_slides(files["qbr.pptx"]))):
        assert said in form
        assert words(reason) in form
    assert b"inputs/documents/trust-report/state,text,,missing,missing" in files["qbr.csv"]
    async with portal.browser("csm") as csm:
        asked = {"query": _INPUTS, "variables": {"id": encode("Qbr", aurora.id, qbr.id)}}
        found = (await csm.post("/graphql", json=asked)).json()["data"]["qbr"]["inputs"]
    assert found[0] == {
        "document": "Trust Report", "of": "none is published", "revision": None, "asOf": None,
        "maxAge": "31\u00a0d", "state": "MISSING", "file": None,
    }  # fmt: skip
    assert (found[1]["document"], found[1]["revision"], found[1]["file"]) == (
        "SLA report", 1, "inputs/sla/2026-06-r1.json",
    )  # fmt: skip


async def test_a_trust_report_that_is_older_than_a_month_is_stale_and_one_of_today_is_fresh(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    fresh = await _inputs(house, await prepare(house, aurora.id))
    assert fresh.state is State.FRESH
    assert fresh.as_of == report.as_of
    assert _rows(fresh)["trust-report"] == [
        "Trust Report", "Q2 2026", "1", "10 July 2026, 09:00 UTC", "10 July 2026, 09:00 UTC", "31 d", "fresh",
        "inputs/trust-report.json",
    ]  # fmt: skip
    assert fresh.table("documents").rows[0].cells[0].receipt == str(report.receipt_id)
    portal.clock.advance(timedelta(days=31))
    assert (await _inputs(house, await prepare(house, aurora.id))).state is State.FRESH, "just as old"
    portal.clock.advance(timedelta(days=1))
    qbr = await prepare(house, aurora.id)
    old = await _inputs(house, qbr)
    assert (old.state, _plain(old.why)) == (State.STALE, "it is 32 d old, and may be 31 d")
    assert _rows(old)["trust-report"][6] == "stale"
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await _issue_but(house, qbr, "inputs")
    assert (refused.value.code, refused.value.field) == ("SECTIONS_BLOCK", "reason-inputs")
    assert await everything(house, aurora.id) == before


async def test_a_draft_that_waited_is_issued_by_nobody_unseen_and_gathered_anew_with_one_click(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    review_on = portal.clock.now().date() + timedelta(days=7)
    await house.accounts.set(SetAccount(aurora.id, None, review_on), CORA)
    qbr = await prepare(house, aurora.id)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.COMMENT, "sla", "We **know**."), CORA)
    locked = {each.id: each.state for each in blocking((await _draft(house, qbr)).told)}
    assert set(locked) == {"outcome", "incidents", "credits", "posture", "compliance"}
    portal.clock.advance(timedelta(days=2))

    draft = await _draft(house, qbr)
    aged = {each.id: _plain(each.why) for each in blocking(draft.told) if each.id not in locked}
    assert aged["commitments"] == "it is 2 d old, and may be 1 d"
    assert {"commitments", "savings"} <= aged.keys()
    assert {each.id for each in draft.sections if each.state.blocks} == locked.keys(), "what was locked stays"
    (account,) = (each for each in await house.accounts.list(CORA) if each.tenant.key == "aurora")
    assert account.readiness is Readiness.AGED
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await _issue_but(house, qbr, *aged)
    assert refused.value.code == "SECTIONS_BLOCK"
    assert await everything(house, aurora.id) == before

    async with portal.browser(cookie=await _signed_in(house)) as csm:
        here = f"/t/aurora/qbr/{qbr.id}"
        page = (await csm.get(f"{here}/draft")).text
        assert "Every part is fresh" not in page
        assert "parts were up to date when this was gathered, and no longer:" in page
        form = re.search(
            r'<form method="post" action="(/t/aurora/qbr)"><input type="hidden" name="period" value="([^"]+)">'
            r'.*?Gather anew', page,
        )  # fmt: skip
        assert form is not None
        assert (await csm.post(f"{here}/issue", data=_let_stand(page, but=set(aged)))).status_code == 409
        anew = await csm.post(form[1], data={"period": form[2]})
        assert anew.status_code == 303
        page = (await csm.get(anew.headers["location"])).text
        assert "We <strong>know</strong>." in page, "what was said stays"
        assert "Gather anew" not in page
        given = _let_stand(page)
        assert {each.removeprefix("reason-") for each in given if each.startswith("reason-")} == locked.keys()
        issued = await csm.post(anew.headers["location"].replace("/draft", "/issue"), data=given)
        assert issued.status_code == 303


async def test_what_grew_old_is_printed_as_stale_with_its_reason_and_nobody_makes_it_fresh_again(
    portal: Portal, tmp_path
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(days=2))
    issued = await issue(house, qbr)
    async with sequencing(house):
        export, data = await bundle_of(house, issued)
        assert await house.exports.reproduce(aurora.id, export.id) == data
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    assert body["issued_at"] == "2026-07-12T09:00:00Z"
    sections = {each.id: each for each in sections_of(body)}
    assert sections["savings"].state is State.STALE
    assert sections["usage"].state is State.NOT_APPLICABLE
    (said,) = (each for each in body["acknowledgements"] if each["section"] == "savings")
    assert (said["state"], said["reason"]) == ("stale", "we know that of savings")
    assert _plain(said["why"]) == "it is 2 d old, and may be 1 d"
    paper = of_pdf(files["qbr.pdf"], tmp_path)
    assert words(f"Issued although stale: {said['why']}. Reason: we know that of savings") in paper
    assert b"savings/verified,count,,0,stale," in files["qbr.csv"]

    number = list(sections).index("savings")
    body["sections"][number].update(state="fresh", why=None)
    found = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(body)})}
    assert found[f"$.sections[{number}].state"] == "stale"
    assert found["$.acknowledgements.savings"] == "nothing to acknowledge"


async def test_what_is_missing_and_grew_too_old_besides_says_both_on_page_in_document_and_to_whoever_verifies(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    qbr = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(days=2))
    told = {
        "incidents": "no signed postmortem of P1 Secret trouble of aurora; it is 2 d old, and may be 1 h",
        "credits": "due, and not on its way: EUR 100.00 for June 2026; it is 2 d old, and may be 1 d",
        "posture": "not checked",
    }
    stands = {each.id: each for each in (await _draft(house, qbr)).told}
    assert {name: _plain(stands[name].why) for name in told} == told
    assert {stands[name].state for name in told} == {State.MISSING}
    issued = await issue(house, qbr)
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    printed = {each["section"]: _plain(each["why"]) for each in body["acknowledgements"]}
    assert {name: printed[name] for name in told} == told
    async with portal.browser(cookie=await _signed_in(house)) as csm:
        page = _plain(html.unescape((await csm.get(f"/t/aurora/qbr/{qbr.id}")).text))
    assert [why for why in told.values() if why not in page] == []
    number = [each["id"] for each in body["sections"]].index("incidents")
    whole = body["sections"][number]["why"]
    body["sections"][number]["why"] = "no signed postmortem of P1 Secret trouble of aurora"
    found = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(body)})}
    assert found[f"$.sections[{number}].why"] == whole


async def _signed_in(house: House) -> str:
    """The cookie of a CSM: the world's own sessions end in a day."""
    person = await house.people.add(AddPerson(VENDOR_ID, "cora@vendor.example", "Cora"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.CSM, None), CONSOLE)
    _, cookie = await sign_in(house, person)
    return cookie


async def _draft(house: House, qbr: Qbr):
    return await house.qbr_reader.draft(CORA, qbr.tenant_id, qbr.id)


async def _inputs(house: House, qbr: Qbr) -> Section:
    return next(each for each in (await _draft(house, qbr)).told if each.id == "inputs")


def _rows(section: Section) -> dict[str, list[str]]:
    return {row.id: [_plain(display(cell)) for cell in row.cells] for row in section.table("documents").rows}


def _plain(said: str | None) -> str:
    return (said or "").replace("\u00a0", " ")


async def _issue_but(house: House, qbr: Qbr, *sections: str) -> None:
    """With everything let stand but these."""
    told = (await _draft(house, qbr)).told
    given = tuple(
        Acknowledgement(each.id, "we know", blocked_as(each))
        for each in blocking(told)
        if each.id not in sections
    )
    await house.qbrs.issue(IssueQbr(qbr.tenant_id, qbr.id, given), CORA)


def _let_stand(page: str, but: set[str] = frozenset()) -> dict[str, str]:
    """The form as somebody fills it in."""
    seen = re.findall(r'name="seen-([^"]+)" value="([^"]*)"', page)
    given = {f"seen-{name}": html.unescape(value) for name, value in seen}
    return given | {f"reason-{name}": "we know" for name, _ in seen if name not in but}
