"""The forecast at the doors: switched by an operator, seen by the vendor's people, never by a customer."""

from __future__ import annotations

from typing import Any

import httpx
from support.portal_fixtures import Portal

PAGE = "/t/aurora/credits"
SAID = "Where July 2026 is heading"


async def test_turned_on_it_stands_on_the_credits_page_of_the_vendors_people_only(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        assert SAID not in (await browser.get(PAGE)).text
        assert "Nobody has turned it on yet" in (await browser.get("/credits")).text
        refused = await browser.post("/credits/forecast", data={"enabled": "yes", "reason": ""})
        assert refused.status_code == 422
        sent = await browser.post("/credits/forecast", data={"enabled": "yes", "reason": "to see it coming"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/credits#forecast")
        assert "to see it coming" in (await browser.get("/credits")).text
        page = (await browser.get(PAGE)).text
        # July is not measured here, and the page says so instead of a figure.
        assert SAID in page
        assert '<span class="absent">no figure</span>' in page
    for who in ("customer_viewer", "customer_admin", "auditor", "vendor_admin"):
        async with portal.browser(who) as browser:
            assert SAID not in (await browser.get(PAGE)).text, who
    for who in ("customer_admin", "csm", "approver_finance"):
        async with portal.browser(who) as browser:
            sent = await browser.post("/credits/forecast", data={"enabled": "no", "reason": "no"})
            assert sent.status_code == 403, who


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_the_same_over_graphql(portal: Portal):
    switch = """mutation ($on: Boolean!, $why: String!) { setCreditForecast(input: {enabled: $on, reason: $why}) {
      flag { enabled reason setBy } userErrors { code path } } }"""
    read = """query { creditForecastFlag { enabled } tenant(key: "aurora") { creditForecast {
      period contractVersion amount slas { objective target attained likelihood findings { code } } } } }"""
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        assert (await ask(program, read))["data"] == {
            "creditForecastFlag": None,
            "tenant": {"creditForecast": None},
        }
    async with portal.program(portal.world.tokens["sre_operator:operate"]) as program:
        empty = await ask(program, switch, on=True, why="")
        assert empty["data"]["setCreditForecast"]["userErrors"] == [
            {"code": "INVALID", "path": ["input", "reason"]}
        ]
        done = await ask(program, switch, on=True, why="to see it coming")
        assert done["data"]["setCreditForecast"]["flag"]["reason"] == "to see it coming"
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        found = (await ask(program, read))["data"]["tenant"]["creditForecast"]
    assert (found["period"], found["contractVersion"], found["amount"]) == ("2026-07", "2026.1", None)
    assert found["slas"] == [
        {
            "objective": "api",
            "target": "99.9",
            "attained": None,
            "likelihood": None,
            "findings": [{"code": "MISSING_DATA"}],
        }
    ]
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        refused = await ask(program, 'query { tenant(key: "aurora") { creditForecast { period } } }')
    assert refused["errors"][0]["extensions"]["code"] == "DENIED"
