"""Incidents in the portal and over GraphQL: declared, told of, read by staff and by whom they touched."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.approvals_world import person_with
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.recording import load
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
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
    async with portal.house.storage.read(TenantScope(VENDOR_ID)) as session:
        request = (await load(session, VENDOR_ID, UUID(approval))).request
    devices = Devices(portal.house)
    for role in (Role.APPROVER_RELIABILITY, Role.APPROVER_SECURITY):
        person = (await person_with(portal.house, CONSOLE, role, VENDOR_ID)).as_actor()
        await devices.approve(request, person, "It hurt nobody")
    await portal.house.downgrades.approval_settled(request.id)
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
    assert "2 incidents in 2026 touched you or may have, 0 of them resolved" in page
    assert "Yes: the vendor named you" in page
    assert "Perhaps: it may have touched every customer" in page
    assert "Only theirs" not in page
    assert "brightside" not in page.lower()
    assert "None in 2025" in none


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
            {"act": "affected", "tenants": ["aurora"], "text": f"{secret}: not them"},
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
        ("declared", "Ours", False),
        ("note", "The disk was full", False),
        ("mitigated", "Writes go elsewhere", False),
        ("merged", "It goes on with another incident", False),
    ]
    for line in ours["timeline"]:
        assert line["text"] in page


DECLARE = """mutation ($input: DeclareIncidentInput!) { declareIncident(input: $input) {
  incident { id key severity worstSeverity everybody } userErrors { code path } } }"""
TELL = """mutation ($input: TellOfIncidentInput!) { tellOfIncident(input: $input) {
  incident { severity claimedSeverity resolvedAt } approvalRequestId userErrors { code path message } } }"""
READ = """query ($id: ID!) { incident(id: $id) { incident { key } tenants postmortemId timeline { kind text claim } }
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
        "tenants": ["brightside"],
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
    assert wrong["userErrors"][0]["path"] == ["input", "into"]
    assert (read["incident"]["incident"]["key"], read["incident"]["tenants"]) == ("INC-9", ["brightside"])
    assert read["incident"]["postmortemId"] is not None
    kinds = [(each["kind"], each["claim"]) for each in read["incident"]["timeline"]]
    assert kinds == [("declared", False), ("severity", True), ("resolved", False)]
    assert "INC-9" in [edge["node"]["key"] for edge in read["incidents"]["edges"]]
    assert read["incidentGaps"] == []
