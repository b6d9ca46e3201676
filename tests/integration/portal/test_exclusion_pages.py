"""Exclusions in the portal and over GraphQL: proposed by one, looked at by all, approved elsewhere, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.approvals_world import person_with
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.portal_world import LAST_DAY

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.exclusions.model import ExclusionState, StoredExclusion

PAGE = "/t/aurora/exclusions"


def form(**more: str) -> dict[str, str]:
    return {
        "start": f"{LAST_DAY:%Y-%m-%dT%H:%M}",
        "end": f"{LAST_DAY + timedelta(minutes=3):%Y-%m-%dT%H:%M}",
        "objectives": "",
        "reason": "their own network was down",
        "evidence": "ticket 4711",
    } | more


async def proposed(portal: Portal) -> tuple[StoredExclusion, ...]:
    reader = (await person_with(portal.house, CONSOLE, Role.VENDOR_ADMIN, VENDOR_ID)).as_actor()
    page = await portal.house.exclusions.page(reader, portal.world.aurora.id, PageRequest(10))
    return page.items


async def approved(portal: Portal) -> StoredExclusion:
    """By two people, and spent as the worker does."""
    (exclusion,) = await proposed(portal)
    tenant_id, devices = portal.world.aurora.id, Devices(portal.house)
    for role in (Role.APPROVER_RELIABILITY, Role.APPROVER_FINANCE):
        person = (await person_with(portal.house, CONSOLE, role, VENDOR_ID)).as_actor()
        request = (await portal.house.exclusions.approval(person, exclusion)).request
        await devices.approve(request, person, "the ticket says so")
    await portal.house.exclusions.approval_settled(tenant_id, exclusion.request_id)
    (exclusion,) = await proposed(portal)
    return exclusion


async def test_an_operator_proposes_and_sees_what_it_would_change_and_what_it_needs(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post(PAGE, data=form())
        (exclusion,) = await proposed(portal)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{PAGE}/{exclusion.id}")
        page = (await browser.get(sent.headers["location"])).text.replace("\u00a0", " ")
        for said in (
            "Waits for approval", "their own network was down", "ticket 4711", "all of this customer&#39;s",
            "June 2026", "99.791666 %", "100.000000 %", "EUR 100.00", "EUR 0.00",
            f"/t/aurora/approvals/{exclusion.request_id}", f"/t/aurora/reports/{portal.world.aurora.report}",
        ):  # fmt: skip
            assert said in page, said
        assert "Revoke it" not in page
        listed = (await browser.get(PAGE)).text
        assert f"{PAGE}/{exclusion.id}" in listed
    assert exclusion.objectives is None


async def test_approved_it_counts_and_an_operator_revokes_it_with_a_reason(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await browser.post(PAGE, data=form(objectives="api"))
        exclusion = await approved(portal)
        assert (exclusion.state, exclusion.objectives) == (ExclusionState.APPROVED, ("api",))
        address = f"{PAGE}/{exclusion.id}"
        assert "Counts" in (await browser.get(address)).text
        assert not await portal.house.reports.compare(portal.world.aurora.id, "2026-06")
        signed = (await browser.get(f"/t/aurora/reports/{portal.world.aurora.report}")).text
        assert "What is known since gives other figures" in signed
        assert "Restate it" in signed
        again = await browser.post(f"{address}/revoke", data={"reason": ""})
        assert again.status_code == 422
        sent = await browser.post(f"{address}/revoke", data={"reason": "the ticket was of May"})
        assert sent.status_code == 303
        page = (await browser.get(address)).text
    assert "Revoked" in page
    assert "the ticket was of May" in page
    (exclusion,) = await proposed(portal)
    assert exclusion.state is ExclusionState.REVOKED


async def test_a_customer_reads_it_and_finds_no_form(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await browser.post(PAGE, data=form())
    (exclusion,) = await proposed(portal)
    async with portal.browser("customer_viewer") as browser:
        listed = (await browser.get(PAGE)).text
        assert "their own network was down" in listed
        assert 'name="evidence"' not in listed
        page = await browser.get(f"{PAGE}/{exclusion.id}")
        assert page.status_code == 200
        assert "/approvals/" not in page.text
        refused = await browser.post(PAGE, data=form(end=form()["start"][:-2] + "02"))
        assert refused.status_code == 403
    async with portal.browser("stranger") as browser:
        assert (await browser.get(f"{PAGE}/{exclusion.id}")).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("start", "yesterday", "write day and time"),
        ("end", "2026-06-30T00:00", "it ends no later than it starts"),
        ("end", "2026-07-30T00:00", "it is not over"),
        ("reason", "", "say it in 1 to 2,000 characters"),
        ("evidence", " ", "say it in 1 to 2,000 characters"),
        ("objectives", "web", "there is no objective"),
    ],
)
async def test_what_cannot_be_proposed_is_said_at_its_field(
    portal: Portal, field: str, value: str, said: str
):
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post(PAGE, data=form(**{field: value}))
    assert sent.status_code in {409, 422}
    assert f'id="{field}-error"' in sent.text
    assert said in sent.text
    assert await proposed(portal) == ()


PROPOSE = """mutation ($input: ProposeExclusionInput!) { proposeExclusion(input: $input) {
  exclusion { id window state objectiveKeys evidence }
  userErrors { code path } } }"""
REVOKE = """mutation ($input: RevokeExclusionInput!) { revokeExclusion(input: $input) {
  exclusion { state } userErrors { code } } }"""


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()["data"]


async def test_the_same_over_graphql(portal: Portal):
    tenant = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    asked = {
        "tenantId": tenant,
        "start": "2026-06-30T00:00:00Z",
        "end": "2026-06-30T00:03:00Z",
        "objectiveKeys": ["api"],
        "reason": "their own network was down",
        "evidence": "ticket 4711",
    }
    async with portal.program(portal.world.tokens["sre_operator:operate"]) as program:
        naive = await ask(program, PROPOSE, input=asked | {"start": "2026-06-30T00:00:00"})
        assert naive["proposeExclusion"]["userErrors"] == [{"code": "INVALID", "path": ["input", "start"]}]
        assert await proposed(portal) == ()
        done = await ask(program, PROPOSE, input=asked)
        (exclusion,) = await proposed(portal)
        assert done["proposeExclusion"] == {
            "exclusion": {
                "id": encode("Exclusion", exclusion.tenant_id, exclusion.id),
                "window": f"exclusion/{exclusion.id}",
                "state": "PROPOSED",
                "objectiveKeys": ["api"],
                "evidence": "ticket 4711",
            },
            "userErrors": [],
        }
        early = await ask(
            program, REVOKE, input={"exclusionId": done["proposeExclusion"]["exclusion"]["id"], "reason": "x"}
        )
        assert early["revokeExclusion"] == {"exclusion": None, "userErrors": [{"code": "NOT_IN_FORCE"}]}
        await approved(portal)
        gone = await ask(
            program, REVOKE, input={"exclusionId": done["proposeExclusion"]["exclusion"]["id"], "reason": "x"}
        )
        assert gone["revokeExclusion"] == {"exclusion": {"state": "REVOKED"}, "userErrors": []}
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        query = """query ($id: ID!) { tenant(key: "aurora") { exclusions(first: 5) { nodes { id state } } }
          node(id: $id) { ... on Exclusion { window receipt { kind } } } }"""
        found = await ask(program, query, id=encode("Exclusion", exclusion.tenant_id, exclusion.id))
    assert [each["state"] for each in found["tenant"]["exclusions"]["nodes"]] == ["REVOKED"]
    assert found["node"] == {"window": exclusion.window, "receipt": {"kind": "EXCLUSION_REVOKED"}}
