"""Breaking the glass in the portal and over GraphQL: what the person sees then, and what everybody sees."""

from __future__ import annotations

import pytest
from support.portal_fixtures import Portal

from schema.ids import encode

pytestmark = pytest.mark.takes(seconds=10)

REASON = "the message store runs full and nobody answers"
OPEN = """mutation ($input: OpenBreakGlassInput!) { openBreakGlass(input: $input) {
  access { id state openedBy steps { act } } userErrors { code message path } } }"""
CLOSE = """mutation ($input: CloseBreakGlassInput!) { closeBreakGlass(input: $input) {
  access { state steps { act by approvalRequestId } } userErrors { code } } }"""
READ = "{ breakGlass(first: 5) { nodes { id state openedBy reason } } }"
RECORD = """query ($id: ID!) { breakGlassRecord(id: $id) {
  access { state reason } looks deeds { kind sha256 } } }"""


async def test_who_breaks_it_sees_more_at_once_and_every_page_of_staff_says_so(portal: Portal):
    cost, threshold = "/t/aurora/access", "/t/aurora/cost/thresholds"
    async with portal.browser("sre_operator") as browser:
        assert (await browser.get(cost)).status_code == 403
        listed = (await browser.get("/t/aurora/break-glass")).text
        assert "Nobody has broken the glass for Aurora" in listed
        short = await browser.post("/t/aurora/break-glass", data={"reason": "urgent", "minutes": "60"})
        assert short.status_code == 422
        assert "at least 20 characters" in short.text
        sent = await browser.post("/t/aurora/break-glass", data={"reason": REASON, "minutes": "60"})
        assert sent.status_code == 303
        place = sent.headers["location"]
        assert (await browser.get(cost)).status_code == 200
        sent = await browser.post(threshold, data={"subsystem": "compute", "reason": "quieter"})
        assert sent.status_code == 403
    async with portal.browser("csm") as browser:
        page = (await browser.get("/tenants")).text.replace("\u00a0", " ")
        assert "The glass is broken" in page
        assert f'<a href="{place}">What was done</a>' in page
    async with portal.browser("customer_admin") as browser:
        own = (await browser.get(place)).text
        assert REASON in own
        assert "The glass is broken" not in (await browser.get("/t/aurora")).text
    async with portal.browser("approver_security") as browser:
        page = (await browser.get(place)).text
        assert "End emergency access" in page
        await browser.post(f"{place}/close", data={"reason": "the store has room again"})
        page = (await browser.get(place)).text
        assert "Two others than Sre_Operator still have to review what was done." in page
        assert "Not reviewed" in (await browser.get("/approvals")).text
        review = page.split('<p><a href="')[1].split('"')[0]
        asked = (await browser.get(review)).text
        assert "Sre_Operator, who broke the glass" in asked
        assert "Who broke the glass" in asked
    async with portal.browser("sre_operator") as browser:
        assert (await browser.get(cost)).status_code == 403


async def test_the_same_over_graphql(portal: Portal):
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)

    async def ask(who: str, query: str, **variables: object) -> dict:
        async with portal.browser(who) as browser:
            answer = await browser.post("/graphql", json={"query": query, "variables": variables})
            return answer.json()

    refused = await ask("csm", OPEN, input={"tenantId": tenant, "reason": REASON})
    assert refused["data"] == {"openBreakGlass": None}
    assert refused["errors"][0]["extensions"]["code"] == "DENIED"
    opened = (await ask("sre_operator", OPEN, input={"tenantId": tenant, "reason": REASON}))["data"]
    access = opened["openBreakGlass"]["access"]
    assert (access["state"], access["openedBy"], access["steps"]) == ("OPEN", "Sre_Operator", [])
    (listed,) = (await ask("vendor_admin", READ))["data"]["breakGlass"]["nodes"]
    assert listed == {"id": access["id"], "state": "OPEN", "openedBy": "Sre_Operator", "reason": REASON}
    closed = await ask("sre_operator", CLOSE, input={"breakGlassId": access["id"], "reason": "over"})
    assert [each["act"] for each in closed["data"]["closeBreakGlass"]["access"]["steps"]] == ["CLOSE", "ASK"]
    record = (await ask("auditor", RECORD, id=access["id"]))["data"]["breakGlassRecord"]
    assert (record["access"]["state"], record["deeds"]) == ("UNREVIEWED", [])
    stranger = await ask("stranger", RECORD, id=access["id"])
    assert stranger["data"] == {"breakGlassRecord": None}
