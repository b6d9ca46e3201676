"""A QBR by the portal's forms and over GraphQL, prepared by the clock, and what customers see of it."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from pptx import Presentation
from qbr_desk import asked_for, by_the_clock, issue, prepare, use
from report_desk import CORA, Q2, publish
from sqlalchemy import text
from support.document_forms import of_pdf, stands_in_list, stands_on
from support.portal_fixtures import Portal

from jobs.accounts import mind_accounts
from schema.ids import decode, encode
from trust_portal.access.access_log.model import AccessFilter
from trust_portal.evidence.export_rows import change_export
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.accounts.model import Readiness, SetAccount
from trust_portal.trust.qbr.internal import Internal, internal_pdf
from trust_portal.trust.qbr.model import Prepare

pytestmark = pytest.mark.takes(seconds=10)

LIST = "/t/aurora/qbr"
_NODE = "query ($id: ID!) { node(id: $id) { ... on Qbr { period revision } } }"


async def test_a_review_goes_from_its_date_to_the_customer_by_forms_alone(portal: Portal, tmp_path):
    async with portal.browser("csm") as csm:
        answer = await csm.post(
            "/t/aurora/account", data={"csm": "", "review_on": "2026-07-20", "lead_days": "7"}
        )
        assert answer.status_code == 303
        assert "20\u00a0July 2026" in (await csm.get("/accounts")).text
        wrong = await csm.post("/t/aurora/account", data={"review_on": "soon", "lead_days": "7"})
        assert wrong.status_code == 422
        assert "write the day as 2026-07-14" in wrong.text

        promised = {"text": "Answer within a day", "owner": "Sam", "due": "2026-09-01"}
        assert (await csm.post(f"{LIST}/commitments", data=promised)).status_code == 303
        prepared = await csm.post(LIST, data={"period": Q2})
        assert prepared.status_code == 303
        here = prepared.headers["location"].removesuffix("/draft")
        for kind, audience, said in (
            ("comment", "customer", "We **know**."),
            ("comment", "internal", "They are angry."),
            ("omission", "customer", "Shown in person."),
        ):
            section = "savings" if kind == "omission" else "sla"
            form = {"period": Q2, "section": section, "kind": kind, "audience": audience, "text": said}
            assert (await csm.post(f"{here}/say", data=form)).status_code == 303
        page = (await csm.get(f"{here}/draft")).text
        assert "We <strong>know</strong>." in page
        assert "They are angry." in page

        refused = await csm.post(f"{here}/issue", data={})
        assert refused.status_code == 409
        assert "Acknowledge each" in refused.text
        seen = re.findall(r'name="(seen-[^"]+)" value="([^"]*)"', page)
        given = {name: html.unescape(value) for name, value in seen}
        given |= {name.replace("seen-", "reason-"): "we know" for name, _ in seen}
        late = await csm.post(f"{here}/issue", data={**given, "entries": "2"})
        assert late.status_code == 409, "of what was said third, whoever issues it has seen nothing"
        assert "something was said about it since you read it" in late.text
        given["entries"] = re.search(r'name="entries" value="([^"]*)"', page)[1]
        slides = await csm.get(f"{here}/internal.pptx")
        texts = [
            shape.text_frame.text
            for slide in Presentation(BytesIO(slides.content)).slides
            for shape in slide.shapes
            if shape.has_text_frame
        ]
        assert any("They are angry." in each for each in texts)
        paper = await csm.get(f"{here}/internal.pdf")
        assert "Theyareangry." in of_pdf(paper.content, tmp_path), "the vendor's people read all of it"
        assert "Savings" in of_pdf(paper.content, tmp_path), "also what is left out for the customer"
        draft = await portal.house.qbr_reader.draft(
            CORA, portal.world.aurora.id, UUID(here.rpartition("/")[2])
        )
        internal = Internal(draft, "Aurora", "Vendor Ltd", "UTC")
        assert internal_pdf(internal) == internal_pdf(internal), "same draft, same bytes"
        assert paper.content != internal_pdf(internal)
        taken = of_pdf(paper.content, tmp_path)
        assert taken.count("Reader’scopy,takenbyCsm,10July2026,09:00UTC.Internal:nothingofitissigned.") > 1
        async with portal.browser("customer_admin") as admin:
            log = (await admin.get("/t/aurora/access?did=downloaded")).text
            for form in ("csv", "json"):
                assert f"internal.{form}" not in log, "of what nobody took there is nothing"
                assert (await csm.get(f"{here}/internal.{form}")).status_code == 200
            log = (await admin.get("/t/aurora/access?did=downloaded")).text
        for form in ("csv", "json", "pdf", "pptx"):
            assert log.count(f"QBR draft, internal.{form}") == 1, "who took a draft along is in their log"
        async with portal.browser("customer_viewer") as viewer:
            assert (await viewer.get(here)).status_code == 404, "a draft is nobody else's"
            assert (await viewer.get(f"{here}/internal.pdf")).status_code == 403
            assert (await viewer.get(f"{here}/draft")).status_code == 403
            assert (await csm.post(f"{here}/issue", data=given)).status_code == 303
            read = (await viewer.get(here)).text
            assert "Answer within a day" in read
            assert "We <strong>know</strong>." in read
            assert "Shown in person." in read
            assert "They are angry." not in read
            assert 'id="section-savings"' not in read
            assert here in (await viewer.get(LIST)).text
        async with portal.house.storage.read(TenantScope(portal.world.aurora.id)) as session:
            told = await session.execute(
                text("SELECT count(*) FROM notifications WHERE tenant_id = :t AND topic = 'qbr.issued'"),
                {"t": portal.world.aurora.id},
            )
            assert told.scalar_one() == 1


async def test_a_refused_form_keeps_what_was_typed_in_its_place_and_what_is_judged_and_settled_stays_so(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    made = (await prepare(house, aurora.id)).id
    here = f"/t/aurora/qbr/{made}"
    advice = "dedicated-pool-eur"

    async def said() -> list[tuple[str, str]]:
        draft = await house.qbr_reader.draft(CORA, aurora.id, made)
        return [(each.kind.value, each.text) for each in draft.entries]

    async with portal.browser("csm") as csm, portal.browser("customer_admin") as customer:
        page = (await csm.get(f"{here}/draft")).text
        seen = re.search(
            rf'name="recommendation" value="{advice}"><input [^>]*name="seen" value="(\w+)"', page
        )[1]
        form = {
            "period": Q2,
            "recommendation": advice,
            "seen": seen,
            "verdict": "accepted",
            "why": "It fits.",
        }
        for change, status in (
            ({"why": " "}, 422),
            ({"verdict": ""}, 422),
            ({"verdict": "perhaps"}, 422),
            ({"seen": "0" * 64}, 409),
        ):
            refused = await csm.post(f"{here}/review", data=form | change)
            assert (refused.status_code, "nothing was changed" in refused.text) == (status, True)
            assert (f'id="why-{advice}-error"' in refused.text) is ("why" in change)
            assert (">It fits.</textarea>" in refused.text) is ("why" not in change), "what was typed stays"
            assert refused.text.count("It fits.") == ("why" not in change), "and in its own place alone"
        long = {
            "period": Q2,
            "section": "sla",
            "kind": "comment",
            "audience": "internal",
            "text": "Sorry. " + "word " * 4000,
        }
        refused = await csm.post(f"{here}/say", data=long)
        assert (refused.status_code, refused.text.count(">Sorry. word")) == (422, 1)
        assert (await customer.post(f"{here}/review", data=form)).status_code == 403
        assert await said() == []
        judged = await csm.post(f"{here}/review", data=form)
        assert (judged.status_code, judged.headers["location"]) == (
            303,
            f"{here}/draft#section-recommendations",
        )
        assert await said() == [("review", "It fits.")]
        assert re.search(
            r"Accepted</span></span> <span>Csm: It fits\.</span>", (await csm.get(f"{here}/draft")).text
        )

        promised = {"text": "Answer within a day", "owner": "Sam", "due": "2026-09-01"}
        await csm.post(f"{LIST}/commitments", data=promised)
        await csm.post(f"{LIST}/commitments", data=promised | {"text": "Call back within a week"})
        settle = re.search(rf'action="({LIST}/commitments/[0-9a-f-]+)"', (await csm.get(LIST)).text)[1]
        kept = {"state": "kept", "evidence": "median of four hours"}
        for change, wrong in (
            ({"evidence": " "}, ["evidence"]),
            ({"state": ""}, ["state"]),
            ({"state": "open"}, ["state"]),
            ({"state": "", "evidence": " "}, ["state", "evidence"]),
        ):
            refused = await csm.post(settle, data=kept | change)
            mine = settle.rsplit("/", 1)[1]
            assert refused.status_code == 422
            assert re.findall(r'<li><a href="#(\S+)">', refused.text) == [f"{name}-{mine}" for name in wrong]
            assert [f'id="{name}-{mine}-error"' in refused.text for name in wrong] == [True] * len(wrong)
            assert refused.text.count("<details open><summary>Settle</summary>") == 1, "its form, no other's"
            assert (">median of four hours</textarea>" in refused.text) is ("evidence" not in change)
        assert (await customer.post(settle, data=kept)).status_code == 403
        commitment, _ = await house.qbr_reader.commitments(CORA, aurora.id)
        assert commitment.period == Q2, "the review of the last quarter that is over"
        assert (commitment.state.value, commitment.evidence) == ("open", None)
        assert (await csm.post(settle, data=kept)).headers["location"] == f"{LIST}#commitments"
        assert (await csm.post(settle, data=kept | {"state": "missed"})).status_code == 409
        commitment, _ = await house.qbr_reader.commitments(CORA, aurora.id)
        assert (commitment.state.value, commitment.evidence) == ("kept", "median of four hours")


async def test_the_same_over_graphql_with_refusals_as_user_errors(portal: Portal):
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    async with portal.browser("csm") as csm:
        bad = await _do(csm, "prepareQbr", "qbr { id }", tenantId=tenant, period="June")
        assert bad["userErrors"][0]["path"] == ["input", "period"]
        made = await _do(
            csm, "prepareQbr", "qbr { id period revision blockingCount }", tenantId=tenant, period=Q2
        )
        qbr = made["qbr"]
        assert (qbr["period"], qbr["revision"]) == (Q2, None)
        assert (await _ask(csm, _NODE, id=qbr["id"]))["node"] == {"period": Q2, "revision": None}
        waiting = "query ($t: ID!) { qbrDrafts(tenantId: $t) { id blockingCount } }"
        assert (await _ask(csm, waiting, t=tenant))["qbrDrafts"] == [
            {"id": qbr["id"], "blockingCount": qbr["blockingCount"]}
        ]
        early = await _do(csm, "requestExport", "export { id }", documentId=qbr["id"])
        assert early["userErrors"] == [{"code": "NOT_FOUND", "path": []}], "a draft has no bundle"
        async with portal.browser("customer_viewer") as viewer:
            assert (await _ask(viewer, _NODE, id=qbr["id"]))["node"] is None, "a draft is nobody else's"
        blocked = await _do(csm, "issueQbr", "qbr { id }", qbrId=qbr["id"])
        assert blocked["userErrors"][0]["code"] == "SECTIONS_BLOCK"
        query = "query ($id: ID!) { qbr(id: $id) { draft { blocking { section seen } entries { text } } } }"
        draft = (await _ask(csm, query, id=qbr["id"]))["qbr"]["draft"]
        assert len(draft["blocking"]) == qbr["blockingCount"]
        given = [{**each, "reason": "we know"} for each in draft["blocking"]]
        issued = await _do(
            csm, "issueQbr", "qbr { revision sha256 }", qbrId=qbr["id"], acknowledgements=given
        )
        assert issued["userErrors"] == []
        accounts = await _ask(csm, "{ accounts(first: 50) { nodes { key readiness } } }")
        states = {each["key"]: each["readiness"] for each in accounts["accounts"]["nodes"]}
        assert states["aurora"] == "NO_DATE"
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        query = "query ($t: ID!) { qbrs(tenantId: $t, first: 5) { nodes { id revision sha256 } } }"
        ((mine,),) = (found["nodes"] for found in (await _ask(program, query, t=tenant)).values())
        assert mine["sha256"] == issued["qbr"]["sha256"]
        whole = await _ask(program, "query ($id: ID!) { qbr(id: $id) { document } }", id=mine["id"])
        assert '"kind":"qbr"' in whole["qbr"]["document"]
        assert (await _ask(program, _NODE, id=mine["id"]))["node"] == {"period": Q2, "revision": 1}
        number = decode(mine["id"]).id
    everything = "query ($id: ID!) { qbr(id: $id) { period document exportId supersededById inputs { file } draft { entries { text } } } }"
    async with portal.browser("customer_viewer") as viewer:
        asked = {"query": everything, "variables": {"id": mine["id"]}}
        told = (await viewer.post("/graphql", json=asked)).json()
        assert (told["data"]["qbr"]["period"], told["data"]["qbr"]["draft"]) == (Q2, None)
        assert told["data"]["qbr"]["document"] == whole["qbr"]["document"]
        assert told["data"]["qbr"]["exportId"] is not None
        assert [(each["path"], each["extensions"]["code"]) for each in told["errors"]] == [
            (["qbr", "draft"], "DENIED")
        ], "the snapshot is the vendor's people's"
    async with portal.browser("csm") as csm:
        anew = (await _do(csm, "prepareQbr", "qbr { id }", tenantId=tenant, period=Q2))["qbr"]["id"]
        drafted = (await _ask(csm, everything, id=anew))["qbr"]
        assert (drafted["document"], drafted["exportId"], drafted["supersededById"]) == (None, None, None)
        assert [each["file"] for each in drafted["inputs"]][:2] == [None, "inputs/sla/2026-06-r1.json"]
        async with portal.browser("customer_viewer") as viewer:
            asked = {"query": everything, "variables": {"id": anew}}
            told = (await viewer.post("/graphql", json=asked)).json()
            assert told["data"] == {"qbr": None}, "a draft is nobody else's"
            assert [each["extensions"]["code"] for each in told["errors"]] == ["NOT_FOUND"]
    async with portal.browser("customer_admin") as admin:
        looked = (await admin.get("/t/aurora/access?did=read")).text
    assert f'href="/t/aurora/qbr/{number}"' in looked, "what was read can be opened again"
    tenant_id = portal.world.aurora.id
    carla = Actor(ActorKind.PERSON, new_id(), "Carla", tenant_id, frozenset({Role.CUSTOMER_ADMIN}))
    entries = await portal.house.access_log.page(carla, tenant_id, PageRequest(50), AccessFilter())
    read = {each.access.what for each in entries.items if each.access.subject == str(number)}
    assert read == {"QBR", "QBR draft"}, "a draft and what was issued are told apart"


async def test_a_failed_bundle_of_either_document_is_asked_for_anew(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    review = await issue(house, await prepare(house, aurora.id))
    documents = {"TrustReport": report.id, "Qbr": review.id}
    async with portal.browser("customer_viewer") as viewer:
        for kind, number in documents.items():
            of = encode(kind, aurora.id, number)
            asked = "export { id state percent failure }"
            standing = (await _do(viewer, "requestExport", asked, documentId=of))["export"]
            assert (standing["state"], standing["failure"]) == ("REQUESTED", None)
            async with house.storage.write(TenantScope(aurora.id)) as session:
                await change_export(
                    session, aurora.id, decode(standing["id"]).id, state="failed", failure="no room left"
                )
            again = await _do(viewer, "requestExport", asked, documentId=of)
            assert again == {"export": standing, "userErrors": []}, "it begins anew, as the same export"
            theirs = encode(kind, portal.world.brightside.id, number)
            other = await _do(viewer, "requestExport", asked, documentId=theirs)
            assert (other["export"], other["userErrors"][0]["code"]) == (None, "NOT_FOUND")
        none = await _do(viewer, "requestExport", asked, documentId=encode("Person", aurora.id, report.id))
        assert none["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "documentId"]}]


async def test_a_bundle_that_failed_is_made_again_from_the_page_of_either_document(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    review = await issue(house, await prepare(house, aurora.id))
    for at, opened in (
        (f"/t/aurora/trust/{report.id}", (await house.trust_reports.get(CORA, aurora.id, report.id)).export),
        (f"/t/aurora/qbr/{review.id}", (await house.qbr_reader.get(CORA, aurora.id, review.id)).export),
    ):
        assert opened is not None
        button = f'<form method="post" action="{at}/bundle">'
        async with portal.browser("customer_viewer") as viewer:
            assert button not in (await viewer.get(at)).text, "it is on its way"
            async with house.storage.write(TenantScope(aurora.id)) as session:
                await change_export(session, aurora.id, opened.id, state="failed", failure="no room left")
            assert button in (await viewer.get(at)).text
            answer = await viewer.post(f"{at}/bundle")
            assert (answer.status_code, answer.headers["location"]) == (303, f"{at}#bundle")
            assert button not in (await viewer.get(at)).text, "it begins anew"
        async with portal.browser("stranger") as stranger:
            assert (await stranger.post(f"{at}/bundle")).status_code == 404
    async with portal.browser("customer_viewer") as viewer:
        assert (await viewer.post(f"/t/aurora/qbr/{report.id}/bundle")).status_code == 404


async def test_a_review_that_was_superseded_says_by_what_on_the_page_in_the_list_and_over_graphql(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    first = await issue(house, await prepare(house, aurora.id))
    second = await issue(house, await prepare(house, aurora.id), reason="a figure was late")
    assert first.issue is not None
    assert second.issue is not None
    async with portal.browser("customer_viewer") as viewer:
        old = (await viewer.get(f"{LIST}/{first.id}")).text
        assert stands_on(old) == ["Superseded"]
        assert "Revision 2 took its place" in old
        assert "It is no longer what counts: a figure was late" in old
        assert f'<a href="{LIST}/{second.id}">Read revision 2</a>' in old
        new = (await viewer.get(f"{LIST}/{second.id}")).text
        assert stands_on(new) == ["Issued"]
        assert "took its place" not in new
        assert f'title="{first.issue.sha256}"' in new
        assert [each for _, each in stands_in_list((await viewer.get(LIST)).text)] == [
            "Stands a figure was late",
            "Superseded by revision 2",
        ]
        query = "query ($id: ID!) { qbr(id: $id) { supersededById } }"
        ids = [encode("Qbr", aurora.id, each.id) for each in (first, second)]
        asked = [(await _ask(viewer, query, id=each))["qbr"]["supersededById"] for each in ids]
        assert asked == [ids[1], None]
        query = """query ($t: ID!, $after: String) { qbrs(tenantId: $t, first: 1, after: $after) {
          nodes { id reason supersededById acknowledgements { section state why reason } }
          pageInfo { endCursor hasNextPage hasPreviousPage } } }"""
        tenant = encode("Tenant", aurora.id, aurora.id)
        newest = (await _ask(viewer, query, t=tenant))["qbrs"]
        ((node,), info) = newest["nodes"], newest["pageInfo"]
        assert (node["id"], node["reason"], node["supersededById"]) == (
            ids[1],
            "a figure was late",
            None,
        )
        assert [(each["section"], each["state"], each["reason"]) for each in node["acknowledgements"]] == [
            (each.section, each.state.name, each.reason) for each in second.issue.acknowledged
        ]
        assert node["acknowledgements"]
        assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
        older = (await _ask(viewer, query, t=tenant, after=info["endCursor"]))["qbrs"]
        assert [(each["id"], each["supersededById"]) for each in older["nodes"]] == [(ids[0], ids[1])]
        assert (older["pageInfo"]["hasNextPage"], older["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_the_clock_prepares_what_is_due_once(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    command = SetAccount(aurora.id, None, date(2026, 7, 20), timedelta(days=7))
    await house.accounts.set(command, CORA)
    await by_the_clock(house)
    assert await house.qbr_reader.drafts(CORA, aurora.id) == ()
    portal.clock.advance(timedelta(days=3))
    for _ in range(2):
        await by_the_clock(house)
    (draft,) = await house.qbr_reader.drafts(CORA, aurora.id)
    assert (draft.period, draft.number, draft.prepared_by) == (Q2, 1, "Trust Portal scheduler")
    account = next(each for each in await house.accounts.list(CORA) if each.tenant.id == aurora.id)
    assert account.readiness is Readiness.BLOCKED
    assert account.qbr_id == draft.id


async def test_a_customer_whose_review_cannot_be_prepared_holds_up_no_other(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    house, world = portal.house, portal.world
    for tenant in (world.aurora, world.brightside):
        await house.accounts.set(SetAccount(tenant.id, None, date(2026, 7, 20), timedelta(days=14)), CORA)
    look = type(house.qbrs)._look

    async def fails_for_the_first(qbrs: Any, command: Prepare) -> Any:
        if command.tenant_id == world.aurora.id:
            raise RuntimeError("a row nobody foresaw")
        return await look(qbrs, command)

    with monkeypatch.context() as patch:
        patch.setattr(type(house.qbrs), "_look", fails_for_the_first)
        assert await by_the_clock(house) == 2
        assert await by_the_clock(house) == 0, "the one has it, the other waits"
    assert len(await house.qbr_reader.drafts(CORA, world.brightside.id)) == 1
    assert await house.qbr_reader.drafts(CORA, world.aurora.id) == ()
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject) == (Round.PREPARE_QBR, world.aurora.id)
    assert f"prepare-qbr: {world.aurora.id} set back" in caplog.text
    portal.clock.advance(FIRST_WAIT)
    assert await by_the_clock(house) == 1
    assert len(await house.qbr_reader.drafts(CORA, world.aurora.id)) == 1
    assert await Rounds(house.storage).setbacks() == ()


async def test_a_review_that_is_asked_for_twice_or_prepared_by_hand_meanwhile_is_prepared_once(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 20), timedelta(days=14)), CORA)
    await mind_accounts(house)
    await mind_accounts(house)
    asked = await asked_for(house)
    assert [each.arguments for each in asked] == [{"tenant": str(aurora.id), "period": Q2}]
    await house.qbrs.prepare(Prepare(aurora.id, Q2), CORA)
    assert await by_the_clock(house) == 1
    (draft,) = await house.qbr_reader.drafts(CORA, aurora.id)
    assert draft.prepared_by == CORA.name
    assert await asked_for(house) == []


async def _ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


async def _do(client: httpx.AsyncClient, act: str, asked: str, **given: Any) -> dict[str, Any]:
    kind = f"{act[0].upper()}{act[1:]}Input"
    query = f"mutation ($input: {kind}!) {{ {act}(input: $input) {{ {asked} userErrors {{ code path }} }} }}"
    found: dict[str, Any] = (await _ask(client, query, input=given))[act]
    return found
