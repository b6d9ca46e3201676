"""An incident affects objectives that a contract in force has: others are refused at the portal, and shown as unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.learning_world import Vendor
from support.learning_world import declared as told
from support.portal_fixtures import Portal
from support.portal_world import NOW

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import IncidentFilter

pytestmark = pytest.mark.takes(seconds=15)

DECLARE = """mutation ($input: DeclareIncidentInput!) { declareIncident(input: $input) {
  incident { objectiveKeys } userErrors { code message path } } }"""
TELL = """mutation ($input: TellOfIncidentInput!) { tellOfIncident(input: $input) {
  incident { objectiveKeys } userErrors { code path } } }"""
WHY = "no contract in force has the objective 'API'; near to it: api"


def form(**more: Any) -> dict[str, Any]:
    return {
        "title": "Uploads fail",
        "severity": "P3",
        "service": "uploads",
        "began_at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "detected_at": f"{NOW:%Y-%m-%dT%H:%M}",
        "tenants": ["aurora"],
        "key": "INC-9",
    } | more


async def known(portal: Portal) -> dict[str, tuple[str, ...] | None]:
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return {each.key: each.objectives for each in page.items}


async def test_one_that_no_contract_in_force_has_is_refused_by_name_with_those_that_are_near(portal: Portal):
    before = await known(portal)
    async with portal.browser("sre_operator") as browser:
        for whom in ({}, {"tenants": [], "everybody": "yes"}):
            refused = await browser.post("/incidents", data=form(objectives="api, API", **whom))
            assert refused.status_code == 422
            assert WHY in refused.text.replace("&#39;", "'")
        said = {"key": "INC-9", "title": "x", "severity": "P3", "service": "s", "objectiveKeys": ["storage"]}
        times = {"beganAt": "2026-06-01T09:00:00Z", "detectedAt": "2026-06-01T09:00:00Z"}
        variables = {"input": said | times | {"tenantKeys": ["aurora"]}}
        got = (await browser.post("/graphql", json={"query": DECLARE, "variables": variables})).json()
        assert got["data"]["declareIncident"] == {
            "incident": None,
            "userErrors": [
                {
                    "code": "UNKNOWN_OBJECTIVE",
                    "message": "no contract in force has the objective 'storage'",
                    "path": ["input", "objectiveKeys"],
                }
            ],
        }
        assert await known(portal) == before
        sent = await browser.post("/incidents", data=form(objectives="api"))
        assert sent.status_code == 303, sent.text
        where = sent.headers["location"]
        told_ = {"act": "affected", "tenants": ["aurora"], "objectives": "API", "text": "Others"}
        refused = await browser.post(f"{where}/tell", data=told_)
        assert (refused.status_code, WHY in refused.text.replace("&#39;", "'")) == (422, True)
        id_ = encode("VendorIncident", VENDOR_ID, (await _id(portal, "INC-9")))
        variables = {
            "input": {
                "incidentId": id_, "telling": "AFFECTED", "text": "x", "tenantKeys": ["aurora"], "objectiveKeys": ["API"],
            }
        }  # fmt: skip
        got = (await browser.post("/graphql", json={"query": TELL, "variables": variables})).json()
        assert got["data"]["tellOfIncident"] == {
            "incident": None,
            "userErrors": [{"code": "UNKNOWN_OBJECTIVE", "path": ["input", "objectiveKeys"]}],
        }
    assert await known(portal) == before | {"INC-9": ("api",)}


async def _id(portal: Portal, key: str) -> Any:
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return next(each.id for each in page.items if each.key == key)


async def test_one_that_an_event_names_is_kept_and_shown_as_unknown(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(told("INC-7", "P3", tenants=["aurora"], objectives=["API", "api"]))
    await vendor.register()
    assert (await known(portal))["INC-7"] == ("API", "api")
    id_ = await _id(portal, "INC-7")
    query = "query ($id: ID!) { incident(id: $id) { unknownObjectiveKeys } }"
    async with portal.browser("pmo") as browser:
        page = (await browser.get(f"/incidents/{id_}")).text
        variables = {"id": encode("VendorIncident", VENDOR_ID, id_)}
        got = (await browser.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "API (no contract in force has it), api" in page
    assert got["data"]["incident"] == {"unknownObjectiveKeys": ["API"]}


async def test_the_list_is_filtered_by_team_and_customer_and_a_merger_names_an_older_one_by_its_key(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        for key, team, tenant in (("INC-8", "storage", "aurora"), ("INC-9", "web", "brightside")):
            more = {"key": key, "team": team, "tenants": [tenant], "title": f"Trouble {key}"}
            assert (await browser.post("/incidents", data=form(**more))).status_code == 303
        for asked, there, absent in (
            ("team=storage", "Trouble INC-8", "Trouble INC-9"),
            ("customer=brightside", "Trouble INC-9", "Trouble INC-8"),
        ):
            page = (await browser.get(f"/incidents?{asked}")).text
            assert (there in page, absent in page) == (True, False), asked
        assert (await browser.get("/incidents?customer=nobody")).status_code == 422
        where = f"/incidents/{await _id(portal, 'INC-8')}/tell"
        merger = {"act": "merged", "text": "The same", "into_key": "INC-7"}
        unknown = await browser.post(where, data=merger)
        assert (unknown.status_code, "no incident was declared by the key" in unknown.text) == (422, True)
        assert (await browser.post(where, data=merger | {"into_key": "portal/INC-9"})).status_code == 303
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    merged = {each.key: each.merged_into for each in page.items}
    assert merged["INC-8"] == await _id(portal, "INC-9")
