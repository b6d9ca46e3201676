"""``docs/graphql.md``: its documents run as they are printed, and its numbers are those of the code."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from support.portal_fixtures import Portal

from schema.limits import MAX_ALIASES, MAX_COST, MAX_DEPTH, MAX_REPEATS, MAX_TOKENS
from trust_portal.kernel.page import MAX_PAGE

pytestmark = pytest.mark.takes(seconds=12)

TEXT = (Path(__file__).parents[3] / "docs" / "graphql.md").read_text("utf-8")
REPORTS, ISSUE = re.findall(r"```graphql\n(.+?)```", TEXT, flags=re.DOTALL)
ASKED, TRIED, ANSWERED = map(json.loads, re.findall(r"```json\n(.+?)```", TEXT, flags=re.DOTALL))
NEW = {"accept": "application/graphql-response+json"}


async def test_its_curl_line_tells_a_program_who_it_is(portal: Portal):
    words = shlex.split(re.search(r"```\n(curl .+?)```", TEXT, flags=re.DOTALL)[1].replace("\\\n", ""))
    headers = dict(each.split(": ", 1) for each in words if ": " in each and not each.startswith("{"))
    assert headers.pop("Authorization") == "Bearer $TOKEN"
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        answer = await program.post("/graphql", content=words[-1].encode(), headers=headers)
    viewer = answer.json()["data"]["viewer"]
    assert (answer.status_code, viewer["kind"], viewer["scopes"]) == (200, "TOKEN", ["READ"])
    assert viewer["tenant"] == {"key": "aurora"}


async def test_its_page_of_reports_is_read_and_another_customers_is_nothing(portal: Portal):
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        own, others = [
            (
                await program.post("/graphql", json={"query": REPORTS, "variables": {**ASKED, "tenant": key}})
            ).json()
            for key in ("aurora", "brightside")
        ]
    page = own["data"]["tenant"]["slaReports"]
    assert [(each["period"], each["revision"], each["state"]) for each in page["nodes"]] == [
        ("2026-06", 1, "OK")
    ]
    assert page["pageInfo"]["hasNextPage"] is False
    assert others["data"] == {"tenant": None}


async def test_its_act_is_refused_in_the_words_it_shows_and_one_without_the_right_by_its_code(portal: Portal):
    find = '{ tenant(key: "aurora") { id } }'
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        tenant = (await program.post("/graphql", json={"query": find})).json()["data"]["tenant"]["id"]
        act = {"query": ISSUE, "variables": {**TRIED, "tenant": tenant}}
        denied = (await program.post("/graphql", json=act, headers=NEW)).json()
    async with portal.browser("sre_operator") as browser:
        refused = (await browser.post("/graphql", json=act)).json()["data"]
    message = refused["issueSlaReport"]["userErrors"][0].pop("message")
    assert message
    assert refused == ANSWERED
    assert [each["extensions"]["code"] for each in denied["errors"]] == ["DENIED"]


def test_its_limits_are_those_of_the_code():
    rows = dict(
        re.findall(r"^\| (tokens|depth|aliases|repeats|cost) \| ([\d,]+) \|", TEXT, flags=re.MULTILINE)
    )
    assert {name: int(number.replace(",", "")) for name, number in rows.items()} == {
        "tokens": MAX_TOKENS,
        "depth": MAX_DEPTH,
        "aliases": MAX_ALIASES,
        "repeats": MAX_REPEATS,
        "cost": MAX_COST,
    }
    assert MAX_PAGE == 100
