"""GraphQL over the real house: the same rules, the same stored results as the portal."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from support.portal_fixtures import Portal
from support.portal_world import STRANGER, auroras_incident

from schema.ids import encode

NEW_TYPE = "application/graphql-response+json"


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = await client.post(
        "/graphql", json={"query": query, "variables": variables}, headers={"accept": NEW_TYPE}
    )
    assert answer.headers["content-type"] == f"{NEW_TYPE}; charset=utf-8"
    return answer.json()


async def test_a_customer_reads_its_report_to_the_receipt_and_its_proof(portal: Portal):
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        got = await ask(
            program,
            """{ viewer { staff tenant { key
              slaReport(period: "2026-06") { revision state receipt { kind proof } export { state sha256 downloadUrl } }
              incidents(since: "2026-06-01T00:00:00Z", until: "2026-07-01T00:00:00Z") { key }
              exports(first: 5) { nodes { percent } pageInfo { hasNextPage } } } } }""",
        )
    assert "errors" not in got, got
    tenant = got["data"]["viewer"]["tenant"]
    report = tenant["slaReport"]
    assert (tenant["key"], report["revision"], report["state"]) == ("aurora", 1, "OK")
    assert report["receipt"]["kind"] == "SLA_REPORT_ISSUED"
    assert report["receipt"]["proof"].startswith("c2sp.org/tlog-proof@v1\n")
    assert report["export"]["downloadUrl"] == (
        f"https://trust.example/t/aurora/exports/{portal.world.aurora.export}/bundle.zip"
    )
    assert tenant["incidents"] == [{"key": await auroras_incident(portal.house)}]


async def test_a_foreign_global_id_is_nothing_at_all(portal: Portal):
    theirs = portal.world.brightside
    ids = {
        "Tenant": (theirs.id, theirs.id),
        "SlaReport": (theirs.id, theirs.report),
        "Export": (theirs.id, theirs.export),
        "Receipt": (theirs.id, theirs.receipt),
        "Person": (theirs.id, theirs.person),
    }
    query = "query ($id: ID!) { node(id: $id) { __typename } }"
    async with portal.browser("customer_admin") as browser:
        for kind, (tenant_id, thing) in ids.items():
            claims = [
                encode(kind, tenant_id, thing),
                encode(kind, portal.world.aurora.id, thing),
                encode(kind, tenant_id, uuid4()),
                encode("Nonsense", tenant_id, thing),
                "not-an-id",
            ]
            for claim in claims:
                assert await ask(browser, query, id=claim) == {"data": {"node": None}}, (kind, claim)
    async with portal.browser(STRANGER) as browser:
        for kind, (tenant_id, thing) in ids.items():
            assert await ask(browser, query, id=encode(kind, tenant_id, thing)) == {
                "data": {"node": {"__typename": kind}}
            }


async def test_a_foreign_tenant_and_no_tenant_are_the_same_error(portal: Portal):
    query = "query ($key: String!) { tenant(key: $key) { name } }"
    async with portal.browser("customer_viewer") as browser:
        foreign, absent = await ask(browser, query, key="brightside"), await ask(browser, query, key="nobody")
    assert foreign == absent
    assert foreign["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_report_issued_by_form_and_by_mutation_is_the_same_report(portal: Portal):
    mutation = """mutation ($tenant: ID!) { issueSlaReport(input: {tenantId: $tenant, period: "2026-06"}) {
      report { id revision sha256 } userErrors { code } } }"""
    aurora = portal.world.aurora
    async with portal.browser("sre_operator") as browser:
        form = await browser.post("/t/aurora/reports", data={"period": "2026-06"})
        assert form.headers["location"] == f"/t/aurora/reports/{aurora.report}"
        got = await ask(browser, mutation, tenant=encode("Tenant", aurora.id, aurora.id))
    payload = got["data"]["issueSlaReport"]
    assert payload["userErrors"] == []
    assert payload["report"]["id"] == encode("SlaReport", aurora.id, aurora.report)
    assert payload["report"]["revision"] == 1


async def test_both_doors_refuse_a_month_that_is_not_over_in_the_same_words(portal: Portal):
    mutation = """mutation ($tenant: ID!) { issueSlaReport(input: {tenantId: $tenant, period: "2026-07"}) {
      report { id } userErrors { code message path } } }"""
    aurora = portal.world.aurora
    async with portal.browser("sre_operator") as browser:
        form = await browser.post("/t/aurora/reports", data={"period": "2026-07"})
        got = await ask(browser, mutation, tenant=encode("Tenant", aurora.id, aurora.id))
    (error,) = got["data"]["issueSlaReport"]["userErrors"]
    assert got["data"]["issueSlaReport"]["report"] is None
    assert error["path"][0] == "input"
    assert form.status_code in {409, 422}
    assert error["message"].split(";")[0] in form.text


async def test_people_are_added_and_given_roles_as_the_portal_does_it(portal: Portal):
    add = """mutation ($tenant: ID!, $email: String!) { addPerson(input: {tenantId: $tenant, email: $email, name: "N"}) {
      person { id roles } userErrors { code path } } }"""
    grant = """mutation ($person: ID!) { grantRole(input: {personId: $person, role: CUSTOMER_VIEWER}) {
      person { roles } userErrors { code } } }"""
    aurora = portal.world.aurora
    tenant = encode("Tenant", aurora.id, aurora.id)
    async with portal.browser("customer_admin") as browser:
        added = (await ask(browser, add, tenant=tenant, email="newcomer@aurora.example"))["data"]["addPerson"]
        granted = (await ask(browser, grant, person=added["person"]["id"]))["data"]["grantRole"]
        again = (await ask(browser, add, tenant=tenant, email="newcomer@aurora.example"))["data"]["addPerson"]
        wrong = (await ask(browser, add, tenant=tenant, email="nonsense"))["data"]["addPerson"]
        page = (await browser.get("/t/aurora/people")).text
    assert granted == {"person": {"roles": ["CUSTOMER_VIEWER"]}, "userErrors": []}
    assert again == {"person": None, "userErrors": [{"code": "CONFLICT", "path": ["input", "email"]}]}
    assert wrong["userErrors"] == [{"code": "INVALID", "path": ["input", "email"]}]
    assert page.count("newcomer@aurora.example") == 1


async def test_a_denied_act_is_an_error_of_the_caller_and_changes_nothing(portal: Portal):
    mutation = 'mutation { startSlaRun(input: {period: "2026-06"}) { run { period } userErrors { code } } }'
    async with portal.program(portal.world.tokens["sre_operator:read"]) as program:
        got = await ask(program, mutation)
    assert got["data"] == {"startSlaRun": None}
    assert got["errors"][0]["extensions"]["code"] == "DENIED"
    async with portal.browser("sre_operator") as browser:
        assert (await browser.get("/runs/2026-06")).status_code == 404


async def test_what_an_act_did_is_answered_though_the_next_one_is_denied(portal: Portal):
    acts = """mutation ($tenant: ID!) {
      addPerson(input: {tenantId: $tenant, email: "kept@aurora.example", name: "Kim Kept"}) { person { name } }
      startSlaRun(input: {period: "2026-06"}) { run { period } } }"""
    async with portal.browser("customer_admin") as browser:
        tenant = (await ask(browser, "{ viewer { tenant { id } } }"))["data"]["viewer"]["tenant"]["id"]
        got = await ask(browser, acts, tenant=tenant)
        page = (await browser.get("/t/aurora/people")).text
    assert got["data"] == {"addPerson": {"person": {"name": "Kim Kept"}}, "startSlaRun": None}
    assert [(each["path"], each["extensions"]["code"]) for each in got["errors"]] == [
        (["startSlaRun"], "DENIED")
    ]
    assert page.count("kept@aurora.example") == 1


async def test_a_field_one_may_not_see_takes_nothing_else_along(portal: Portal):
    query = '{ viewer { tenant { key people(first: 1) { nodes { id } } profile: slaReport(period: "2026-06") { state } } } }'
    async with portal.browser("customer_viewer") as browser:
        got = await ask(browser, query)
    assert got["data"]["viewer"]["tenant"] == {"key": "aurora", "people": None, "profile": {"state": "OK"}}
    assert [(each["path"], each["extensions"]["code"]) for each in got["errors"]] == [
        (["viewer", "tenant", "people"], "DENIED")
    ]


async def test_a_bundle_asked_for_again_is_the_one_there_is(portal: Portal):
    mutation = """mutation ($id: ID!) { requestExport(input: {documentId: $id}) { export { id state } userErrors { code } } }"""
    aurora = portal.world.aurora
    async with portal.browser("customer_viewer") as browser:
        got = await ask(browser, mutation, id=encode("SlaReport", aurora.id, aurora.report))
        theirs = await ask(
            browser,
            mutation,
            id=encode("SlaReport", portal.world.brightside.id, portal.world.brightside.report),
        )
    assert got["data"]["requestExport"] == {
        "export": {"id": encode("Export", aurora.id, aurora.export), "state": "READY"},
        "userErrors": [],
    }
    assert theirs["data"]["requestExport"]["userErrors"] == [{"code": "NOT_FOUND"}]


async def test_viewer_can_says_what_the_gate_would(portal: Portal):
    query = '{ viewer { tenant { a: viewerCan(action: "tenant:person:add") b: viewerCan(action: "tenant:receipt:read") c: viewerCan(action: "no:such:thing") } } }'
    async with portal.browser("customer_viewer") as browser:
        got = await ask(browser, query)
    assert got["data"]["viewer"]["tenant"] == {"a": False, "b": True, "c": False}
