"""A QBR goes out while what it rests on stands: what took its place is named, and one click gathers it anew."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
import report_desk
from qbr_desk import bundle_of, everything, issue, prepare
from report_desk import CORA, Q2, publish, trust_of
from support.portal_fixtures import Portal
from support.portal_world import LAST_DAY, deliver
from support.sequencing import sequencing

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict
from trust_portal.evidence import bundle
from trust_portal.evidence.verdict import Verdict
from trust_portal.evidence.verify import FIGURES, verify
from trust_portal.house import House
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.qbr import document
from trust_portal.trust.qbr.model import (
    FORMAT,
    CommitmentState,
    EntryKind,
    Promise,
    Qbr,
    Say,
    Settle,
)
from trust_portal.trust.qbr.recompute import recompute_qbr
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=40)

JUNE = "2026-06"


async def test_a_draft_beside_a_trust_report_that_was_superseded_is_issued_once_it_is_gathered_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    await publish(house, aurora.id, reason="a figure was late")
    anew = await _is_gathered_anew(portal, draft, "Trust Report for Q2 2026, revision 2")
    body = await _issued(house, anew)
    assert (body["trust_report"]["period"], body["trust_report"]["revision"]) == (Q2, "2")
    assert _documents(body)["trust-report"][1:3] == ["Q2 2026", "2"]


async def test_a_draft_of_before_the_first_trust_report_is_issued_once_it_is_gathered_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    draft = await prepare(house, aurora.id)
    await publish(house, aurora.id, period="2026-Q1")
    anew = await _is_gathered_anew(portal, draft, "Trust Report for Q1 2026, revision 1")
    assert (await _issued(house, anew))["trust_report"]["period"] == "2026-Q1"


async def test_a_draft_whose_sla_report_was_restated_is_issued_once_it_is_gathered_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=1))
    await _correct(house)
    restated = await house.reports.issue(IssueReport(aurora.id, JUNE, "one more minute came in"), CONSOLE)
    assert restated.revision == 2
    anew = await _is_gathered_anew(portal, draft, "SLA report for June 2026, revision 2")
    row = _documents(await _issued(house, anew))[f"sla-{JUNE}"]
    assert (row[2], row[5:]) == ("2", ["does not age", "fresh", "inputs/sla/2026-06-r2.json"])


async def test_a_draft_that_rests_on_a_month_before_its_quarter_is_superseded_with_it_at_every_door(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 10, 20)), CORA)
    draft = await prepare(house, aurora.id, "2026-Q3")
    assert await _readiness(house) is Readiness.BLOCKED
    portal.clock.advance(timedelta(minutes=1))
    await _correct(house)
    await house.reports.issue(IssueReport(aurora.id, JUNE, "one more minute came in"), CONSOLE)
    newer = "SLA report for June 2026, revision 2"
    assert (await house.qbr_reader.draft(CORA, aurora.id, draft.id)).newer == (newer,)
    assert await _readiness(house) is Readiness.SUPERSEDED
    before = await everything(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await issue(house, draft)
    assert refused.value.code == "INPUT_SUPERSEDED"
    assert await everything(house, aurora.id) == before
    async with portal.browser("csm") as csm:
        assert "Superseded, gather anew" in (await csm.get("/accounts")).text
        query = "{ accounts(first: 50) { nodes { key readiness } } }"
        answer = (await csm.post("/graphql", json={"query": query})).json()["data"]["accounts"]["nodes"]
        assert {each["key"]: each["readiness"] for each in answer}["aurora"] == "SUPERSEDED"
    await prepare(house, aurora.id, "2026-Q3")
    assert await _readiness(house) is Readiness.BLOCKED


async def test_what_is_left_out_supersedes_no_draft_in_the_list_as_it_does_none_on_its_page(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 10, 20)), CORA)
    draft = await prepare(house, aurora.id, "2026-Q3")
    for section in ("sla", "outcome", "changes"):
        await house.qbrs.say(
            Say(aurora.id, "2026-Q3", EntryKind.OMISSION, section, "It is told by mail."), CORA
        )
    portal.clock.advance(timedelta(minutes=1))
    await _correct(house)
    await house.reports.issue(IssueReport(aurora.id, JUNE, "one more minute came in"), CONSOLE)
    assert (await house.qbr_reader.draft(CORA, aurora.id, draft.id)).newer == ()
    assert await _readiness(house) is Readiness.BLOCKED
    assert (await house.accounts.look(CORA, aurora.id)).readiness is Readiness.BLOCKED
    assert (await issue(house, draft)).issue is not None
    assert await _readiness(house) is Readiness.ISSUED


async def test_a_draft_that_was_gathered_for_an_earlier_format_is_issued_once_it_is_gathered_anew(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    with monkeypatch.context() as earlier:
        earlier.setattr(document, "FORMAT", "1")
        draft = await prepare(house, aurora.id)
    anew = await _is_gathered_anew(portal, draft, "reviews say more than when this was gathered")
    assert (await _issued(house, anew))["format"] == FORMAT


async def test_a_draft_of_before_something_was_promised_and_settled_is_issued_once_it_is_gathered_anew(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    due = date(2026, 9, 1)
    earlier, later = [
        await house.qbrs.promise(Promise(aurora.id, text, "Cora", due, "2026-Q1"), CORA)
        for text in ("A postmortem of every P1", "A second source")
    ]
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=30))
    for text in ("Answer within a day", "Call back within a week"):
        await house.qbrs.promise(Promise(aurora.id, text, "Sam", due, Q2), CORA)
    await house.qbrs.settle(Settle(aurora.id, earlier.id, CommitmentState.KEPT, "all are published"), CORA)
    known = "commitments recorded since (2 promised, 1 settled)"
    async with portal.browser("csm") as csm:
        asked = {"id": encode("Qbr", aurora.id, draft.id)}
        query = "query ($id: ID!) { qbr(id: $id) { draft { superseded } } }"
        answer = await csm.post("/graphql", json={"query": query, "variables": asked})
        assert answer.json()["data"] == {"qbr": {"draft": {"superseded": [known]}}}
        before = await everything(house, aurora.id)
        issuing = (
            "mutation ($input: IssueQbrInput!) { issueQbr(input: $input) { userErrors { code message } } }"
        )
        refused = await csm.post(
            "/graphql", json={"query": issuing, "variables": {"input": {"qbrId": asked["id"]}}}
        )
        assert refused.json()["data"]["issueQbr"]["userErrors"] == [
            {
                "code": "INPUT_SUPERSEDED",
                "message": f"what this rests on was superseded: {known}. Gather it anew: what was said stays",
            }
        ]
        assert await everything(house, aurora.id) == before
    anew = await _is_gathered_anew(portal, draft, known)
    (section,) = [each for each in (await _issued(house, anew))["sections"] if each["id"] == "commitments"]
    told = {
        each["id"]: {row["cells"][0]["value"]: row["cells"][3]["value"] for row in each["rows"]}
        for each in section["tables"]
    }
    assert told == {
        "commitments": {earlier.text: "kept", later.text: "open"},
        "new": {"Answer within a day": "open", "Call back within a week": "open"},
    }


async def test_a_draft_stays_as_it_is_where_a_promise_is_made_in_the_review_after_it(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 31)), CORA)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=30))
    await house.qbrs.promise(Promise(aurora.id, "Answer", "Sam", date(2026, 9, 1), "2026-Q3"), CORA)
    assert (await house.qbr_reader.draft(CORA, aurora.id, draft.id)).newer == ()
    assert await _readiness(house) is Readiness.BLOCKED
    await issue(house, draft)


async def test_an_sla_report_that_later_data_contradict_is_stale_wherever_a_review_names_it(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await publish(house, aurora.id)
    draft = await prepare(house, aurora.id)
    portal.clock.advance(timedelta(minutes=1))
    await _correct(house)
    with pytest.raises(Conflict) as refused:
        await house.reports.issue(IssueReport(aurora.id, JUNE), CONSOLE)
    assert refused.value.code == "REASON_REQUIRED"
    known = "SLA report for June 2026, revision 1 (other figures are known by now)"
    anew = await _is_gathered_anew(portal, draft, known)
    report = await publish(house, aurora.id, reason="June is contradicted")
    anew = await _is_gathered_anew(portal, anew, "Trust Report for Q2 2026, revision 2")
    issued = await issue(house, anew)
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
        _, beside = await report_desk.bundle_of(house, report)
    verdict = await _verified(house, anew, data)
    assert (await _verified(house, anew, beside)).findings == verdict.findings == ()
    files = bundle.read(data).files
    body = json.loads(files["qbr.json"])
    sla = next(each for each in body["sections"] if each["id"] == "sla")
    assert (sla["state"], sla["why"].partition(" for June 2026")[0]) == (
        "stale", "data received since give other figures",
    )  # fmt: skip
    (stated,) = next(each for each in sla["tables"] if each["id"] == "reports")["rows"]
    at = rfc3339(portal.clock.now())
    assert (stated["cells"][-1]["value"], stated["cells"][-1]["unit"]) == (at, "instant")
    row = _documents(body)[f"sla-{JUNE}"]
    assert row[5:] == ["until other figures are known", "stale", "inputs/sla/2026-06-r1.json"]
    assert b"inputs/documents/sla-2026-06/state,text,,stale," in files["qbr.csv"]
    async with portal.browser("customer_viewer") as viewer:
        for page in (f"/t/aurora/qbr/{issued.id}", f"/t/aurora/trust/{report.id}"):
            answer = await viewer.get(page)
            assert (answer.status_code, "Other figures known" in answer.text) == (200, True), page

    number, section = next(
        (number, each) for number, each in enumerate(body["sections"]) if each["id"] == "inputs"
    )
    rows = section["tables"][0]["rows"]
    place = [each["id"] for each in rows].index(f"sla-{JUNE}")
    rows[place]["cells"][6]["value"] = "fresh"
    found = {each.field: each.recomputed for each in recompute_qbr({**files, "qbr.json": canonical(body)})}
    assert found[f"$.sections[{number}].tables[0].rows[{place}].cells[6].value"] == "stale"


async def test_what_verifying_a_review_derives_and_what_it_does_not_is_said_exactly(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    qbr = await issue(house, await prepare(house, aurora.id))
    async with sequencing(house):
        _, data = await bundle_of(house, qbr)
        _, beside = await report_desk.bundle_of(house, report)
    review, trust_report = await _verified(house, qbr, data), await _verified(house, qbr, beside)
    assert review.findings == trust_report.findings == ()
    assert (
        "service levels, issued credits, what changed and what the review rests on follow from the bundle's own "
        "inputs, string for string; so do the sums of commitments, savings, incidents and cost and the counts of posture and compliance from their rows, what "
        "usage and recommendations say of the rows beside them (amounts and shares up to their rounding), and the period "
        "in one look from the sections that went out beside it; and no section is fresher than its age allows"
    ) in review.proved
    assert (
        "service levels, issued credits and what changed follow from the bundle's own inputs, string for string; so do "
        "the sums of incidents and cost and the counts of posture, compliance and access from their rows, and no section is fresher than its age allows"
    ) in trust_report.proved
    assert FIGURES not in {*review.proved, *trust_report.proved}, "not all of them do"
    word = "That figures without a receipt are right: they are the vendor's signed word, with source and age"
    assert word in trust_report.not_proved
    assert {
        word,
        (
            "That the rows of usage, commitments, savings, incidents, cost, posture and compliance, and credits that "
            "are due or wait are right: they are as they were locked, and nothing derives them again"
        ),
        "That recommendations are right: somebody accepted each, and nothing derives their grounds again",
    } <= set(review.not_proved)


async def _is_gathered_anew(portal: Portal, draft: Qbr, newer: str) -> Qbr:
    """Nobody issues the draft as it is, whatever they let stand; its page says why, and a click makes another."""
    house = portal.house
    await house.accounts.set(SetAccount(draft.tenant_id, None, date(2026, 7, 31)), CORA)
    assert await _readiness(house) is Readiness.SUPERSEDED
    assert (await house.accounts.look(CORA, draft.tenant_id)).readiness is Readiness.SUPERSEDED
    await house.qbrs.say(Say(draft.tenant_id, Q2, EntryKind.COMMENT, "sla", "We know."), CORA)
    before = await everything(house, draft.tenant_id)
    said = f"what this rests on was superseded: {newer}. Gather it anew: what was said stays"
    with pytest.raises(Conflict) as refused:
        await issue(house, draft)
    assert (refused.value.code, refused.value.message) == ("INPUT_SUPERSEDED", said)
    here = f"/t/aurora/qbr/{draft.id}"
    async with portal.browser("csm") as csm:
        assert "Superseded, gather anew" in (await csm.get("/accounts")).text
        answer = await csm.post(f"{here}/issue", data={})
        assert (answer.status_code, said in answer.text) == (409, True)
        assert await everything(house, draft.tenant_id) == before
        page = (await csm.get(f"{here}/draft")).text
        assert (
            f"What this rests on was superseded: {newer}. It is not issued as it is. Gather it anew" in page
        )
        form = re.search(
            r'<form method="post" action="(/t/aurora/qbr)"><input type="hidden" name="period" value="([^"]+)">'
            r".*?Gather anew", page,
        )  # fmt: skip
        assert form is not None
        anew = await csm.post(form[1], data={"period": form[2]})
        page = (await csm.get(anew.headers["location"])).text
        assert "We know." in page, "what was said stays"
        assert "superseded" not in page
        assert "Superseded" not in (await csm.get("/accounts")).text
    assert await _readiness(house) is Readiness.BLOCKED
    (qbr,) = await house.qbr_reader.drafts(CORA, draft.tenant_id)
    assert str(qbr.id) in anew.headers["location"]
    return qbr


async def _readiness(house: House) -> Readiness:
    return next(each.readiness for each in await house.accounts.list(CORA) if each.tenant.key == "aurora")


async def _issued(house: House, qbr: Qbr) -> Mapping[str, Any]:
    await issue(house, qbr)
    return (await house.qbr_reader.get(CORA, qbr.tenant_id, qbr.id)).document


async def _verified(house: House, qbr: Qbr, data: bytes) -> Verdict:
    return verify(data, policy=await trust_of(house, qbr.tenant_id), kinds=KINDS, recomputers=RECOMPUTERS)


def _documents(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a review rests on, each with what its cells say."""
    (table,) = next(each for each in body["sections"] if each["id"] == "inputs")["tables"]
    return {row["id"]: [cell["value"] for cell in row["cells"]] for row in table["rows"]}


async def _correct(house: House) -> None:
    """A better count of a minute of June, which was down after all."""
    number = 10
    event = {
        "specversion": "1.0",
        "type": "trustportal.sli.measured.v1",
        "source": "//test",
        "id": f"aurora-{number}-again",
        "time": rfc3339(LAST_DAY + timedelta(minutes=number)),
        "data": {
            "tenant": "aurora", "objective": "api", "total": 100, "good": 40, "correction_of": f"aurora-{number}",
        },
    }  # fmt: skip
    await deliver(house, [event])
