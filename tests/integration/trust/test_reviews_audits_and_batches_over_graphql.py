"""Over GraphQL: what a CSM does about a review, auditors let in and shown out, who looked, everybody's reports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from qbr_desk import use
from report_desk import Q2
from sqlalchemy import text
from support.graphql_desk import ask, do, refused, tenant
from support.portal_fixtures import Portal
from support.portal_world import NOW, STRANGER

from schema.ids import encode
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope

pytestmark = pytest.mark.takes(seconds=10)

DRAFT = """query ($id: ID!) { qbr(id: $id) { draft {
  entries { kind subject audience text by } recommendations { key seen verdict reviewedBy } } } }"""
COMMITMENTS = "query ($t: ID!) { commitments(tenantId: $t) { id text owner due state evidence period } }"
INVITED = """query { viewer { tenant { auditInvitations(first: 5) { nodes {
  email name reason state steps { act by reason } } } } } }"""
INVITATION = "query ($id: ID!) { node(id: $id) { ... on AuditInvitation { name state } } }"
LOOKED = """query ($by: Looker, $verb: AccessVerb) { viewer { tenant { accessLog(first: 20, by: $by, verb: $verb) {
  nodes { actorName group verb what } } } } }"""
BATCH = """query ($p: String!) { trustBatch(period: $p) { state attempt requestedBy receiptId
  tally { total done counts { outcome tenants } bundles { made underWay failed } } tenants { key outcome reason trustReportId } } }"""


async def receipts(portal: Portal) -> int:
    async with portal.house.storage.read(StaffScope()) as session:
        return (await session.execute(text("SELECT count(*) FROM receipts"))).scalar_one()


async def test_a_csm_sets_the_date_promises_comments_omits_and_reviews(portal: Portal) -> None:
    await use(portal.house, "aurora")
    aurora = tenant(portal.world.aurora.id)
    async with portal.browser("csm") as csm:
        account = "account { key reviewOn leadDays quarter }"
        wrong = await do(csm, "setAccount", account, tenantId=aurora, reviewOn="2026-07-20", leadDays=61)
        assert wrong["userErrors"] == refused(
            "INVALID", "a QBR is prepared 1 to 60 days before its review", "input", "leadDays"
        )
        vast = await do(csm, "setAccount", account, tenantId=aurora, leadDays=2_000_000_000)
        assert vast["userErrors"] == refused("INVALID", "so many days are no span", "input", "leadDays")
        made = await do(csm, "setAccount", account, tenantId=aurora, reviewOn="2026-07-20", leadDays=10)
        assert made["account"] == {"key": "aurora", "reviewOn": "2026-07-20", "leadDays": 10, "quarter": Q2}

        promise = {"tenantId": aurora, "text": "Answer within a day", "owner": "Sam", "due": "2026-09-01"}
        late = await do(csm, "makeCommitment", "commitment { id }", **promise | {"due": "2026-07-09"})
        assert late["userErrors"] == refused("INVALID", "a commitment is due today or later", "input", "due")
        promised = (await do(csm, "makeCommitment", "commitment { id state }", **promise))["commitment"]
        assert promised["state"] == "OPEN"
        kept = {"commitmentId": promised["id"], "state": "KEPT", "evidence": "median of four hours"}
        assert (await do(csm, "settleCommitment", "commitment { state }", **kept))["userErrors"] == []
        twice = await do(csm, "settleCommitment", "commitment { state }", **kept | {"state": "MISSED"})
        assert twice["userErrors"] == refused("COMMITMENT_SETTLED", "this commitment is settled already")
        assert (await ask(csm, COMMITMENTS, t=aurora))["commitments"] == [
            {
                "id": promised["id"],
                "text": "Answer within a day",
                "owner": "Sam",
                "due": "2026-09-01",
                "state": "KEPT",
                "evidence": "median of four hours",
                "period": Q2,
            }
        ]
        named = promise | {"text": "Call back within a week", "period": "2026-Q1"}
        other = (await do(csm, "makeCommitment", "commitment { period }", **named))["commitment"]
        assert other == {"period": "2026-Q1"}
        ahead = await do(csm, "makeCommitment", "commitment { id }", **named | {"period": "2026-Q4"})
        assert ahead["userErrors"] == refused("INVALID", "2026-Q4 has not begun yet", "input", "period")

        of = {"tenantId": aurora, "period": Q2}
        comment = of | {"section": "usage", "kind": "COMMENT", "text": "We *know*."}
        early = await do(csm, "sayOfQbr", "recorded", **comment)
        assert early == {
            "recorded": False,
            "userErrors": refused("NOTHING_PREPARED", "prepare this period's QBR first"),
        }
        qbr = (await do(csm, "prepareQbr", "qbr { id }", **of))["qbr"]
        draft = (await ask(csm, DRAFT, id=qbr["id"]))["qbr"]["draft"]
        (advice,) = draft["recommendations"]
        assert (advice["key"], advice["verdict"], advice["reviewedBy"]) == ("dedicated-pool-eur", None, None)
        before = await receipts(portal)
        first = await do(
            csm, "sayOfQbr", "recorded", **comment | {"kind": "OMISSION", "section": "commitments"}
        )
        assert first["userErrors"][0]["path"] == ["input", "section"]
        nowhere = await do(csm, "sayOfQbr", "recorded", **comment | {"section": "weather"})
        assert nowhere["userErrors"] == refused(
            "INVALID", "there is no section 'weather'", "input", "section"
        )
        judged = of | {"recommendation": advice["key"], "verdict": "ACCEPTED", "reason": "fits"}
        other = await do(csm, "reviewRecommendation", "recorded", **judged, seen="0" * 64)
        assert (other["recorded"], other["userErrors"][0]["code"]) == (False, "RECOMMENDATION_CHANGED")
        async with portal.browser("customer_admin") as customer:
            assert await do(customer, "sayOfQbr", "recorded", **comment) == "DENIED"
        assert await receipts(portal) == before, "what is refused changes nothing"

        internal = comment | {"text": "They are angry.", "audience": "INTERNAL"}
        omitted = comment | {"kind": "OMISSION", "section": "savings", "text": "Shown in person."}
        for said in (comment, internal, omitted):
            assert await do(csm, "sayOfQbr", "recorded", **said) == {"recorded": True, "userErrors": []}
        done = await do(csm, "reviewRecommendation", "recorded", **judged, seen=advice["seen"])
        assert done == {"recorded": True, "userErrors": []}
        draft = (await ask(csm, DRAFT, id=qbr["id"]))["qbr"]["draft"]
    assert [tuple(each.values()) for each in draft["entries"]] == [
        ("COMMENT", "usage", "CUSTOMER", "We *know*.", "Csm"),
        ("COMMENT", "usage", "INTERNAL", "They are angry.", "Csm"),
        ("OMISSION", "savings", "CUSTOMER", "Shown in person.", "Csm"),
        ("REVIEW", "dedicated-pool-eur", "CUSTOMER", "fits", "Csm"),
    ]
    assert [(each["verdict"], each["reviewedBy"]) for each in draft["recommendations"]] == [
        ("ACCEPTED", "Csm")
    ]
    assert await receipts(portal) == before + 4


async def test_an_auditor_is_let_in_and_shown_out_and_the_customer_sees_who_looked(portal: Portal) -> None:
    aurora = tenant(portal.world.aurora.id)
    shown = "url invitation { id email state }"
    given = {
        "tenantId": aurora,
        "email": "Ivy@audits.example",
        "name": "Ivy",
        "reason": "yearly audit",
        "until": (NOW + timedelta(days=30)).isoformat(),
    }
    async with portal.browser("customer_admin") as admin:
        before = await receipts(portal)
        for wrong, words, field in (
            ({"until": NOW.isoformat()}, "the end of an audit lies in the future", "until"),
            (
                {"until": (NOW + timedelta(days=93)).isoformat()},
                "an audit ends within 92 days; invite again for longer",
                "until",
            ),
        ):
            answer = await do(admin, "inviteAuditor", shown, **given | wrong)
            assert answer == {
                "url": None,
                "invitation": None,
                "userErrors": refused("INVALID", words, "input", field),
            }
        silent = await do(admin, "inviteAuditor", shown, **given | {"reason": " "})
        assert silent["userErrors"][0]["path"] == ["input", "reason"]
        async with portal.browser("customer_viewer") as viewer:
            assert await do(viewer, "inviteAuditor", shown, **given) == "DENIED"
        assert await receipts(portal) == before, "what is refused changes nothing"

        made = await do(admin, "inviteAuditor", shown, **given)
        invitation = made["invitation"]
        assert (invitation["email"], invitation["state"]) == ("ivy@audits.example", "OPEN")
        assert made["url"].startswith("https://trust.example/")
        assert (await ask(admin, INVITATION, id=invitation["id"]))["node"] == {"name": "Ivy", "state": "OPEN"}
        async with portal.browser(STRANGER) as stranger:
            assert (await ask(stranger, INVITATION, id=invitation["id"]))["node"] is None
        ending = {"invitationId": invitation["id"], "reason": "called off"}
        gone = await do(admin, "revokeAuditInvitation", "invitation { state }", **ending)
        assert gone == {"invitation": {"state": "REVOKED"}, "userErrors": []}
        again = await do(admin, "revokeAuditInvitation", "invitation { state }", **ending)
        assert again["userErrors"] == refused("NOTHING_TO_REVOKE", "this invitation is over already")
        listed = (await ask(admin, INVITED))["viewer"]["tenant"]["auditInvitations"]["nodes"]
        assert listed == [
            {
                "email": "ivy@audits.example",
                "name": "Ivy",
                "reason": "yearly audit",
                "state": "REVOKED",
                "steps": [{"act": "REVOKED", "by": "Customer_Admin", "reason": "called off"}],
            }
        ]
        assert made["url"] not in str(listed)

        async with portal.browser("auditor") as auditor:
            await auditor.get(f"/t/aurora/exports/{portal.world.aurora.export}/bundle.zip")
        async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
            await program.get(f"/t/aurora/exports/{portal.world.aurora.export}/bundle.zip")
        async with portal.browser("sre_operator") as staff:
            await staff.get("/t/aurora/reports")
        looked = {}
        for by, verb in (
            ("AUDITOR", "DOWNLOADED"),
            ("TOKEN", "DOWNLOADED"),
            ("STAFF", "READ"),
            ("STAFF", "DOWNLOADED"),
        ):
            answer = await ask(admin, LOOKED, by=by, verb=verb)
            looked[by, verb] = answer["viewer"]["tenant"]["accessLog"]["nodes"]
    assert {(each["actorName"], each["group"]) for each in looked["AUDITOR", "DOWNLOADED"]} == {
        ("Auditor", "AUDITOR")
    }
    assert [each["actorName"] for each in looked["TOKEN", "DOWNLOADED"]] == ["read token"]
    assert ("Sre_Operator", "READ") in {(each["actorName"], each["verb"]) for each in looked["STAFF", "READ"]}
    assert looked["STAFF", "DOWNLOADED"] == []


async def test_everybodys_trust_reports_are_started_and_each_outcome_is_shown(portal: Portal) -> None:
    batch, house = "batch { state attempt }", portal.house
    async with portal.browser("csm") as csm:
        assert await ask(csm, BATCH, p=Q2) == {"trustBatch": None}
        early = await do(csm, "startTrustBatch", batch, period="2026-Q3")
        assert early["batch"] is None
        assert (early["userErrors"][0]["code"], early["userErrors"][0]["path"]) == (
            "PERIOD_NOT_OVER",
            ["input", "period"],
        )
        async with portal.browser("customer_admin") as customer:
            assert await do(customer, "startTrustBatch", batch, period=Q2) == "DENIED"
        assert await ask(csm, BATCH, p=Q2) == {"trustBatch": None}, "what is refused changes nothing"
        begun = await do(csm, "startTrustBatch", batch, period=Q2)
        assert begun == {"batch": {"state": "PLANNING", "attempt": 1}, "userErrors": []}
        (row,) = await house.trust_batches.newest(SYSTEM)
        await house.trust_batches.plan(row.id)
        for each in (portal.world.aurora, portal.world.brightside):
            await house.trust_batches.cover(row.id, each.id)
        (found,) = (await ask(csm, BATCH, p=Q2)).values()
        listed = await ask(csm, "{ trustBatches { period state receiptId } }")
    assert (found["state"], found["attempt"], found["requestedBy"]) == ("COMPLETE", 1, "Csm")
    assert [(each["key"], each["outcome"], each["trustReportId"]) for each in found["tenants"]] == [
        ("aurora", "BLOCKED", None),
        ("brightside", "BLOCKED", None),
    ]
    assert all("Posture (posture), missing: not checked" in each["reason"] for each in found["tenants"])
    assert (found["tally"]["total"], found["tally"]["done"]) == (2, 2)
    assert {each["outcome"]: each["tenants"] for each in found["tally"]["counts"]} == {
        "PENDING": 0,
        "PUBLISHED": 0,
        "STANDING": 0,
        "BLOCKED": 2,
        "FAILED": 0,
    }
    assert found["tally"]["bundles"] == {"made": 0, "underWay": 0, "failed": 0}
    (row,) = await house.trust_batches.newest(SYSTEM)
    assert row.receipt_id is not None
    receipt = encode("Receipt", VENDOR_ID, row.receipt_id)
    assert found["receiptId"] == receipt
    assert listed == {"trustBatches": [{"period": Q2, "state": "COMPLETE", "receiptId": receipt}]}
    async with house.storage.read(StaffScope()) as session:
        told = await session.execute(
            text("SELECT title, path FROM notifications WHERE topic = 'trust_batch.blocked'")
        )
        assert [tuple(each) for each in told] == [
            ("2 without a Trust Report for Q2 2026", "/trust-batches/2026-Q2")
        ]
