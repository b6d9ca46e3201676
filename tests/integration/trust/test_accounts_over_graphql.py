"""An account over GraphQL: what is not said stays, null takes away, and the answer says how ready its review is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from qbr_desk import everything, issue, prepare
from report_desk import CORA
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.accounts.model import SetAccount

SET = """mutation ($input: SetAccountInput!) { setAccount(input: $input) {
  account { csm csmId reviewOn leadDays readiness blockingCount qbrId } userErrors { code path }
} }"""


async def test_what_is_not_given_stays_null_takes_it_away_and_what_is_given_holds(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    person = await house.people.add(AddPerson(VENDOR_ID, "clara@vendor.example", "Clara"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.CSM, None), CONSOLE)
    clara = encode("Person", VENDOR_ID, person.id)
    whole = {"csm": "Clara", "csmId": clara, "reviewOn": "2026-07-20", "leadDays": 3}
    async with portal.browser("csm") as csm:
        assert await _set(csm, aurora.id, csmId=clara, reviewOn="2026-07-20", leadDays=3) == whole
        assert await _set(csm, aurora.id) == whole, "nothing is given"
        assert await _set(csm, aurora.id, reviewOn="2026-07-21") == {**whole, "reviewOn": "2026-07-21"}
        assert await _set(csm, aurora.id, leadDays=5) == {**whole, "reviewOn": "2026-07-21", "leadDays": 5}
        stands = {**whole, "reviewOn": "2026-07-21", "leadDays": 5}
        assert await _set(csm, aurora.id, csmId=stands["csmId"]) == stands, "as it was handed out"
        assert await _set(csm, aurora.id, csmId=None) == {**stands, "csm": None, "csmId": None}
        assert await _set(csm, aurora.id, leadDays=None) == {
            **stands,
            "csm": None,
            "csmId": None,
            "leadDays": 7,
        }
        gone = {"csm": None, "csmId": None, "reviewOn": None, "leadDays": 7}
        assert await _set(csm, aurora.id, reviewOn=None) == gone
        listed = (
            await csm.post(
                "/graphql",
                json={"query": "{ accounts(first: 50) { nodes { key csmId reviewOn leadDays } } }"},
            )
        ).json()
        (mine,) = [each for each in listed["data"]["accounts"]["nodes"] if each["key"] == "aurora"]
        assert mine == {"key": "aurora", "csmId": None, "reviewOn": None, "leadDays": 7}


async def test_the_answer_says_how_ready_the_review_is_and_which_it_is(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    async with portal.browser("csm") as csm:
        asked = {"tenantId": encode("Tenant", aurora.id, aurora.id), "reviewOn": "2026-07-20"}
        made = await _account(csm, asked)
        assert (made["readiness"], made["blockingCount"], made["qbrId"]) == ("NOT_PREPARED", 0, None)
        qbr = await prepare(house, aurora.id)
        made = await _account(csm, asked)
        id_ = encode("Qbr", aurora.id, qbr.id)
        assert (made["readiness"], made["blockingCount"], made["qbrId"]) == ("BLOCKED", qbr.blocking, id_)
        assert qbr.blocking > 0
        await issue(house, qbr)
        made = await _account(csm, asked)
        assert (made["readiness"], made["qbrId"]) == ("ISSUED", id_)


@pytest.mark.parametrize(
    ("given", "path"),
    [({"leadDays": 0}, "leadDays"), ({"leadDays": 61}, "leadDays"), ({"reviewOn": "1999-12-31"}, "reviewOn")],
)
async def test_what_is_refused_changes_nothing(portal: Portal, given: dict[str, Any], path: str):
    house, aurora = portal.house, portal.world.aurora
    await house.accounts.set(SetAccount(aurora.id, None, date(2026, 7, 20), timedelta(days=3)), CORA)
    before = await everything(house, aurora.id)
    async with portal.browser("csm") as csm:
        asked = {"tenantId": encode("Tenant", aurora.id, aurora.id), **given}
        answer = (await csm.post("/graphql", json={"query": SET, "variables": {"input": asked}})).json()
    assert answer["data"]["setAccount"]["userErrors"][0]["path"] == ["input", path]
    assert await everything(house, aurora.id) == before


async def _set(csm: httpx.AsyncClient, tenant_id: Any, **given: Any) -> dict[str, Any]:
    found = await _account(csm, {"tenantId": encode("Tenant", tenant_id, tenant_id), **given})
    return {name: found[name] for name in ("csm", "csmId", "reviewOn", "leadDays")}


async def _account(csm: httpx.AsyncClient, asked: dict[str, Any]) -> dict[str, Any]:
    answer = (await csm.post("/graphql", json={"query": SET, "variables": {"input": asked}})).json()
    assert "errors" not in answer, answer
    made = answer["data"]["setAccount"]
    assert made["userErrors"] == []
    account: dict[str, Any] = made["account"]
    return account
