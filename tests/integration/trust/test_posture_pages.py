"""The page of a customer's posture: what was found, looking again, and the customer's own key; the same over GraphQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.portal_fixtures import Portal

from schema.ids import encode

pytestmark = pytest.mark.takes(seconds=15)

PAGE = "/t/aurora/posture"
_ASK = """query ($id: ID!) { node(id: $id) { ... on Tenant {
  posture { check outcome found evidence checkedBy receiptId } customerKeys { act keyId reason }
} } }"""
_HISTORY = """query ($id: ID!, $after: String) { node(id: $id) { ... on Tenant {
  postureHistory(first: 3, after: $after) { nodes { check outcome } pageInfo { endCursor hasNextPage } }
} } }"""
_LOOK = [("ISOLATION", "PASS"), ("RESIDENCY", "NOT_CHECKED"), ("CUSTOMER_KEY", "NOT_APPLICABLE")]
_CHECK = """mutation ($id: ID!) { checkPosture(input: {tenantId: $id}) {
  checks { check outcome } userErrors { code } } }"""
_SET = """mutation ($id: ID!, $act: CustomerKeyAct!, $reason: String!) {
  setCustomerKey(input: {tenantId: $id, act: $act, reason: $reason}) {
    key { act pem } userErrors { code path } } }"""

_AGREE = """mutation ($id: ID!, $residency: String!, $reason: String!) {
  setResidency(input: {tenantId: $id, residency: $residency, reason: $reason}) {
    tenant { residency } userErrors { code path } } }"""


async def test_staff_looks_and_the_customer_reads_what_was_found(portal: Portal) -> None:
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(PAGE)).text
        assert page.count("nobody has looked yet") == 3
        assert "Look now" not in page
        assert (await browser.post(f"{PAGE}/check")).status_code == 403
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post(f"{PAGE}/check")
        assert (sent.status_code, sent.headers["location"]) == (303, PAGE)
        assert "Look now" in (await browser.get(PAGE)).text
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(PAGE)).text
    for said in (
        "Every table of customers forces row-level security",
        "read without naming a tenant",
        "it is not stated where the database and the backups lie.",
        "Not checked",
        "The customer has enabled no key of its own.",
        "/t/aurora/receipts/",
    ):
        assert said in page, said


async def test_the_customers_administrator_enables_a_key_and_withdraws_it(portal: Portal) -> None:
    export = portal.world.aurora.export
    bundle = f"/t/aurora/exports/{export}/bundle.zip"
    async with portal.browser("customer_admin") as browser:
        before = await browser.get(bundle)
        assert "Enable the key" in (await browser.get(PAGE)).text
        refused = await browser.post(f"{PAGE}/key", data={"act": "enable", "reason": ""})
        assert refused.status_code == 422
        sent = await browser.post(f"{PAGE}/key", data={"act": "enable", "reason": "Our rules ask for it"})
        assert sent.status_code == 303
        await portal.house.sealing.run(portal.world.aurora.id)
        assert (await browser.get(bundle)).content == before.content
        page = (await browser.get(PAGE)).text
        assert "Our rules ask for it" in page
        assert "Withdraw the key" in page
        await browser.post(f"{PAGE}/key", data={"act": "withdraw", "reason": "We leave"})
        closed = await browser.get(bundle)
        assert closed.status_code == 409
        assert "withdrawn the key" in closed.text
    async with portal.browser("vendor_admin") as browser:
        assert (
            await browser.post(f"{PAGE}/key", data={"act": "enable", "reason": "For them"})
        ).status_code == 403


async def test_a_look_from_before_the_keys_last_change_says_that_it_is_not_of_todays_key(
    portal: Portal,
) -> None:
    old = "Not of today’s key"
    async with portal.browser("sre_operator") as staff, portal.browser("customer_admin") as customer:
        await staff.post(f"{PAGE}/check")
        assert old not in (await customer.get(PAGE)).text
        portal.clock.advance(timedelta(minutes=1))
        await customer.post(f"{PAGE}/key", data={"act": "enable", "reason": "Our rules ask for it"})
        page = (await customer.get(PAGE)).text
        assert page.count(old) == 1
        assert "Here the customer&#39;s key was changed since the look." in page
        told = await graphql(customer, portal, "{ posture { check overtaken } }")
        assert told["posture"] == [
            {"check": "ISOLATION", "overtaken": None},
            {"check": "RESIDENCY", "overtaken": None},
            {"check": "CUSTOMER_KEY", "overtaken": "the customer's key was changed since the look"},
        ]
        portal.clock.advance(timedelta(minutes=1))
        await staff.post(f"{PAGE}/check")
        assert old not in (await customer.get(PAGE)).text


async def test_the_vendors_administrator_records_what_is_agreed_and_nobody_else(portal: Portal) -> None:
    sent = {"residency": "Germany", "agreement_reason": "Contract of 1 July"}
    for who in ("customer_admin", "csm", "sre_operator"):
        async with portal.browser(who) as browser:
            assert "Record what is agreed" not in (await browser.get(PAGE)).text
            assert (await browser.post(f"{PAGE}/residency", data=sent)).status_code == 403
    async with portal.browser("vendor_admin") as browser:
        await browser.post(f"{PAGE}/check")
        refused = await browser.post(f"{PAGE}/residency", data=sent | {"agreement_reason": ""})
        assert refused.status_code == 422
        assert '<a href="#agreement_reason">say it in 1 to 2,000 characters</a>' in refused.text
        assert 'value="Germany"' in refused.text, "what was typed is still there"
        done = await browser.post(f"{PAGE}/residency", data=sent)
        assert (done.status_code, done.headers["location"]) == (303, PAGE)
        again = await browser.post(f"{PAGE}/residency", data=sent)
        assert again.status_code == 409
        assert "that is what is agreed already" in again.text
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(PAGE)).text
        assert page.count("Not of today’s agreement") == 1
        assert "Germany" in (await browser.get("/t/aurora")).text


async def test_what_is_agreed_is_recorded_over_graphql_too(portal: Portal) -> None:
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    variables = {"id": tenant, "residency": "Germany", "reason": "Contract of 1 July"}
    async with portal.browser("csm") as browser:
        answer = await browser.post("/graphql", json={"query": _AGREE, "variables": variables})
        refused = answer.json()
        assert refused["data"] == {"setResidency": None}
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["DENIED"]
    async with portal.browser("vendor_admin") as browser:
        wrong = await browser.post(
            "/graphql", json={"query": _AGREE, "variables": variables | {"reason": ""}}
        )
        assert wrong.json()["data"]["setResidency"] == {
            "tenant": None,
            "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}],
        }
        done = await browser.post("/graphql", json={"query": _AGREE, "variables": variables})
        assert done.json()["data"]["setResidency"] == {
            "tenant": {"residency": "Germany"},
            "userErrors": [],
        }


async def graphql(browser: httpx.AsyncClient, portal: Portal, fields: str) -> dict[str, Any]:
    """What GraphQL says of Aurora."""
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Tenant {fields} }} }}"
    answer = await browser.post("/graphql", json={"query": query, "variables": {"id": tenant}})
    told: dict[str, Any] = answer.json()["data"]["node"]
    return told


async def test_graphql_says_and_does_the_same(portal: Portal) -> None:
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)

    async def asked(who: str, query: str, **more: str) -> dict[str, object]:
        async with portal.browser(who) as browser:
            answer = await browser.post("/graphql", json={"query": query, "variables": {"id": tenant} | more})
        data: dict[str, object] = answer.json()["data"]
        return data

    made = await asked("csm", _CHECK)
    assert made == {
        "checkPosture": {
            "checks": [
                {"check": "ISOLATION", "outcome": "PASS"},
                {"check": "RESIDENCY", "outcome": "NOT_CHECKED"},
                {"check": "CUSTOMER_KEY", "outcome": "NOT_APPLICABLE"},
            ],
            "userErrors": [],
        }
    }
    nothing = await asked("customer_admin", _SET, act="ROTATE", reason="Yearly")
    assert nothing == {"setCustomerKey": {"key": None, "userErrors": [{"code": "NOT_ENABLED", "path": []}]}}
    done = await asked("customer_admin", _SET, act="ENABLE", reason="Our rules ask for it")
    assert "BEGIN PUBLIC KEY" in str(done)
    found = str(await asked("customer_viewer", _ASK))
    assert "Our rules ask for it" in found
    assert "row-level security" in found
    assert "FAIL" in str(await asked("csm", _CHECK)), "what was stored before is not sealed yet"
    pages, after = [], None
    for _ in range(2):
        more = {} if after is None else {"after": after}
        history = (await asked("customer_viewer", _HISTORY, **more))["node"]["postureHistory"]
        pages.append([(each["check"], each["outcome"]) for each in history["nodes"]])
        after = history["pageInfo"]["endCursor"]
    assert sorted(pages[0]) == sorted([*_LOOK[:2], ("CUSTOMER_KEY", "FAIL")]), "the newest first"
    assert sorted(pages[1]) == sorted(_LOOK)
    assert not history["pageInfo"]["hasNextPage"]
