"""A decision that must be signed, over GraphQL: the same statement, the same refusals, the same stored result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.approvals_world import ask as ask_approval
from support.approvals_world import person_with, retention_intent
from support.passkeys import Devices
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind, ApprovalRequest
from trust_portal.evidence.assertion import Assertion
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID

READ = "query ($id: ID!) { node(id: $id) { ... on ApprovalRequest { nonce steps { by signed } } } }"
APPROVE = """mutation ($input: ApproveRequestInput!) { approveRequest(input: $input) {
  approvalRequest { steps { by signed } } userErrors { code path } } }"""


@pytest.fixture
async def credit(portal: Portal) -> ApprovalRequest:
    sre = await person_with(portal.house, CONSOLE, Role.SRE_OPERATOR, VENDOR_ID)
    intent = replace(retention_intent("aurora"), kind=ApprovalKind.CREDIT)
    return await ask_approval(portal.house, portal.world.aurora.id, sre.as_actor(), intent)


async def ask(client, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()["data"]


def given(signature: Assertion) -> dict[str, str]:
    return dict(signature.json())


async def test_a_signature_is_taken_and_none_or_another_one_refused_by_name(portal: Portal, credit):
    id_ = encode("ApprovalRequest", credit.tenant_id, credit.id)
    fay = (await person_with(portal.house, CONSOLE, Role.APPROVER_FINANCE, VENDOR_ID)).as_actor()
    devices = Devices(portal.house)
    signature = await devices.sign(credit, fay, "Clause 7", slot=1)
    command = {"approvalRequestId": id_, "intentSha256": credit.digest, "reason": "Clause 7", "slot": 1}
    async with portal.browser("approver_finance") as browser:
        read = (await ask(browser, READ, id=id_))["node"]
        assert read["nonce"] == credit.nonce
        for change, code, path in (
            ({}, "PASSKEY_REQUIRED", "assertion"),
            (
                {"reason": "Clause 8", "assertion": given(signature)},
                "ASSERTION_NOT_THIS_STATEMENT",
                "assertion",
            ),
            ({"assertion": given(signature) | {"signature": "!"}}, "MALFORMED", "assertion"),
        ):
            (error,) = (await ask(browser, APPROVE, input=command | change))["approveRequest"]["userErrors"]
            assert error["code"] == code
            assert path in error["path"][1]
        assert (await ask(browser, READ, id=id_))["node"]["steps"] == []
        done = await ask(browser, APPROVE, input=command | {"assertion": given(signature)})
    assert done["approveRequest"] == {
        "approvalRequest": {"steps": [{"by": fay.name, "signed": True}]},
        "userErrors": [],
    }
