"""People, tokens, customers, contracts and objectives over GraphQL: each act once, each refusal without a trace."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import func, select
from support.portal_fixtures import Portal
from support.portal_world import CONTRACT

from schema.ids import encode
from trust_portal.evidence.tables import receipts
from trust_portal.storage.tenancy import StaffScope

ADMIN, VIEWER, VENDOR = "customer_admin", "customer_viewer", "vendor_admin"
PERSON = "query ($id: ID!) { node(id: $id) { ... on Person { active roles } } }"
REVOKE = """mutation ($input: RevokeRoleInput!) { revokeRole(input: $input) {
  person { roles } userErrors { code path } } }"""
SUSPEND = """mutation ($input: PersonInput!) { suspendPerson(input: $input) {
  person { active } userErrors { code path } } }"""
LINK = """mutation ($input: PersonInput!) { createSignInLink(input: $input) {
  url expiresAt userErrors { code path } } }"""
REVOKE_TOKEN = """mutation ($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) {
  revoked userErrors { code path } } }"""
CREATE_TENANT = """mutation ($input: CreateTenantInput!) { createTenant(input: $input) {
  tenant { key name } userErrors { code path } } }"""
CONTRACTS = """mutation ($input: ImportContractsInput!) { importContracts(input: $input) {
  contracts { tenantKey new version { version fee currency objectiveKeys } } userErrors { code path } } }"""
OBJECTIVES = """mutation ($input: ImportObjectivesInput!) { importObjectives(input: $input) {
  objectives { key kind title threshold revision } userErrors { code path } } }"""

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: search, displayName: Search latency}
spec:
  indicator: {metadata: {name: y}, spec: {thresholdMetric: {}}}
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.5, targetPercent: 99}]
"""


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def do(client: httpx.AsyncClient, mutation: str, **given: Any) -> Any:
    """What the one mutation answered."""
    got = await ask(client, mutation, input=given)
    assert "errors" not in got, got
    (payload,) = got["data"].values()
    return payload


async def denied(client: httpx.AsyncClient, mutation: str, **given: Any) -> bool:
    got = await ask(client, mutation, input=given)
    (answer,) = got["data"].values()
    return (answer, got["errors"][0]["extensions"]["code"]) == (None, "DENIED")


async def left(portal: Portal) -> int:
    """How many receipts there are: every act leaves one."""
    async with portal.house.storage.read(StaffScope()) as session:
        return (await session.execute(select(func.count()).select_from(receipts))).scalar_one()


async def test_a_role_is_taken_a_link_made_and_a_person_suspended(portal: Portal):
    aurora = portal.world.aurora
    person = encode("Person", aurora.id, aurora.person)
    async with portal.browser(ADMIN) as admin, portal.browser(VIEWER) as viewer:
        stood, before = await left(portal), await ask(admin, PERSON, id=person)
        assert before == {"data": {"node": {"active": True, "roles": ["CUSTOMER_VIEWER"]}}}
        not_held = await do(admin, REVOKE, personId=person, role="CUSTOMER_ADMIN")
        assert not_held == {"person": None, "userErrors": [{"code": "CONFLICT", "path": ["input", "role"]}]}
        stranger = encode("Person", portal.world.brightside.id, portal.world.brightside.person)
        for mutation, more in ((REVOKE, {"role": "CUSTOMER_VIEWER"}), (SUSPEND, {}), (LINK, {})):
            assert await denied(viewer, mutation, personId=person, **more)
            for other in (stranger, "nonsense"):
                nobody = await do(admin, mutation, personId=other, **more)
                assert [each["code"] for each in nobody["userErrors"]] == ["NOT_FOUND"]
        assert (await left(portal), await ask(admin, PERSON, id=person)) == (stood, before)

        link = await do(admin, LINK, personId=person)
        assert link["url"].startswith("https://trust.example/")
        assert link["userErrors"] == []
        taken = await do(admin, REVOKE, personId=person, role="CUSTOMER_VIEWER")
        assert taken == {"person": {"roles": []}, "userErrors": []}
        suspended = await do(admin, SUSPEND, personId=person)
        assert suspended == {"person": {"active": False}, "userErrors": []}
        assert await left(portal) == stood + 3
        again = await do(admin, SUSPEND, personId=person)
        assert again == {"person": None, "userErrors": [{"code": "CONFLICT", "path": ["input", "personId"]}]}
        locked_out = await do(admin, LINK, personId=person)
        assert (locked_out["url"], locked_out["userErrors"][0]["code"]) == (None, "NOT_FOUND")
        assert await left(portal) == stood + 3


