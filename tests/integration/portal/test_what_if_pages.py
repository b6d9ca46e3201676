"""A past month by other words: beside what was signed, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from support.portal_fixtures import Portal
from support.portal_world import CONTRACT

from trust_portal.access.actors import CONSOLE
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.storage.tenancy import TenantScope

PAGE = "/t/aurora/what-if"
#: The same words with a kinder target, from a month that has not begun.
KINDER = (
    CONTRACT.format(tenant="aurora")
    .replace('"2026.1"', '"2026.2"')
    .replace("2026-06-30T00:00:00Z", "2026-09-01T00:00:00Z")
    .replace('target: "99.9"', 'target: "99.5"')
    .replace('to: "99.9"', 'to: "99.5"')
)


async def rows(portal: Portal) -> list[str]:
    found = []
    async with portal.house.storage.read(TenantScope(portal.world.aurora.id)) as session:
        for table in ("contracts", "sla_reports", "sla_report_heads", "credits", "receipts"):
            result = await session.execute(
                text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": portal.world.aurora.id}
            )
            found += sorted(repr(each) for each in result)
    return found


async def test_a_draft_is_computed_beside_what_was_signed_and_nothing_is_stored(portal: Portal):
    before = await rows(portal)
    async with portal.browser("csm") as browser:
        assert (await browser.get(PAGE)).status_code == 200
        sent = await browser.post(PAGE, data={"period": "2026-06", "version": "", "document": KINDER})
    page = sent.text.replace("\u00a0", " ")
    assert sent.status_code == 200
    # 1,437 of 1,440 minutes: missed as signed, met by the draft.
    assert page.count("99.791666 %") == 4, "raw beside adjusted, by the draft and as signed"
    for said in ("June 2026 by version 2026.2", "EUR 0.00", "EUR 100.00", "at least 99.5 %", "Met", "Missed"):
        assert said in page, said
    assert await rows(portal) == before


async def test_the_recorded_version_gives_what_was_signed(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post(PAGE, data={"period": "2026-06", "version": "2026.1", "document": ""})
    assert sent.text.replace("\u00a0", " ").count("EUR 100.00") == 2


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"version": "", "document": ""}, "version", "choose a version"),
        ({"document": "slas: 1"}, None, "contract:"),
        ({"document": KINDER.replace("tenant: aurora", "tenant: brightside")}, "document", "not of aurora"),
        ({"period": "2026-07"}, "period", "is not over"),
        ({"period": "June"}, "period", "is no period; write a month as 2026-06"),
    ],
)
async def test_what_cannot_be_computed_is_said(portal: Portal, changes: dict[str, str], field, said: str):
    async with portal.browser("csm") as browser:
        sent = await browser.post(
            PAGE, data={"period": "2026-06", "version": "2026.1", "document": ""} | changes
        )
    assert sent.status_code in {409, 422}
    assert said in sent.text
    assert field is None or f'id="{field}-error"' in sent.text


async def test_a_version_shows_what_it_says_otherwise_than_the_one_before(portal: Portal):
    await portal.house.contracts.import_file(ImportContracts(KINDER.encode()), CONSOLE)
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get("/t/aurora/contracts/2026.2")).text.replace("\u00a0", " ")
        assert "What it says otherwise than version 2026.1" in page
        assert "99.9 %" in page
        assert "99.5 %" in page
        assert "What it says otherwise" not in (await browser.get("/t/aurora/contracts/2026.1")).text
        assert (await browser.get(PAGE)).status_code == 403


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_the_same_over_graphql(portal: Portal):
    await portal.house.contracts.import_file(ImportContracts(KINDER.encode()), CONSOLE)
    query = """query { tenant(key: "aurora") {
      contractPreview(period: "2026-06", version: "2026.2")
      contractChanges(before: "2026.1", after: "2026.2") { where term before after } } }"""
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        found = (await ask(program, query))["data"]["tenant"]
    preview = json.loads(found["contractPreview"])
    assert (preview["state"], preview["credit"]["amount"], preview["slas"][0]["met"]) == ("ok", "0.00", True)
    assert {"where": "api", "term": "target", "before": "99.9 %", "after": "99.5 %"} in found[
        "contractChanges"
    ]
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        refused = await ask(program, query)
    assert refused["errors"][0]["extensions"]["code"] == "DENIED"
