"""Over GraphQL: what the vendor adds to Trust Reports, and compliance from an evaluation to its bundle."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from compliance_desk import on_record
from support.graphql_desk import ask, do, refused, tenant
from support.portal_fixtures import Portal
from support.portal_world import NOW, STRANGER, sign_in

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=8)

NOTES = """query ($t: ID!) { trustNotes(tenantId: $t) {
  kind subject text revision validFrom validTo forEverybody writtenBy } }"""
HELD = "query ($t: ID!) { heldRoles(tenantId: $t) { id role personName reviewedBy dueAt overdue } }"
JUDGED = """query ($t: ID!) { compliance(tenantId: $t) { id satisfied notSatisfied notEvaluated sha256 document
  receipt { kind } files { name url } assessments { source satisfied }
  results { control { key title references { framework } } party state gapCount gaps { name } why } } }"""
DAY = timedelta(days=1)


async def test_what_the_vendor_adds_is_written_said_anew_and_withdrawn(portal: Portal) -> None:
    aurora, everybody = tenant(portal.world.aurora.id), tenant(VENDOR_ID)
    host = {"kind": "SUB_PROCESSOR", "subject": "Hoster AG", "text": "servers", "validFrom": "2026-01-01"}
    own = {"kind": "NOTE", "subject": "Standstill", "text": "no releases", "validFrom": "2026-07-01"}
    shown = "note { subject revision text validTo forEverybody }"
    async with portal.browser("csm") as csm:
        made = await do(csm, "writeTrustNote", shown, tenantId=everybody, **host)
        assert made == {
            "note": {
                "subject": "Hoster AG",
                "revision": 1,
                "text": "servers",
                "validTo": None,
                "forEverybody": True,
            },
            "userErrors": [],
        }
        await do(csm, "writeTrustNote", shown, tenantId=aurora, **own)
        again = await do(csm, "writeTrustNote", shown, tenantId=aurora, **own | {"validTo": "2026-08-01"})
        assert (again["note"]["revision"], again["note"]["validTo"]) == (2, "2026-08-01")
        before = await on_record(portal.house)
        late = await do(csm, "writeTrustNote", shown, tenantId=aurora, **own | {"validTo": "2026-06-01"})
        assert late == {
            "note": None,
            "userErrors": refused("INVALID", "it ends before it begins", "input", "validTo"),
        }
        gone = {"kind": "NOTE", "subject": "Nothing", "validFrom": "2026-07-10"}
        absent = await do(csm, "withdrawTrustNote", shown, tenantId=aurora, **gone)
        assert absent == {
            "note": None,
            "userErrors": refused("NOT_FOUND", "no such note", "input", "subject"),
        }
        nobody = await do(csm, "writeTrustNote", shown, tenantId="nonsense", **own)
        assert nobody["userErrors"] == refused("NOT_FOUND", "no such Tenant", "input", "tenantId")
        async with portal.browser("customer_admin") as theirs:
            assert await do(theirs, "writeTrustNote", shown, tenantId=aurora, **own) == "DENIED"
        assert await on_record(portal.house) == before, "what is refused changes nothing"
        both = (await ask(csm, NOTES, t=aurora))["trustNotes"]
        assert [(each["subject"], each["forEverybody"]) for each in both] == [
            ("Hoster AG", True),
            ("Standstill", False),
        ]
        assert len((await ask(csm, NOTES, t=everybody))["trustNotes"]) == 1
        ended = await do(csm, "withdrawTrustNote", shown, tenantId=aurora, **gone | {"subject": "Standstill"})
        assert (ended["note"]["revision"], ended["note"]["text"]) == (3, None)
    async with portal.browser("customer_viewer") as viewer:
        assert (await ask(viewer, NOTES, t=aurora))["trustNotes"] == [
            {
                "kind": "SUB_PROCESSOR",
                "subject": "Hoster AG",
                "text": "servers",
                "revision": 1,
                "validFrom": "2026-01-01",
                "validTo": None,
                "forEverybody": True,
                "writtenBy": "Csm",
            }
        ]


async def test_controls_are_judged_taken_along_and_bundled(portal: Portal) -> None:
    aurora, vendor = tenant(portal.world.aurora.id), tenant(VENDOR_ID)
    async with portal.browser("customer_admin") as admin:
        assert await ask(admin, JUDGED, t=aurora) == {"compliance": None}
        before = await on_record(portal.house)
        assert (
            await do(admin, "evaluateCompliance", "evaluation { id }", tenantId=aurora, reason="?")
            == "DENIED"
        )
        assert (await on_record(portal.house)) == before
    async with portal.browser("approver_security") as security:
        silent = await do(security, "evaluateCompliance", "evaluation { id }", tenantId=aurora, reason=" ")
        assert silent["evaluation"] is None
        assert silent["userErrors"][0]["path"] == ["input", "reason"]
        assert (await on_record(portal.house)) == before
        own = await do(
            security, "evaluateCompliance", "evaluation { notEvaluated }", tenantId=vendor, reason="yearly"
        )
        assert own["userErrors"] == []
        made = await do(
            security, "evaluateCompliance", "evaluation { id sha256 }", tenantId=aurora, reason="yearly"
        )
        standings = (
            await ask(
                security, "{ complianceStandings(first: 9) { nodes { key at satisfied notSatisfied } } }"
            )
        )["complianceStandings"]["nodes"]
        assert [(each["key"], each["at"]) for each in standings] == [
            ("aurora", NOW.isoformat()),
            ("brightside", None),
        ]
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        (found,) = (await ask(program, JUDGED, t=aurora)).values()
        assert (found["id"], found["sha256"]) == (made["evaluation"]["id"], made["evaluation"]["sha256"])
        assert found["receipt"] == {"kind": "COMPLIANCE_EVALUATED"}
        document = json.loads(found["document"])
        assert hashlib.sha256(found["document"].encode()).hexdigest() == found["sha256"]
        states = {(each["control"]["key"], each["party"]): each for each in found["results"]}
        assert len(states) == len(document["results"]) == 10
        written = states["postmortem-coverage", "TENANT"]
        assert written["control"]["title"] == "Major incidents have a signed postmortem"
        counts = [found["satisfied"], found["notSatisfied"], found["notEvaluated"]]
        assert counts == [
            sum(each["state"] == state for each in found["results"])
            for state in ("SATISFIED", "NOT_SATISFIED", "NOT_EVALUATED")
        ]
        for file in found["files"]:
            answer = await program.get(file["url"])
            assert answer.status_code == 200
            assert answer.headers["content-disposition"].endswith(f"''aurora-{file['name']}")
            if file["name"] == "compliance.json":
                assert answer.content == found["document"].encode()
        whole = await ask(
            program,
            "query ($id: ID!) { node(id: $id) { ... on ComplianceEvaluation { sha256 } } }",
            id=found["id"],
        )
        assert whole["node"] == {"sha256": found["sha256"]}
    async with portal.browser("customer_admin") as admin:
        asked = [
            await do(admin, "exportCompliance", "export { id kind }", evaluationId=found["id"])
            for _ in range(2)
        ]
        assert asked[0] == asked[1]
        assert asked[0]["export"]["kind"] == "COMPLIANCE"
    async with portal.browser(STRANGER) as stranger:
        nothing = await do(stranger, "exportCompliance", "export { id }", evaluationId=found["id"])
        assert nothing["userErrors"][0]["code"] == "NOT_FOUND"


async def test_an_assessment_from_elsewhere_comes_in_whole_or_not_at_all(portal: Portal) -> None:
    aurora, vendor = tenant(portal.world.aurora.id), tenant(VENDOR_ID)
    shown = "assessment { source satisfied notSatisfied maxAgeDays asOf }"
    async with portal.browser("approver_security") as security:
        await do(security, "evaluateCompliance", "evaluation { id }", tenantId=vendor, reason="for others")
        (own,) = (await ask(security, JUDGED, t=vendor)).values()
        url = next(each["url"] for each in own["files"] if each["name"] == "assessment-results.json")
        document = (await security.get(url)).text
        before = await on_record(portal.house)
        given = {
            "source": "Cloud Auditors",
            "document": document,
            "maxAgeDays": 30,
            "readers": "CUSTOMERS",
            "reason": "yearly",
        }
        broken = json.loads(document)
        del broken["assessment-results"]["results"][0]["start"]
        for wrong, code, message, field in (
            (
                {"document": json.dumps(broken)},
                "INVALID",
                "it is missing",
                "assessment-results.results[0].start",
            ),
            ({"source": " "}, "INVALID", "a source has 1 to 80 printable characters", "source"),
            ({"maxAgeDays": 401}, "INVALID", "an age between 1 and 400 days", "maxAgeDays"),
            ({"maxAgeDays": 2_000_000_000}, "INVALID", "so many days are no span", "maxAgeDays"),
        ):
            answer = await do(security, "importAssessment", shown, **given | wrong)
            assert answer == {"assessment": None, "userErrors": refused(code, message, "input", field)}
        async with portal.browser("csm") as csm:
            assert await do(csm, "importAssessment", shown, **given) == "DENIED"
        assert await on_record(portal.house) == before, "what is refused changes nothing"
        taken = await do(security, "importAssessment", shown, **given)
        assert taken["assessment"]["satisfied"] == own["satisfied"]
        again = await do(security, "importAssessment", shown, **given)
        assert again["userErrors"][0]["code"] == "ALREADY_IMPORTED"
        listed = (await ask(security, "{ assessments { source satisfied notSatisfied maxAgeDays asOf } }"))[
            "assessments"
        ]
        assert listed == [taken["assessment"]]
        await do(security, "evaluateCompliance", "evaluation { id }", tenantId=aurora, reason="with theirs")
    async with portal.browser("customer_viewer") as viewer:
        (theirs,) = (await ask(viewer, JUDGED, t=aurora)).values()
        assert theirs["assessments"] == [{"source": "Cloud Auditors", "satisfied": own["satisfied"]}]


async def test_a_role_is_reviewed_by_somebody_else_with_a_reason(portal: Portal) -> None:
    aurora = tenant(portal.world.aurora.id)
    async with portal.browser("customer_viewer") as viewer:
        answer = await viewer.post("/graphql", json={"query": HELD, "variables": {"t": aurora}})
        assert answer.json()["errors"][0]["extensions"]["code"] == "DENIED"
    everybody = await portal.house.people.page(CONSOLE, portal.world.aurora.id, PageRequest(20))
    (carla,) = [each for each in everybody.items if each.email == "customer_admin@everybody.example"]
    portal.clock.advance(91 * DAY)
    _, cookie = await sign_in(portal.house, carla)
    async with portal.browser(cookie=cookie) as admin:
        held = {each["role"]: each for each in (await ask(admin, HELD, t=aurora))["heldRoles"]}
        assert held["CUSTOMER_VIEWER"]["overdue"]
        before = await on_record(portal.house)
        mine = await do(
            admin,
            "reviewHeldRole",
            "recorded",
            heldRoleId=held["CUSTOMER_ADMIN"]["id"],
            act="CONFIRM",
            reason="I",
        )
        assert mine == {
            "recorded": False,
            "userErrors": refused("OWN_ROLE", "ask somebody else: nobody reviews their own role"),
        }
        viewers = held["CUSTOMER_VIEWER"]["id"]
        silent = await do(admin, "reviewHeldRole", "recorded", heldRoleId=viewers, act="CONFIRM", reason="")
        assert silent["userErrors"][0]["path"] == ["input", "reason"]
        assert await on_record(portal.house) == before, "what is refused changes nothing"
        done = await do(
            admin, "reviewHeldRole", "recorded", heldRoleId=viewers, act="CONFIRM", reason="still reads"
        )
        assert done == {"recorded": True, "userErrors": []}
        (after,) = [each for each in (await ask(admin, HELD, t=aurora))["heldRoles"] if each["id"] == viewers]
        assert (after["reviewedBy"], after["overdue"]) == ("Customer_Admin", False)
        assert after["dueAt"] == (portal.clock.now() + 90 * DAY).isoformat()
        await do(admin, "reviewHeldRole", "recorded", heldRoleId=viewers, act="REVOKE", reason="left")
        left = (await ask(admin, HELD, t=aurora))["heldRoles"]
        assert viewers not in {each["id"] for each in left}