async def test_a_token_is_revoked_once_and_never_somebody_elses(portal: Portal):
    aurora, theirs = portal.world.aurora, portal.world.brightside
    own = encode("ApiToken", aurora.id, aurora.token)
    async with portal.browser(ADMIN) as admin, portal.browser(VIEWER) as viewer:
        stood = await left(portal)
        assert await denied(viewer, REVOKE_TOKEN, tokenId=own)
        for other in (encode("ApiToken", theirs.id, theirs.token), "nonsense"):
            refused = await do(admin, REVOKE_TOKEN, tokenId=other)
            assert (refused["revoked"], refused["userErrors"][0]["code"]) == (False, "NOT_FOUND")
        assert await left(portal) == stood
        assert await do(admin, REVOKE_TOKEN, tokenId=own) == {"revoked": True, "userErrors": []}
        again = await do(admin, REVOKE_TOKEN, tokenId=own)
        assert (again["revoked"], again["userErrors"][0]["code"]) == (False, "CONFLICT")
        assert await left(portal) == stood + 1


async def test_a_customer_is_created_once_under_its_key(portal: Portal):
    given = {"key": "cumulus", "name": "Cumulus Ltd", "timeZone": "Europe/Vienna", "residency": "eu"}
    async with portal.browser(VENDOR) as vendor, portal.browser("csm") as csm:
        stood = await left(portal)
        assert await denied(csm, CREATE_TENANT, **given)
        for change, code, path in (
            ({"key": "aurora"}, "CONFLICT", ["input", "key"]),
            ({"key": "No Key"}, "INVALID", ["input", "key"]),
            ({"timeZone": "Mars/Olympus"}, "INVALID", ["input", "timeZone"]),
        ):
            refused = await do(vendor, CREATE_TENANT, **given | change)
            assert refused == {"tenant": None, "userErrors": [{"code": code, "path": path}]}
        assert await left(portal) == stood
        made = await do(vendor, CREATE_TENANT, **given)
        assert made == {"tenant": {"key": "cumulus", "name": "Cumulus Ltd"}, "userErrors": []}
        assert await left(portal) == stood + 1


async def test_contracts_come_in_whole_or_not_at_all(portal: Portal):
    second = CONTRACT.format(tenant="aurora").replace("2026.1", "2026.2").replace("2026-06-30", "2026-08-01")
    unknown = CONTRACT.format(tenant="nobody")
    async with portal.browser(VENDOR) as vendor, portal.browser("csm") as csm:
        stood = await left(portal)
        assert await denied(csm, CONTRACTS, source=second)
        for source in (f"{second}---\n{unknown}", "tenant: [", second.replace("99.9", "soon")):
            refused = await do(vendor, CONTRACTS, source=source)
            assert (refused["contracts"], refused["userErrors"] != []) == ([], True)
        assert await left(portal) == stood
        (made,) = (await do(vendor, CONTRACTS, source=second))["contracts"]
        version = {"version": "2026.2", "fee": "1000.00", "currency": "EUR", "objectiveKeys": ["api"]}
        assert made == {"tenantKey": "aurora", "new": True, "version": version}
        stood = await left(portal)
        again = await do(vendor, CONTRACTS, source=second)
        assert again == {"contracts": [made | {"new": False}], "userErrors": []}
        assert await left(portal) == stood


async def test_objectives_come_in_for_everybody_or_for_one(portal: Portal):
    async with portal.browser("sre_operator") as operator, portal.browser("csm") as csm:
        stood = await left(portal)
        assert await denied(csm, OBJECTIVES, source=SLO)
        for given in ({"source": "kind: SLO"}, {"source": SLO, "tenantKey": "nobody"}):
            refused = await do(operator, OBJECTIVES, **given)
            assert (refused["objectives"], refused["userErrors"] != []) == ([], True)
        assert await left(portal) == stood
        found = {"key": "search", "kind": "LATENCY", "title": "Search latency", "threshold": "0.5"}
        for given in ({"source": SLO}, {"source": SLO, "tenantKey": "aurora"}):
            made = await do(operator, OBJECTIVES, **given)
            assert made == {"objectives": [found | {"revision": 1}], "userErrors": []}
        stood = await left(portal)
        assert (await do(operator, OBJECTIVES, source=SLO))["objectives"] == [found | {"revision": 1}]
        assert await left(portal) == stood


async def test_runs_and_signing_keys_are_listed_as_their_pages_have_them(portal: Portal):
    runs = "{ slaRuns { period state requestedBy } }"
    keys = "{ signingKeys { fingerprint purpose inForce replaces } }"
    start = 'mutation { startSlaRun(input: {period: "2026-06"}) { userErrors { code } } }'
    async with portal.browser("sre_operator") as operator, portal.browser(ADMIN) as admin:
        assert (await ask(operator, runs))["data"]["slaRuns"] == []
        await ask(operator, start)
        (run,) = (await ask(operator, runs))["data"]["slaRuns"]
        assert run == {"period": "2026-06", "state": "PLANNING", "requestedBy": "Sre_Operator"}
        assert (await ask(admin, runs))["errors"][0]["extensions"]["code"] == "DENIED"
        listed = (await ask(admin, keys))["data"]["signingKeys"]
        shown = (await admin.get("/keys")).text
    assert {each["purpose"] for each in listed} >= {"CHECKPOINTS", "RECEIPTS"}
    assert [(each["inForce"], each["replaces"]) for each in listed] == [(True, None)] * len(listed)
    assert all(each["fingerprint"] in shown for each in listed)
