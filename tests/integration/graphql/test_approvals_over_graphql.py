"""Approvals over GraphQL: the same services, refusals and stored results as the portal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.approvals_world import ask as ask_approval
from support.approvals_world import person_with, retention_intent
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.portal_world import STRANGER

from schema.ids import encode
from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalRequest
from trust_portal.access.people.model import GrantRole
from trust_portal.access.tokens.model import CreateToken
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID

WHOLE = """query ($id: ID!) { node(id: $id) { ... on ApprovalRequest {
  kind state tenantKey subject intentSha256 rule roles requestedBy reason expiresAt deadline receiptId
  intent { title act { label value } effect risk evidence { label path sha256 } canonical }
  needs { slot role people barred } steps { act by role slot reason receiptId }
  viewerCan { approve slots deny withdraw whyNot } } } }"""
DECIDE = """mutation ($input: %s!) { %s(input: $input) {
  approvalRequest { state needs { role barred } steps { act by } } userErrors { code message path } } }"""
APPROVE = DECIDE % ("ApproveRequestInput", "approveRequest")
DENY = DECIDE % ("DenyRequestInput", "denyRequest")
WITHDRAW = DECIDE % ("WithdrawRequestInput", "withdrawRequest")
LIST = "{ approvalRequests(first: 5, show: %s) { nodes { id state } } }"


@pytest.fixture
async def request_(portal: Portal) -> ApprovalRequest:
    sre = await person_with(portal.house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    return await ask_approval(
        portal.house, portal.world.aurora.id, sre.as_actor(), retention_intent("aurora")
    )


def id_of(request: ApprovalRequest) -> str:
    return encode("ApprovalRequest", request.tenant_id, request.id)


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_a_request_is_read_whole_with_what_the_reader_may_do(portal: Portal, request_):
    async with portal.browser("approver_finance") as browser:
        got = (await ask(browser, WHOLE, id=id_of(request_)))["data"]["node"]
    assert got["intent"]["canonical"].encode() == request_.intent.canonical()
    assert (got["kind"], got["state"], got["tenantKey"]) == ("RETENTION_CHANGE", "PENDING", "aurora")
    assert got["intentSha256"] == request_.digest
    assert [(each["role"], each["people"]) for each in got["needs"]] == [
        ("APPROVER_SECURITY", ["Approver_Security"]),
        ("APPROVER_FINANCE", ["Approver_Finance"]),
    ]
    assert got["viewerCan"] == {
        "approve": True,
        "slots": [2],
        "deny": True,
        "withdraw": False,
        "whyNot": None,
    }
    async with portal.browser("customer_admin") as browser:
        theirs = (await ask(browser, WHOLE, id=id_of(request_)))["data"]["node"]
    assert [each["people"] for each in theirs["needs"]] == [[], []]
    assert theirs["viewerCan"]["approve"] is theirs["viewerCan"]["deny"] is False


async def test_two_people_approve_and_a_third_decision_is_refused_in_words(portal: Portal, request_):
    reason, devices = "Clause 7 allows it", Devices(portal.house)
    given = {"approvalRequestId": id_of(request_), "intentSha256": request_.digest, "reason": reason}

    async def signed(role: Role, slot: int) -> dict[str, Any]:
        person = await person_with(portal.house, CONSOLE, role, VENDOR_ID)
        signature = await devices.sign(request_, person.as_actor(), reason, slot=slot)
        return given | {"slot": slot, "assertion": dict(signature.json())}

    async with portal.browser("approver_security") as browser:
        by_security = await signed(Role.APPROVER_SECURITY, 1)
        first = (await ask(browser, APPROVE, input=by_security))["data"]["approveRequest"]
        again = (await ask(browser, APPROVE, input=by_security))["data"]["approveRequest"]
    async with portal.browser("approver_finance") as browser:
        second = (await ask(browser, APPROVE, input=await signed(Role.APPROVER_FINANCE, 2)))["data"][
            "approveRequest"
        ]
        late = (await ask(browser, DENY, input=given))["data"]["denyRequest"]
    assert first["approvalRequest"]["state"] == "PENDING"
    assert [each["code"] for each in again["userErrors"]] == ["SAME_APPROVER"]
    assert second["approvalRequest"]["state"] == "APPROVED"
    assert [each["by"] for each in second["approvalRequest"]["steps"]] == [
        "Approver_Security",
        "Approver_Finance",
    ]
    assert (late["approvalRequest"], late["userErrors"][0]["code"]) == (None, "APPROVAL_COMPLETE")


async def test_a_changed_digest_an_empty_reason_and_a_foreign_id_are_user_errors(portal: Portal, request_):
    given = {"approvalRequestId": id_of(request_), "intentSha256": request_.digest, "reason": "Fine"}
    async with portal.browser("approver_finance") as browser:
        for change, code, path in (
            ({"intentSha256": "0" * 64}, "INTENT_CHANGED", ["input", "intentSha256"]),
            ({"reason": " "}, "INVALID", ["input", "reason"]),
            ({"approvalRequestId": "nonsense"}, "NOT_FOUND", ["input", "approvalRequestId"]),
        ):
            got = (await ask(browser, APPROVE, input=given | change))["data"]["approveRequest"]
            assert [(each["code"], each["path"]) for each in got["userErrors"]] == [(code, path)]
        assert (await ask(browser, WHOLE, id=id_of(request_)))["data"]["node"]["steps"] == []


async def test_the_requester_a_token_and_a_stranger_do_not_decide(portal: Portal, request_):
    house = portal.house
    given = {"approvalRequestId": id_of(request_), "intentSha256": request_.digest, "reason": "Fine"}
    sre = await person_with(house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    await house.people.grant(GrantRole(VENDOR_ID, sre.id, Role.APPROVER_SECURITY), CONSOLE)
    issued = await house.tokens.create(
        CreateToken(VENDOR_ID, "bot", frozenset({TokenScope.OPERATE, TokenScope.READ}), person_id=sre.id),
        CONSOLE,
    )
    async with portal.browser("sre_operator") as browser:
        own = await ask(browser, APPROVE, input=given)
    async with portal.program(issued.secret) as program:
        token = await ask(program, APPROVE, input=given)
        seen = (await ask(program, WHOLE, id=id_of(request_)))["data"]["node"]
    async with portal.browser(STRANGER) as browser:
        stranger = await ask(browser, DENY, input=given)
        unseen = await ask(browser, WHOLE, id=id_of(request_))
    assert own["errors"][0]["extensions"]["code"] == "OWN_REQUEST"
    assert token["errors"][0]["extensions"]["code"] == "DENIED"
    assert seen["viewerCan"] == {
        "approve": False,
        "slots": [],
        "deny": False,
        "withdraw": False,
        "whyNot": "nobody decides on what they asked for themselves",
    }
    assert [each["code"] for each in stranger["data"]["denyRequest"]["userErrors"]] == ["NOT_FOUND"]
    assert unseen["data"]["node"] is None
    assert seen["steps"] == []


async def test_lists_are_filtered_and_the_requester_takes_it_back(portal: Portal, request_):
    async with portal.browser("sre_operator") as browser:
        live = (await ask(browser, LIST % "LIVE"))["data"]["approvalRequests"]["nodes"]
        assert [each["id"] for each in live] == [id_of(request_)]
        given = {"approvalRequestId": id_of(request_), "reason": "Not needed"}
        taken = (await ask(browser, WITHDRAW, input=given))["data"]["withdrawRequest"]
        assert taken["approvalRequest"]["state"] == "WITHDRAWN"
        assert (await ask(browser, LIST % "LIVE"))["data"]["approvalRequests"]["nodes"] == []
        again = (await ask(browser, WITHDRAW, input=given))["data"]["withdrawRequest"]
        assert [each["code"] for each in again["userErrors"]] == ["APPROVAL_WITHDRAWN"]
    async with portal.browser("customer_admin") as browser:
        mine = await ask(browser, "{ viewer { tenant { approvalRequests(last: 3) { nodes { state } } } } }")
        assert "errors" in mine
        query = "{ viewer { tenant { approvalRequests(first: 3) { nodes { state } } } } }"
        mine = await ask(browser, query)
        assert mine["data"]["viewer"]["tenant"]["approvalRequests"]["nodes"] == [{"state": "WITHDRAWN"}]
        assert (await ask(browser, LIST % "ALL"))["errors"][0]["extensions"]["code"] == "DENIED"
