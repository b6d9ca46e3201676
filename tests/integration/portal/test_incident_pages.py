"""Incidents in the portal and over GraphQL: declared, told of, read by staff and by whom they touched."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.approvals_world import person_with
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.portal_world import NOW

from jobs.approvals import SETTLED
from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.recording import load
from trust_portal.documents.formats import instant
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Incident, IncidentFilter, Severity
from trust_portal.storage.tenancy import TenantScope


def form(**more: str) -> dict[str, Any]:
    return {
        "title": "Uploads fail",
        "severity": "P2",
        "service": "uploads",
        "began_at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "detected_at": f"{NOW:%Y-%m-%dT%H:%M}",
        "tenants": ["brightside"],
        "objectives": "",
        "owner": "",
        "team": "storage",
        "key": f"INC-{new_id()}",
    } | more


async def known(portal: Portal) -> dict[str, Incident]:
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return {each.title: each for each in page.items}


async def declared(browser: httpx.AsyncClient, **more: str) -> str:
    sent = await browser.post("/incidents", data=form(**more))
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


async def test_an_operator_declares_an_incident_and_its_postmortem_is_open(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        assert "Brightside" in (await browser.get("/incidents/declare")).text
        page = (await browser.get(await declared(browser))).text
        listed = (await browser.get("/incidents?severity=P2&state=open&service=uploads")).text
        elsewhere = (await browser.get("/incidents?service=api")).text
    incident = (await known(portal))["Uploads fail"]
    view = await portal.house.incidents.get(CONSOLE, incident.id)
    for said in ("Uploads fail", incident.key, "team storage", "Under way", "Brightside", "Put on record"):
        assert said in page, said
    assert f'href="/postmortems/{view.postmortem_id}"' in page
    assert (incident.severity, incident.team, incident.everybody) == (Severity.P2, "storage", False)
    assert f"/incidents/{incident.id}" in listed
    assert "Uploads fail" not in elsewhere


async def test_a_form_declares_once_however_often_it_is_sent(portal: Portal):
    """A double click is one P1; what was typed anew into a form that was sent is neither lost nor the same."""

    def key_in(page: str) -> str:
        (found,) = re.findall(r'name="key" value="([^"]+)"', page)
        return found

    before = await known(portal)
    async with portal.browser("sre_operator") as browser, portal.browser("incident_owner") as other:
        key, others = [key_in((await each.get("/incidents/declare")).text) for each in (browser, other)]
        assert key != others
        sent = form(key=key, severity="P1")
        twice = await asyncio.gather(*(browser.post("/incidents", data=sent) for _ in range(2)))
        twice.append(await browser.post("/incidents", data=sent))
        assert {each.status_code for each in twice} == {303}
        assert len({each.headers["location"] for each in twice}) == 1
        [incident] = [each for id_, each in (await known(portal)).items() if id_ not in before]
        assert (incident.key, incident.severity) == (key, Severity.P1)

        changed = form(key=key, title="Downloads fail")
        held = await browser.post("/incidents", data=changed)
        assert (held.status_code, "has declared another incident already" in held.text) == (409, True)
        assert len(await known(portal)) == len(before) + 1
        fresh = key_in(held.text)
        assert fresh != key
        assert 'value="Downloads fail"' in held.text
        assert (await browser.post("/incidents", data=changed | {"key": fresh})).status_code == 303
    assert (await known(portal))["Downloads fail"].key == fresh


SIX = "beganAt detectedAt declaredAt toldAt mitigatedAt resolvedAt declaredSeverity"
OURS = f"""{{ viewer {{ tenant {{ incidents(since: "2026-07-01T00:00:00Z", until: "2026-08-01T00:00:00Z") {{
  title {SIX} }} }} }} }}"""
THEIRS = f"query ($id: ID!) {{ incident(id: $id) {{ {SIX} severity }} }}"


async def test_each_of_six_different_times_is_told_under_its_own_name_at_every_door(portal: Portal):
    times = {
        "Began": timedelta(minutes=-60),
        "Detected": timedelta(minutes=-48),
        "Declared": timedelta(0),
        "Customers told": timedelta(minutes=7),
        "Mitigated": timedelta(minutes=19),
        "Resolved": timedelta(minutes=45),
    }
    at = {word: NOW + span for word, span in times.items()}
    given = {
        name: f"{at[word]:%Y-%m-%dT%H:%M}"
        for name, word in (("began_at", "Began"), ("detected_at", "Detected"))
    }
    async with portal.browser("sre_operator") as browser:
        where = await declared(browser, title="Six times", tenants=["aurora"], **given)  # type: ignore[arg-type]
        portal.clock.advance(timedelta(hours=2))
        for act, word in (
            ("severity", "Customers told"),
            ("mitigated", "Mitigated"),
            ("resolved", "Resolved"),
            ("told_customer", "Customers told"),
        ):
            told = {"act": act, "at": f"{at[word]:%Y-%m-%dT%H:%M}", "text": act, "severity": "P1"}
            sent = await browser.post(f"{where}/tell", data=told)
            assert sent.status_code == 303, sent.text
        page = (await browser.get(where)).text
        id_ = encode("VendorIncident", VENDOR_ID, UUID(where.rpartition("/")[2]))
        theirs = (await ask(browser, THEIRS, id=id_))["incident"]
    async with portal.browser("customer_viewer") as browser:
        customers = (await browser.get("/t/aurora/incidents?year=2026")).text
        told = (await ask(browser, OURS))["viewer"]["tenant"]["incidents"]
        [ours] = [each for each in told if each.pop("title") == "Six times"]

    def course(text: str) -> dict[str, str]:
        said = text.split('aria-label="Course of ')[1].split("</ol>", maxsplit=1)[0]
        return dict(re.findall(r'stamp-word">([^<]+)</span>\s*<span class="stamp-note">([^<]+)<', said))

    expected = {word: instant(moment) for word, moment in at.items()}
    assert course(page) == expected
    assert course(customers.split("Six times</h2>")[1]) == expected
    assert f"Customers were told {expected['Customers told']}." in customers
    figures = re.findall(r"<dt>([^<]+)</dt>\s*<dd><span[^>]*>([^<]+)<", page)
    assert dict(figures) == {
        "To detect": "12 min", "To tell customers": "55 min", "To mitigate": "1 h 7 min", "To resolve": "1 h 45 min",
    }  # fmt: skip
    names = ("beganAt", "detectedAt", "declaredAt", "toldAt", "mitigatedAt", "resolvedAt")
    stated = dict(zip(names, (datetime.fromisoformat(rfc3339(each)) for each in at.values()), strict=True))
    assert (theirs.pop("severity"), theirs["declaredSeverity"]) == ("P1", "P2")
    for door in (theirs, ours):
        assert door.pop("declaredSeverity") == "P2"
        assert {name: datetime.fromisoformat(value) for name, value in door.items()} == stated


async def test_what_is_told_stands_in_the_timeline_with_the_way_to_its_receipt(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        where = await declared(browser)
        for act, text in (("told_customer", "By mail"), ("mitigated", "Throttled"), ("resolved", "Fixed")):
            sent = await browser.post(f"{where}/tell", data={"act": act, "text": text})
            assert sent.status_code == 303, sent.text
        page = (await browser.get(where)).text
        receipts = re.findall(r'href="(/t/vendor/receipts/[0-9a-f-]+)"', page)
        opened = [(await browser.get(each)).status_code for each in receipts]
    assert opened == [200] * 4
    assert page.index("By mail") < page.index("Throttled") < page.index("Fixed")
    assert "Resolved" in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"title": " "}, "write 1 to 200 printable characters"),
        ({"key": " "}, "key is missing"),
        ({"severity": ""}, "choose a severity"),
        ({"severity": "P9"}, "choose one of P1, P2, P3, P4"),
        ({"began_at": "yesterday"}, "write day and time"),
        ({"detected_at": "2000-01-01T00:00"}, "it was detected before it began"),
        ({"detected_at": "2099-01-01T00:00"}, "it lies in the future"),
        ({"tenants": "nobody"}, "there is no customer"),
        ({"tenants": ""}, "name at least one"),
        ({"owner": "x"}, "choose one of the list"),
    ],
)
async def test_a_declaration_that_cannot_be_comes_back_with_the_reason_and_nothing_is_declared(
    portal: Portal, more: dict[str, str], said: str
):
    before = await known(portal)
    async with portal.browser("incident_owner") as browser:
        sent = await browser.post("/incidents", data=form(**more))
    assert sent.status_code == 422
    assert said in sent.text
    assert await known(portal) == before


async def test_an_act_at_a_time_at_which_it_would_change_nothing_is_refused_and_leaves_no_trace(
    portal: Portal,
):
    """Before it began it does not end, and before its last reopening neither; before it was over it is not reopened."""

    def told(act: str, minutes: int, **more: str) -> dict[str, str]:
        return {"act": act, "at": f"{NOW + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}", "text": act} | more

    async with portal.browser("sre_operator") as browser:
        where = await declared(browser)
        portal.clock.advance(timedelta(hours=4))
        for each in (told("resolved", 60), told("reopened", 120)):
            assert (await browser.post(f"{where}/tell", data=each)).status_code == 303
        before = (await known(portal))["Uploads fail"]
        page = (await browser.get(where)).text
        for each, said in (
            (told("mitigated", -600), "it had not begun by then"),
            (told("resolved", -600), "it had not begun by then"),
            (told("resolved", 90), "it was reopened after that"),
            (told("mitigated", 90), "it was reopened after that"),
        ):
            refused = await browser.post(f"{where}/tell", data=each)
            assert (refused.status_code, said in refused.text) == (422, True), each
        assert (await browser.get(where)).text.count("/t/vendor/receipts/") == page.count(
            "/t/vendor/receipts/"
        )
        assert (await known(portal))["Uploads fail"] == before

        assert (await browser.post(f"{where}/tell", data=told("resolved", 180))).status_code == 303
        over = (await known(portal))["Uploads fail"]
        refused = await browser.post(f"{where}/tell", data=told("reopened", 150))
        assert (refused.status_code, "it was not over by then" in refused.text) == (422, True)
        assert (await known(portal))["Uploads fail"] == over


async def test_a_merged_incident_that_burns_again_is_reopened_and_ended_by_its_own_word(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        other, where = [await declared(browser, title=title) for title in ("The cause", "Ours")]

        async def tell(whom: str, act: str, **more: str) -> None:
            portal.clock.advance(timedelta(minutes=5))
            sent = await browser.post(f"{whom}/tell", data={"act": act, "text": act} | more)
            assert sent.status_code == 303, sent.text

        await tell(where, "merged", into=other.rpartition("/")[2])
        await tell(where, "mitigated")
        await tell(other, "resolved")
        over = (await known(portal))["Ours"]
        assert (over.is_open, over.resolved_at) == (False, portal.clock.now())
        await tell(where, "reopened")
        again = (await known(portal))["Ours"]
        assert (again.is_open, again.mitigated_at, again.resolved_at) == (True, None, None)
        await tell(where, "resolved")
        assert (await known(portal))["Ours"].resolved_at == portal.clock.now()


async def test_two_incidents_are_not_merged_into_each_other(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        one = await declared(browser, title="One")
        two = await declared(browser, title="Two")

        def merger(into: str) -> dict[str, str]:
            return {"act": "merged", "into": into.rpartition("/")[2], "text": "The same"}

        assert (await browser.post(f"{one}/tell", data=merger(two))).status_code == 303
        portal.clock.advance(timedelta(minutes=1))
        before = await known(portal)
        refused = await browser.post(f"{two}/tell", data=merger(one))
        assert (refused.status_code, "it would close a circle" in refused.text) == (422, True)
        assert await known(portal) == before


async def test_a_p2_becomes_less_by_asking_and_two_signatures(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        where = await declared(browser)
        asked = {"act": "severity", "severity": "P4", "text": "Only a dashboard was wrong"}
        assert (await browser.post(f"{where}/tell", data=asked)).status_code == 303
        page = (await browser.get(where)).text
        assert "is a P2 until two others approve" in page
        [approval] = re.findall(r"/t/vendor/approvals/([0-9a-f-]+)", page)
        assert "Incident" in (await browser.get(f"/t/vendor/approvals/{approval}")).text
        again = await browser.post(f"{where}/tell", data=asked)
        assert (again.status_code, "waits for approval already" in again.text) == (409, True)
        assert where.removeprefix("/incidents/") in (await browser.get("/incidents?claimed=yes")).text
    await approve(portal, UUID(approval))
    async with portal.browser("pmo") as browser:
        page = (await browser.get(where)).text
    assert "was P2" in page
    assert "From P2 to P4, by approval" in page
    assert "Put on record" not in page


async def test_a_customer_reads_whether_it_was_affected_and_nothing_of_the_others(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await declared(browser, tenants=["brightside"], title="Only theirs")  # type: ignore[arg-type]
        await declared(browser, everybody="yes", title="Everybody's")
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/incidents?year=2026")).text.replace("\u00a0", " ")
        none = (await browser.get("/t/aurora/incidents?year=2025")).text
    assert "2 incidents in 2026 touched you or may have, 0 of them resolved. " in page
    assert "Yes: the vendor named you" in page
    assert "Perhaps: it may have touched every customer" in page
    assert "Only theirs" not in page
    assert "brightside" not in page.lower()
    assert "None in 2025" in none


async def test_one_incident_is_resolved_or_not_and_its_timeline_stands_before_the_digests(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/incidents?year=2026")).text.replace("\u00a0", " ")
    assert page.count("<article") == 1
    [its] = [each for each in (await known(portal)).values() if f'id="incident-{each.shown_id}"' in page]
    assert "1 incident in 2026 touched you or may have, not resolved yet. " in page
    assert page.index("<summary>Timeline") < page.index("<strong>Postmortem:</strong>")
    async with portal.browser("sre_operator") as browser:
        over = {"act": "resolved", "text": "Fixed"}
        assert (await browser.post(f"/incidents/{its.id}/tell", data=over)).status_code == 303
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/incidents?year=2026")).text.replace("\u00a0", " ")
    assert "1 incident in 2026 touched you or may have, resolved. " in page


COURSE = """{ viewer { tenant { incidents(since: "2026-01-01T00:00:00Z", until: "2026-12-31T00:00:00Z") {
  title timeline { kind text claim } } } } }"""


async def test_words_that_are_not_the_customers_stay_with_staff_and_turning_points_are_told(portal: Portal):
    """What staff tell each other may name another customer."""
    secret = "As at Brightside"
    async with portal.browser("sre_operator") as browser:
        other = await declared(browser, title="Only theirs")
        where = await declared(browser, tenants=["aurora"], title="Ours")  # type: ignore[arg-type]
        told = [
            {"act": "note", "text": f"{secret}: a note"},
            {"act": "turning_point", "text": "The disk was full"},
            {"act": "severity", "severity": "P1", "text": f"{secret}: worse"},
            {"act": "severity", "severity": "P4", "text": f"{secret}: less"},
            {"act": "affected", "tenants": ["aurora", "brightside"], "text": f"{secret}: they, too"},
            {"act": "mitigated", "text": "Writes go elsewhere"},
            {"act": "merged", "into": other.removeprefix("/incidents/"), "text": f"{secret}: the same"},
        ]
        for each in told:
            portal.clock.advance(timedelta(minutes=1))
            sent = await browser.post(f"{where}/tell", data=each)
            assert sent.status_code == 303, sent.text
        assert (await browser.get(where)).text.count(secret) == 5
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/incidents?year=2026")).text
        got = await ask(browser, COURSE)
    assert "brightside" not in page.lower()
    assert "brightside" not in str(got).lower()
    assert "Only theirs" not in page
    [ours] = [each for each in got["viewer"]["tenant"]["incidents"] if each["title"] == "Ours"]
    assert [(each["kind"], each["text"], each["claim"]) for each in ours["timeline"]] == [
        ("DECLARED", "Ours", False),
        ("NOTE", "The disk was full", False),
        ("MITIGATED", "Writes go elsewhere", False),
        ("MERGED", "It goes on with another incident", False),
    ]
    for line in ours["timeline"]:
        assert line["text"] in page


DECLARE = """mutation ($input: DeclareIncidentInput!) { declareIncident(input: $input) {
  incident { id key severity worstSeverity everybody } userErrors { code path } } }"""
TELL = """mutation ($input: TellOfIncidentInput!) { tellOfIncident(input: $input) {
  incident { severity claimedSeverity resolvedAt } approvalRequestId userErrors { code path message } } }"""
RETRACTION = "query ($id: ID!) { incident(id: $id) { retractionApprovalRequestId } }"
READ = """query ($id: ID!) { incident(id: $id) { key tenantKeys postmortemId timeline { kind text claim } }
  incidents(first: 5, severity: P1) { edges { node { key } } } incidentGaps { key reason } }"""


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def test_graphql_declares_tells_and_reads_by_the_same_rules(portal: Portal):
    said = {
        "title": "Uploads fail",
        "severity": "P1",
        "service": "uploads",
        "beganAt": NOW.isoformat(),
        "detectedAt": NOW.isoformat(),
        "tenantKeys": ["brightside"],
        "key": "INC-9",
    }
    async with portal.browser("sre_operator") as browser:
        made = (await ask(browser, DECLARE, input=said))["declareIncident"]
        twice = (await ask(browser, DECLARE, input=said))["declareIncident"]
        id_ = made["incident"].pop("id")
        told = {"incidentId": id_, "text": "Not so bad"}
        less = (await ask(browser, TELL, input=told | {"telling": "SEVERITY", "severity": "P3"}))[
            "tellOfIncident"
        ]
        over = (await ask(browser, TELL, input=told | {"telling": "RESOLVED"}))["tellOfIncident"]
        wrong = (await ask(browser, TELL, input=told | {"telling": "MERGED"}))["tellOfIncident"]
        read = await ask(browser, READ, id=id_)
    assert made["incident"] == {"key": "INC-9", "severity": "P1", "worstSeverity": "P1", "everybody": False}
    assert [each["code"] for each in twice["userErrors"]] == ["ALREADY_DECLARED"]
    assert (less["incident"]["severity"], less["incident"]["claimedSeverity"]) == ("P1", "P3")
    assert less["approvalRequestId"] is not None
    assert over["incident"]["resolvedAt"] is not None
    assert wrong["userErrors"][0]["path"] == ["input", "mergedIntoId"]
    assert (read["incident"]["key"], read["incident"]["tenantKeys"]) == ("INC-9", ["brightside"])
    assert read["incident"]["postmortemId"] is not None
    kinds = [(each["kind"], each["claim"]) for each in read["incident"]["timeline"]]
    assert kinds == [("DECLARED", False), ("SEVERITY", True), ("RESOLVED", False)]
    assert "INC-9" in [edge["node"]["key"] for edge in read["incidents"]["edges"]]
    assert read["incidentGaps"] == []


async def test_a_merged_incident_ends_with_the_other_and_a_wrong_merger_is_undone_at_its_page_and_over_graphql(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        other = await declared(browser, title="The cause", severity="P4")
        where = await declared(browser, tenants=["aurora"], title="Ours", severity="P2")  # type: ignore[arg-type]
        merger = {"act": "merged", "into": other.removeprefix("/incidents/"), "text": "The same"}
        portal.clock.advance(timedelta(minutes=1))
        assert (await browser.post(f"{where}/tell", data=merger)).status_code == 303
        assert (await known(portal))["The cause"].severity is Severity.P2
        portal.clock.advance(timedelta(minutes=1))
        over = {"act": "resolved", "text": "Fixed"}
        assert (await browser.post(f"{other}/tell", data=over)).status_code == 303
        page = (await browser.get(where)).text
        assert "It is not the same after all" in page
        assert " ".join(re.findall(r"<ul><li>(.* goes back .*)</li></ul>", page)[0].split()[1:]) == (
            "goes back from P2 to P4, takes no postmortem, and leaves the coverage ledger; "
            "what was signed of it stays on record."
        )
        assert "Resolved" in page
        for state, listed in (("open", False), ("resolved", True)):
            found = (await browser.get(f"/incidents?state={state}&words=Ours")).text
            assert (where in found) is listed, state
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/incidents?year=2026")).text.replace("\u00a0", " ")
        # The other one is the world's own.
        assert "2 incidents in 2026 touched you or may have, 1 of them resolved" in page
        assert page.count("Under way") == 1
    async with portal.browser("sre_operator") as browser:
        portal.clock.advance(timedelta(minutes=1))
        refused = await browser.post(f"{where}/tell", data={"act": "unmerged", "text": " "})
        assert refused.status_code == 422
        undone = {"act": "unmerged", "text": "Another cause"}
        before = await known(portal)
        assert (await browser.post(f"{where}/tell", data=undone)).status_code == 303
        page = (await browser.get(where)).text
        assert "What was said of it is taken back only by the approval of two others" in page
        [approval] = re.findall(r"/t/vendor/approvals/([0-9a-f-]+)", page)
        assert (await browser.get(f"/t/vendor/approvals/{approval}")).status_code == 200
        assert await known(portal) == before
        once_more = await browser.post(f"{where}/tell", data=undone)
        assert (once_more.status_code, "waits for approval already" in once_more.text) == (409, True)
        id_ = encode("VendorIncident", VENDOR_ID, before["Ours"].id)
        said = {"incidentId": id_, "telling": "UNMERGED", "text": "Once more"}
        again = (await ask(browser, TELL, input=said))["tellOfIncident"]["userErrors"]
        assert [each["code"] for each in again] == ["ALREADY_ASKED"]
        waits = (await ask(browser, RETRACTION, id=id_))["incident"]["retractionApprovalRequestId"]
        assert waits == encode("ApprovalRequest", VENDOR_ID, UUID(approval))
        assert await known(portal) == before
    await approve(portal, UUID(approval))
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(where)).text
        assert "Goes on by itself again" in page
        assert "It is not the same after all" not in page
        assert "That it goes on by itself waits" not in page
        assert (await known(portal))["Ours"].merged_into is None
        assert (await known(portal))["The cause"].severity is Severity.P4
        again = (await ask(browser, TELL, input=said))["tellOfIncident"]["userErrors"]
        assert [each["code"] for each in again] == ["NOT_MERGED"]
        portal.clock.advance(timedelta(minutes=1))
        merged = await browser.post(f"{where}/tell", data=merger)
        assert merged.status_code == 303
        portal.clock.advance(timedelta(minutes=1))
        before = await known(portal)
        got = (await ask(browser, TELL, input=said))["tellOfIncident"]
        assert (got["userErrors"], got["approvalRequestId"] is None) == ([], False)
        assert await known(portal) == before, "over GraphQL neither"
        # It is as bad itself: then nothing is taken away, and one person undoes it.
        raised = {"act": "severity", "severity": "P2", "text": "All of them"}
        assert (await browser.post(f"{other}/tell", data=raised)).status_code == 303
        portal.clock.advance(timedelta(minutes=1))
        got = (await ask(browser, TELL, input=said))["tellOfIncident"]
        assert (got["userErrors"], got["approvalRequestId"]) == ([], None)
        assert got["incident"]["resolvedAt"] is None
    assert (await known(portal))["Ours"].merged_into is None


async def approve(portal: Portal, approval: UUID) -> None:
    """By two, and what was asked for is done."""
    async with portal.house.storage.read(TenantScope(VENDOR_ID)) as session:
        request = (await load(session, VENDOR_ID, approval)).request
    devices = Devices(portal.house)
    for role in (Role.APPROVER_RELIABILITY, Role.APPROVER_SECURITY):
        person = (await person_with(portal.house, CONSOLE, role, VENDOR_ID)).as_actor()
        await devices.approve(request, person, "It hurt nobody")
    await SETTLED[request.kind](portal.house, VENDOR_ID, request.id)
