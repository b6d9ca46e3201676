"""Withdrawing an assessment from elsewhere, and fetching what was handed over: in the portal and over GraphQL."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from compliance_desk import on_record
from support.foreign_assessment import foreign_assessment
from support.portal_fixtures import Portal
from support.portal_world import STRANGER

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.compliance.model import Imported

pytestmark = pytest.mark.takes(seconds=15)

_WITHDRAW = """mutation ($id: ID!, $reason: String!) {
  withdrawAssessment(input: {assessmentId: $id, reason: $reason}) {
    assessment { id withdrawnAt withdrawalReceiptId } userErrors { code path } } }"""
_READ = "{ assessments { id sha256 withdrawnAt withdrawalReceiptId url } }"


async def handed_over(client: httpx.AsyncClient, portal: Portal) -> Imported:
    given = {"source": "Harbour Assurance", "max_age": "60", "readers": "customers", "reason": "each spring"}
    files = {"document": ("spring.json", foreign_assessment(), "application/json")}
    taken = await client.post("/compliance/imports", data=given, files=files)
    assert taken.status_code == 303
    (imported,) = await portal.house.assessment_imports.newest(CONSOLE)
    return imported


async def ask(client: httpx.AsyncClient, query: str, **variables: str) -> dict[str, Any]:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    said: dict[str, Any] = answer.json()
    return said


async def test_it_is_withdrawn_by_its_form_and_what_is_refused_changes_nothing(portal: Portal) -> None:
    async with portal.browser("approver_security") as security, portal.browser("csm") as csm:
        imported = await handed_over(security, portal)
        place = f"/compliance/imports/{imported.id}/withdraw"
        assert place in (await security.get("/compliance")).text
        assert place not in (await csm.get("/compliance")).text
        before = await on_record(portal.house)
        assert (await csm.post(place, data={"reason": "it has ended"})).status_code == 403
        empty = await security.post(place, data={"reason": ""})
        assert empty.status_code == 422
        assert f'<a href="#reason-{imported.id}">the reason is missing</a>' in empty.text
        assert await on_record(portal.house) == before
        done = await security.post(place, data={"reason": "it has ended"})
        assert (done.status_code, done.headers["location"]) == (303, "/compliance")
        again = await security.post(place, data={"reason": "it has ended"})
        assert again.status_code == 409
        assert "this assessment was withdrawn before" in again.text
        page = (await csm.get("/compliance")).text
        (withdrawn,) = await portal.house.assessment_imports.newest(CONSOLE)
        assert withdrawn.withdrawn is not None
        assert "Withdrawn" in page
        assert f'href="/t/vendor/receipts/{withdrawn.withdrawn.receipt_id}"' in page


async def test_customers_read_that_it_was_withdrawn_and_fetch_what_was_handed_over(portal: Portal) -> None:
    async with portal.browser("approver_security") as security:
        imported = await handed_over(security, portal)
        await security.post(f"/compliance/imports/{imported.id}/withdraw", data={"reason": "it has ended"})
        await security.post("/t/aurora/compliance", data={"reason": "with theirs"})
    place = f"/t/aurora/compliance/imports/{imported.id}"
    async with portal.browser("customer_viewer") as viewer, portal.browser(STRANGER) as stranger:
        page = (await viewer.get("/t/aurora/compliance")).text
        assert "Assessed elsewhere, and withdrawn since" in page
        assert f'href="{place}"' in page
        fetched = await viewer.get(place)
        assert (fetched.status_code, fetched.headers["content-type"]) == (200, "application/json")
        assert fetched.content == foreign_assessment()
        assert sha256_hex(fetched.content) == imported.sha256
        assert (await stranger.get(place)).status_code == 404


async def test_over_graphql_it_is_withdrawn_and_read_too(portal: Portal) -> None:
    async with portal.browser("approver_security") as security, portal.browser("csm") as csm:
        imported = await handed_over(security, portal)
        (listed,) = (await ask(csm, _READ))["data"]["assessments"]
        assert (listed["sha256"], listed["withdrawnAt"], listed["withdrawalReceiptId"]) == (
            imported.sha256,
            None,
            None,
        )
        assert (await csm.get(listed["url"])).content == foreign_assessment()
        given = {"id": listed["id"], "reason": "it has ended"}
        refused = await ask(csm, _WITHDRAW, **given)
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["DENIED"]
        wrong = await ask(security, _WITHDRAW, **given | {"reason": " "})
        assert wrong["data"]["withdrawAssessment"] == {
            "assessment": None,
            "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}],
        }
        done = (await ask(security, _WITHDRAW, **given))["data"]["withdrawAssessment"]
        again = (await ask(security, _WITHDRAW, **given))["data"]["withdrawAssessment"]
        assert [each["code"] for each in again["userErrors"]] == ["ALREADY_WITHDRAWN"]
        (now,) = (await ask(csm, _READ))["data"]["assessments"]
        (withdrawn,) = await portal.house.assessment_imports.newest(CONSOLE)
        assert withdrawn.withdrawn is not None
        receipt = encode("Receipt", VENDOR_ID, withdrawn.withdrawn.receipt_id)
        assert done["assessment"] == {
            "id": listed["id"],
            "withdrawnAt": now["withdrawnAt"],
            "withdrawalReceiptId": receipt,
        }
        assert now["withdrawalReceiptId"] == receipt
