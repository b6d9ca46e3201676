"""Trust Reports in the portal: staff looks, acknowledges and publishes; the customer reads its own and no other's."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from report_desk import Q2, publish
from support.document_forms import stands_in_list, stands_on
from support.portal_fixtures import Portal
from support.portal_world import STRANGER

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant

pytestmark = pytest.mark.takes(seconds=12)

#: What became of the promises of each version, in the list.
_PROMISES = r'<th scope="row"><a .*?</a></th>\s*<td[^>]*>.*?</svg> <span>(.*?)</span></span></td>'


async def test_the_pages_of_a_customer_that_came_this_quarter_open_on_it_and_on_none_before(portal: Portal):
    came = datetime(2026, 7, 2, tzinfo=UTC)
    await portal.house.tenants.create(CreateTenant("newcomer", "Newcomer", onboarded_at=came), CONSOLE)
    async with portal.browser("csm") as browser:
        for key, quarter, name in (("newcomer", "2026-Q3", "Q3 2026"), ("aurora", "2026-Q2", "Q2 2026")):
            page = (await browser.get(f"/t/{key}/trust/preview")).text
            assert f"<h1>{name}</h1>" in page.replace("\u00a0", " ")
            assert f'name="period" value="{quarter}"' in page
            for listed in ("trust", "qbr"):
                assert f'value="{quarter}"' in (await browser.get(f"/t/{key}/{listed}")).text


async def test_the_form_acknowledges_what_blocks_and_publishes(portal: Portal):
    aurora = portal.world.aurora
    async with portal.browser("csm") as browser:
        page = await browser.get(f"/t/aurora/trust/preview?of={Q2}")
        assert page.status_code == 200
        assert "no signed postmortem of P1 Secret trouble of aurora" in page.text
        assert f'href="/t/aurora/receipts/{aurora.receipt}"' in page.text
        refused = await browser.post("/t/aurora/trust", data={"period": Q2})
        assert refused.status_code == 409
        assert "Acknowledge each with a reason" in refused.text
        assert await portal.house.trust_reports.versions(CONSOLE, aurora.id) == ()

        found = await portal.house.trust_reports.preview(CONSOLE, aurora.id, Q2)
        given = {"period": Q2}
        for each in found.blocking:
            given |= {
                f"seen-{each.id}": f"{each.state.value}: {each.why}",
                f"reason-{each.id}": f"we work on {each.id}",
            }
        made = await browser.post("/t/aurora/trust", data=given)
        assert made.status_code == 303
        (stored,) = await portal.house.trust_reports.versions(CONSOLE, aurora.id)
        assert made.headers["location"] == f"/t/aurora/trust/{stored.id}"
        assert [each.section for each in stored.acknowledged] == [each.id for each in found.blocking]
        page = await browser.get(made.headers["location"])
        assert "Published although missing: no signed postmortem of P1 Secret trouble of aurora" in page.text
        assert "we work on incidents" in page.text


async def test_a_customer_reads_its_own_and_staffs_reading_is_in_the_access_log(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    path = f"/t/aurora/trust/{report.id}"
    async with portal.browser("customer_viewer") as browser:
        assert (await browser.get(path)).status_code == 200
        listed = await browser.get("/t/aurora/trust")
        assert f'href="{path}"' in listed.text
        assert "Publish one" not in listed.text
        assert (await browser.get("/t/aurora/trust/preview")).status_code == 403
        assert (await browser.post("/t/aurora/trust", data={"period": Q2})).status_code == 403
    async with portal.browser(STRANGER) as browser:
        assert (await browser.get(path)).status_code == 404
        assert (await browser.get(f"/t/brightside/trust/{report.id}")).status_code == 404
        assert "No Trust Report yet" in (await browser.get("/t/brightside/trust")).text
    async with portal.browser("sre_operator") as browser:
        assert (await browser.get(path)).status_code == 200
    async with portal.browser("customer_admin") as browser:
        log = await browser.get("/t/aurora/access")
    assert "Sre_Operator" in log.text
    assert f'href="{path}"' in log.text


async def test_what_was_superseded_is_kept_and_says_by_what_on_the_page_in_the_list_and_over_graphql(
    portal: Portal,
):
    house, aurora = portal.house, portal.world.aurora
    first = await publish(house, aurora.id)
    old = f"/t/aurora/trust/{first.id}"
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(old)).text
        assert stands_on(page) == ["Published"]
        assert "took its place" not in page
        second = await publish(house, aurora.id, reason="the postmortem was late")
        page = (await browser.get(old)).text
        assert stands_on(page) == ["Superseded"]
        assert "Revision 2 took its place" in page
        assert "It is no longer what counts: the postmortem was late" in page
        assert f'<a href="/t/aurora/trust/{second.id}">Read revision 2</a>' in page
        new = (await browser.get(f"/t/aurora/trust/{second.id}")).text
        assert stands_on(new) == ["Published"]
        assert "took its place" not in new
        assert "It replaces revision 1" in new
        assert f'title="{first.sha256}"' in new
        listed = (await browser.get("/t/aurora/trust")).text
        assert [
            " ".join(re.sub(r"<[^>]+>", " ", each).split())
            for each in re.findall(_PROMISES, listed, re.DOTALL)
        ] == [
            "Missed",
            "Missed",
        ]
        assert stands_in_list(listed) == [
            ("Q2 2026, revision 2", "Stands the postmortem was late"),
            ("Q2 2026, revision 1", "Superseded by revision 2"),
        ]
    query = "{ viewer { tenant { trustReports(first: 9) { nodes { revision supersededByRevision reason sha256 } } } } }"
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        answer = (await program.post("/graphql", json={"query": query})).json()["data"]
    assert answer["viewer"]["tenant"]["trustReports"]["nodes"] == [
        {
            "revision": 2,
            "supersededByRevision": None,
            "reason": "the postmortem was late",
            "sha256": second.sha256,
        },
        {"revision": 1, "supersededByRevision": 2, "reason": None, "sha256": first.sha256},
    ]


async def test_programs_publish_over_graphql_with_what_they_saw(portal: Portal):
    aurora = portal.world.aurora
    asked = """query($p: String!) { tenants(first: 5) { edges { node { id key
      trustReportPreview(period: $p) { blocking sections { key seen } } } } } }"""
    publishes = """mutation($i: PublishTrustReportInput!) { publishTrustReport(input: $i) {
      report { period revision sha256 acknowledgements { section reason } } userErrors { code path } } }"""
    async with portal.browser("csm") as browser:
        seen = (await browser.post("/graphql", json={"query": asked, "variables": {"p": Q2}})).json()["data"][
            "tenants"
        ]["edges"]
        (node,) = [each["node"] for each in seen if each["node"]["key"] == "aurora"]
        sections = {each["key"]: each["seen"] for each in node["trustReportPreview"]["sections"]}
        blocking = node["trustReportPreview"]["blocking"]
        assert blocking == [name for name, what in sections.items() if what is not None]

        async def publish_with(given: list[dict[str, str]]) -> dict[str, object]:
            variables = {"i": {"tenantId": node["id"], "period": Q2, "acknowledgements": given}}
            answer = await browser.post("/graphql", json={"query": publishes, "variables": variables})
            return answer.json()["data"]["publishTrustReport"]

        refused = await publish_with([])
        assert refused["report"] is None
        assert [each["code"] for each in refused["userErrors"]] == ["SECTIONS_BLOCK"]
        given = [{"section": each, "reason": "we know", "seen": sections[each]} for each in blocking]
        made = await publish_with(given)
    assert made["userErrors"] == []
    (stored,) = await portal.house.trust_reports.versions(CONSOLE, aurora.id)
    assert made["report"]["sha256"] == stored.sha256
    assert [each["section"] for each in made["report"]["acknowledgements"]] == blocking


async def test_what_the_vendor_adds_stands_in_the_report_until_it_is_over(portal: Portal):
    house, aurora, brightside = portal.house, portal.world.aurora, portal.world.brightside
    said = {
        "kind": "sub_processor",
        "subject": "Hoster AG",
        "text": "keeps the servers",
        "valid_from": "2026-01-01",
    }
    async with portal.browser("csm") as browser:
        assert (
            await browser.post("/t/aurora/trust/notes", data={**said, "everybody": "yes"})
        ).status_code == 303
        own = {**said, "kind": "note", "subject": "Standstill", "valid_to": "2026-07-09"}
        assert (await browser.post("/t/aurora/trust/notes", data=own)).status_code == 303
        wrong = await browser.post("/t/aurora/trust/notes", data={**own, "valid_to": "2025-01-01"})
        assert wrong.status_code == 422
        assert "it ends before it begins" in wrong.text
    states = {}
    for customer in (aurora, brightside):
        preview = await house.trust_reports.preview(CONSOLE, customer.id, Q2)
        (notes,) = [each for each in preview.sections if each.id == "notes"]
        states[customer.key] = (notes.state.value, notes.why, notes.figure("notes").cell.value)
        assert [row.cells[0].value for row in notes.table("sub-processors").rows] == ["Hoster AG"]
    assert states == {
        "aurora": ("stale", "no longer said to hold: Standstill", "1"),
        "brightside": ("fresh", None, "0"),
    }
    async with portal.browser("csm") as browser:
        await browser.post("/t/aurora/trust/notes", data={**own, "text": "", "valid_to": ""})
    async with portal.browser("customer_viewer") as browser:
        page = await browser.get("/t/aurora/trust/notes")
        assert "Hoster AG" in page.text
        assert "Standstill" not in page.text
        assert (await browser.post("/t/aurora/trust/notes", data=said)).status_code == 403


async def test_the_line_of_an_incident_leads_to_that_incident_among_those_of_its_year(portal: Portal) -> None:
    report = await publish(portal.house, portal.world.aurora.id)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"/t/aurora/trust/{report.id}")).text
        places = set(re.findall(r'href="(/t/aurora/incidents\?year=2026)#(incident-[0-9a-f-]{36})"', page))
        ((path, anchor),) = places
        incidents = (await browser.get(path)).text
    assert f'<h2 id="{anchor}">Secret trouble of aurora</h2>' in incidents
