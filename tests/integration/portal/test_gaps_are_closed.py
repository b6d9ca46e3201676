"""Every gap has an act that ends it, in the portal and over GraphQL: declared, or said to which incident it belongs."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from support.learning_world import BEGAN, PAGER, Vendor, by, declared, updated
from support.pager_deliveries import PAGER as PAGERDUTY
from support.pager_deliveries import SECRET, gaps, paged, set_up, signed
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import IncidentFilter
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=25)

HERE = "/incidents/gap"
ASSIGN = """mutation ($input: AssignIncidentGapInput!) { assignIncidentGap(input: $input) {
  incident { id worstSeverity } userErrors { code message path } } }"""
GAP = """query ($source: String!, $key: String!) { incidentGap(source: $source, key: $key) {
  source key reason worstSeverity firstAt alarms { key why } candidates { source key } } }"""
DECLARE = """mutation ($input: DeclareIncidentInput!) { declareIncident(input: $input) {
  incident { key source } userErrors { code path } } }"""


def of(source: str, key: str) -> dict[str, str]:
    return {"source": source, "key": key}


def fields(page: str) -> dict[str, str]:
    """What the form of a page would send, as far as it has values."""
    found = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', page))
    selected = re.search(r'name="severity".*?<option value="(P\d)" selected', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in found.items()} | (
        {"severity": selected[1]} if selected else {}
    )


async def statement_of(portal: Portal, kind: ReceiptKind) -> Statement:
    """The newest receipt of a kind in the vendor's log."""
    page = await portal.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    newest = next(each for each in page.items if each.kind is kind)
    async with portal.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, newest.id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload)


async def acts(client: httpx.AsyncClient, mutation: str, **input_: Any) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": mutation, "variables": {"input": input_}})).json()
    assert "errors" not in answer, answer
    (found,) = answer["data"].values()
    return found


async def settled(portal: Portal) -> int:
    async with portal.house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text("SELECT count(*) FROM incident_unmatched_settled WHERE tenant_id = :t")
        return (await session.execute(query, {"t": VENDOR_ID})).scalar_one()


async def register(portal: Portal) -> dict[tuple[str, str], Any]:
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return {(each.source, each.key): each for each in page.items}


async def test_what_nobody_declared_is_declared_from_the_gap_by_its_own_key(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(updated("INC-1", "severity", minute=3, severity="P1"))
    await vendor.register()
    assert await gaps(portal) == [(f"{PAGER}/INC-1", "undeclared", "P1")]
    async with portal.browser("sre_operator") as browser:
        listed = (await browser.get("/incidents")).text
        assert f'href="{HERE}?source=urn%3Apager&amp;key=INC-1"' in listed
        page = (await browser.get(HERE, params=of(PAGER, "INC-1"))).text
        where = re.search(r'href="(/incidents/declare\?[^"]+)"', page)
        assert where
        form = fields((await browser.get(html.unescape(where[1]))).text)
        began = BEGAN + timedelta(minutes=3)
        assert (form["key"], form["severity"], form["began_at"]) == (
            "INC-1", "P1", f"{began:%Y-%m-%dT%H:%M}",
        )  # fmt: skip
        said = {"title": "Slow", "service": "api", "everybody": "yes", "reason": "The pager was right"}
        sent = await browser.post("/incidents", data=form | said)
        assert sent.status_code == 303, sent.text
        gone = await browser.get(HERE, params=of(PAGER, "INC-1"))
    assert gone.status_code == 404
    assert (await register(portal))["portal", "INC-1"].facts == 2
    assert await gaps(portal) == []


@pytest.mark.parametrize("door", ["portal", "graphql"])
@pytest.mark.parametrize("key", [" db-7 ", "db\u202e7"])
async def test_a_gap_is_declared_by_its_very_key_also_where_nobody_would_write_it_so(
    portal: Portal, key: str, door: str
):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(*by("urn:other", updated(key, "severity", minute=3, severity="P2")))
    await vendor.register()
    assert await gaps(portal) == [(f"urn:other/{key}", "undeclared", "P2")]
    before = await register(portal)
    said: dict[str, Any] = {"title": "Slow", "service": "api", "reason": "As it was told"}
    async with portal.browser("sre_operator") as browser:
        if door == "portal":
            page = (await browser.get("/incidents/declare", params=of("urn:other", key))).text
            form = fields(page) | said | {"everybody": "yes"}
            assert form["key"] == key
            refused = await browser.post("/incidents", data=form | {"title": ""})
            assert (refused.status_code, fields(refused.text)["key"]) == (422, key)
            other = await browser.post("/incidents", data=form | {"gap": "urn:nobody"})
            assert other.status_code == 409
            assert await register(portal) == before
            sent = await browser.post("/incidents", data=form)
            assert sent.status_code == 303, sent.text
            again = await browser.post("/incidents", data=form)
            assert (again.status_code, again.headers["location"]) == (303, sent.headers["location"])
        else:
            said |= {
                "beganAt": "2026-06-01T09:00:00Z",
                "detectedAt": "2026-06-01T09:00:00Z",
                "severity": "P2",
            }
            other = await acts(browser, DECLARE, key=key, gapOf="urn:nobody", **said)
            assert (other["incident"], other["userErrors"][0]["code"]) == (None, "NO_GAP")
            assert await register(portal) == before
            made = await acts(browser, DECLARE, key=key, gapOf="urn:other", **said)
            assert made == {"incident": {"key": key, "source": "portal"}, "userErrors": []}
    assert (await register(portal))["portal", key].facts == 2
    assert await gaps(portal) == []


async def test_a_gap_is_read_over_graphql_as_its_page_shows_it(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        *by("urn:other", updated("db-7", "severity", minute=3, severity="P2")),
        *by("urn:one", declared("INC-1", "P3")),
        *by("urn:two", declared("INC-1", "P2")),
        *by("urn:third", updated("INC-1", "note", minute=5)),
    )
    await vendor.register()

    async def read(browser: httpx.AsyncClient, source: str, key: str) -> Any:
        body = {"query": GAP, "variables": of(source, key)}
        answer = (await browser.post("/graphql", json=body)).json()
        return answer.get("errors") or answer["data"]["incidentGap"]

    async with portal.browser("sre_operator") as browser, portal.browser("pmo") as pmo:
        assert await read(browser, "urn:other", "db-7") == {
            "source": "urn:other",
            "key": "db-7",
            "reason": "undeclared",
            "worstSeverity": "P2",
            "firstAt": "2026-06-01T09:03:00+00:00",
            "alarms": [],
            "candidates": [],
        }
        third = await read(browser, "urn:third", "INC-1")
        assert (third["reason"], third["worstSeverity"]) == ("ambiguous", None)
        assert [each["source"] for each in third["candidates"]] == ["urn:one", "urn:two"]
        assert (await browser.get(HERE, params=of("urn:third", "INC-1"))).status_code == 200
        for client in (browser, pmo):
            [error] = await read(client, "urn:other", "db-8")
            assert error["extensions"]["code"] == ("NOT_FOUND" if client is browser else "DENIED")


async def test_what_nobody_declared_goes_on_in_the_incident_it_belongs_to(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-2", "P3", tenants=["aurora"]),
        *by("urn:other", updated("db-7", "severity", minute=3, severity="P2")),
    )
    await vendor.register()
    async with portal.browser("sre_operator") as browser, portal.browser("pmo") as pmo:
        form = of("urn:other", "db-7")
        target = str((await register(portal))[PAGER, "INC-2"].id)
        for wrong, status, why in (
            ({"text": "The same disk"}, 422, "choose the incident it belongs to"),
            ({"incident_key": "INC-9", "text": "The same disk"}, 422, "no incident was declared by the key"),
            ({"incident": target, "text": " "}, 422, "say it in"),
            ({"incident": target, "text": "x", "key": "db-8"}, 404, ""),
        ):
            refused = await browser.post(HERE, data=form | wrong)
            assert (refused.status_code, why in html.unescape(refused.text)) == (status, True), wrong
        denied = await pmo.post(HERE, data=form | {"incident": target, "text": "The same disk"})
        assert denied.status_code == 403
        assert await gaps(portal) == [("urn:other/db-7", "undeclared", "P2")]
        sent = await browser.post(HERE, data=form | {"incident_key": "INC-2", "text": "The same disk"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"/incidents/{target}")
    found = await register(portal)
    part, whole = found["portal", "db-7"], found[PAGER, "INC-2"]
    assert (part.merged_into, part.worst_severity, part.tenants) == (whole.id, "P2", whole.tenants)
    assert (whole.severity, whole.worst_severity, whole.major_because) == ("P2", "P2", "merged")
    assert await gaps(portal) == []
    receipt = await statement_of(portal, ReceiptKind.INCIDENT_MERGED)
    assert (receipt.predicate["rationale"], receipt.predicate["result"]["key"]) == ("The same disk", "db-7")


@pytest.mark.parametrize("key", [" db-7", "db\u202e7"])
async def test_a_gap_ends_by_its_very_key_also_where_nobody_would_write_it_so(portal: Portal, key: str):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-2", "P3", tenants=["aurora"]),
        *by("urn:other", updated(key, "severity", minute=3, severity="P2")),
    )
    await vendor.register()
    assert await gaps(portal) == [(f"urn:other/{key}", "undeclared", "P2")]
    async with portal.browser("sre_operator") as browser:
        form = of("urn:other", key) | {"incident_key": "INC-2", "text": "The same disk"}
        sent = await browser.post(HERE, data=form)
        assert sent.status_code == 303, sent.text
    found = await register(portal)
    assert found["portal", key].merged_into == found[PAGER, "INC-2"].id
    assert await gaps(portal) == []


@pytest.mark.parametrize(("said", "severity"), [({}, "P1"), ({"severity": "P4"}, "P4")])
async def test_a_gap_of_no_severity_is_the_p1_that_it_may_have_been_unless_somebody_says_what_it_was(
    portal: Portal, said: dict[str, str], severity: str
):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-2", "P4", tenants=["aurora"]), *by("urn:other", updated("db-7", "note", minute=3))
    )
    await vendor.register()
    async with portal.browser("sre_operator") as browser:
        form = of("urn:other", "db-7")
        assert fields((await browser.get(HERE, params=form)).text)["severity"] == "P1"
        form |= {"incident_key": "INC-2", "text": "The same disk"}
        refused = await browser.post(HERE, data=form | {"severity": "P9"})
        assert (refused.status_code, "choose a severity" in refused.text) == (422, True)
        assert ("portal", "db-7") not in await register(portal)
        sent = await browser.post(HERE, data=form | said)
        assert sent.status_code == 303, sent.text
    found = await register(portal)
    assert (found["portal", "db-7"].declared_severity, found[PAGER, "INC-2"].severity) == (severity, severity)
    receipt = await statement_of(portal, ReceiptKind.INCIDENT_DECLARED)
    assert receipt.predicate["rationale"] == "The same disk"
    assert receipt.predicate["result"]["severity"] == severity


async def test_a_third_voice_is_given_to_one_of_the_two_that_were_declared_by_its_key(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-1", "P3", tenants=["aurora"]),
        *by("urn:other", declared("INC-1", "P4", tenants=["brightside"])),
        *by("urn:third", updated("INC-1", "severity", minute=4, severity="P1")),
        declared("INC-2", "P3", tenants=["aurora"]),
    )
    await vendor.register()
    assert await gaps(portal) == [("urn:third/INC-1", "undeclared", "P1")]
    before = await register(portal)
    one, other, third = (encode("VendorIncident", VENDOR_ID, before[name].id) for name in (
        (PAGER, "INC-1"), ("urn:other", "INC-1"), (PAGER, "INC-2")))  # fmt: skip
    gap = {"source": "urn:third", "key": "INC-1", "reason": "Their host is aurora's"}
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(HERE, params=of("urn:third", "INC-1"))).text
        assert ("Declare this" in page, "urn:other/INC-1: Trouble INC-1" in page) == (False, True)
        wrong = await acts(browser, ASSIGN, **gap, incidentId=third)
        assert (wrong["incident"], wrong["userErrors"][0]["path"]) == (None, ["input", "incidentId"])
        assert await register(portal) == before
        given = await acts(browser, ASSIGN, **gap, incidentId=one)
        assert given == {"incident": {"id": one, "worstSeverity": "P1"}, "userErrors": []}
        again = await acts(browser, ASSIGN, **gap, incidentId=other)
        assert (again["incident"], again["userErrors"][0]["code"]) == (None, "NOT_FOUND")
    after = await register(portal)
    assert (after[PAGER, "INC-1"].severity, after["urn:other", "INC-1"]) == (
        "P1",
        before["urn:other", "INC-1"],
    )
    receipt = await statement_of(portal, ReceiptKind.INCIDENT_NOTED)
    assert receipt.predicate["rationale"] == "Their host is aurora's"
    # What it goes on to tell is of the same incident, and the register made anew comes to the same.
    await vendor.tell(*by("urn:third", updated("INC-1", "note", minute=9)))
    facts = (await vendor.register()) and (await register(portal))[PAGER, "INC-1"].facts
    assert facts == after[PAGER, "INC-1"].facts + 1
    assert (await portal.house.incident_following.rebuild()).changed == 0


async def test_an_alarm_that_no_rule_took_is_declared_or_given_to_its_incident_without_an_untrue_rule(
    portal: Portal,
):
    rules = "- {when: {priority.summary: P*}, severity: '{priority.summary}', service: s, title: t, tenants: nobody}"
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"do": "save", "version": 1, "rules": rules, "enabled": "yes", "reason": "First"}
        assert (await browser.post(where, data=form)).status_code == 303
        async with portal.program(None) as pager:
            for id_, key in (("a", "Q1"), ("b", "Q2"), ("c", "Q3")):
                body = paged("triggered", id_, id=key, priority={"summary": "P1"})
                assert (await pager.post(PAGERDUTY, content=body, headers=signed(body))).status_code == 202
        source = "pagerduty/main"
        assert (await browser.get(where)).text.count(f'href="{HERE}?source={source}&amp;key=Q') == 3

        shown = fields((await browser.get("/incidents/declare", params=of(source, "Q1"))).text)
        said = {"title": "Disk full", "service": "storage", "everybody": "yes", "reason": "It was full"}
        less = await browser.post("/incidents", data=shown | said | {"severity": "P3"})
        assert (less.status_code, "the alarm was a P1" in less.text) == (409, True)
        assert (await settled(portal), ("portal", "Q1") in await register(portal)) == (0, False)
        sent = await browser.post("/incidents", data=shown | said)
        assert sent.status_code == 303, sent.text
        assert await settled(portal) == 1
        assert await gaps(portal) == [
            ("pagerduty/main/Q2", "unmatched", "P1"), ("pagerduty/main/Q3", "unmatched", "P1"),
        ]  # fmt: skip
        async with portal.program(None) as pager:
            body = paged("resolved", "d", id="Q1", minutes=0)
            assert (await pager.post(PAGERDUTY, content=body, headers=signed(body))).json() == {
                "alarm": "told"
            }
        declared_one = (await register(portal))["portal", "Q1"]
        assert declared_one.resolved_at is not None, "its pager goes on to tell of it"

        into = encode("VendorIncident", VENDOR_ID, declared_one.id)
        gap = {"source": source, "key": "Q2", "reason": "The same disk"}
        given = await acts(browser, ASSIGN, **gap, incidentId=into)
        assert given["incident"] == {"id": into, "worstSeverity": "P1"}
        assert await settled(portal) == 2
        answer = await acts(
            browser, DECLARE, key="Q3", title="Disk", severity="P1", service="s", alarmsOf=source,
            reason="It was full", beganAt="2026-06-01T09:00:00Z", detectedAt="2026-06-01T09:00:00Z",
        )  # fmt: skip
        assert answer == {"incident": {"key": "Q3", "source": "portal"}, "userErrors": []}
        none = await acts(
            browser, DECLARE, key="Q4", title="Disk", severity="P1", service="s", alarmsOf=source,
            reason="It was full", beganAt="2026-06-01T09:00:00Z", detectedAt="2026-06-01T09:00:00Z",
        )  # fmt: skip
        assert none == {"incident": None, "userErrors": [{"code": "NO_GAP", "path": ["input", "key"]}]}
        page = (await browser.get(where)).text
        assert (page.count("settled"), f'href="{HERE}?' in page) == (3, False)
    assert await gaps(portal) == []
    assert ("portal", "Q4") not in await register(portal)


async def test_an_alarm_of_no_severity_is_the_p1_that_it_may_have_been_unless_somebody_says_what_it_was(
    portal: Portal,
):
    await Vendor(portal.house, portal.clock).tell(declared("INC-2", "P4", tenants=["aurora"]))
    await Vendor(portal.house, portal.clock).register()
    source, key = "pagerduty/main", "Q1"
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
        async with portal.program(None) as pager:
            body = paged("triggered", "a", id=key, priority={"summary": "P9"})
            assert (await pager.post(PAGERDUTY, content=body, headers=signed(body))).status_code == 202
        waits = [(f"{source}/{key}", "unmatched", None)]
        assert await gaps(portal) == waits
        before = await register(portal)
        assert fields((await browser.get(HERE, params=of(source, key))).text)["severity"] == "P1"

        form = of(source, key) | {"incident_key": "INC-2", "text": "A test of the pager"}
        for said, why in (
            ({}, "may have been a P1: say what it was, and why"),
            ({"severity": "P1"}, "the alarm was a P1: the incident is at least that"),
            ({"severity": "P2"}, "the alarm was a P2: the incident is at least that"),
        ):
            refused = await browser.post(HERE, data=form | said)
            assert (refused.status_code, why in refused.text) == (409, True), said
        into = encode("VendorIncident", VENDOR_ID, before[PAGER, "INC-2"].id)
        gap = {"source": source, "key": key, "reason": "A test of the pager", "incidentId": into}
        less = await acts(browser, ASSIGN, **gap)
        assert (less["incident"], less["userErrors"][0]["code"]) == (None, "LESS_SEVERE")
        assert (await gaps(portal), await settled(portal), await register(portal)) == (waits, 0, before)

        sent = await browser.post(HERE, data=form | {"severity": "P4"})
        assert sent.status_code == 303, sent.text
    assert (await gaps(portal), await settled(portal)) == ([], 1)
    assert (await register(portal))[PAGER, "INC-2"].worst_severity == "P4"
    receipt = await statement_of(portal, ReceiptKind.INCIDENT_NOTED)
    assert receipt.predicate["rationale"] == "A test of the pager"
    assert receipt.predicate["result"]["alarms"] == {"source": source, "key": key, "said_severity": "P4"}


@pytest.mark.parametrize("door", ["portal", "graphql"])
@pytest.mark.parametrize("told", ["an alarm", "a step"])
async def test_whoever_declares_what_others_told_says_why_it_is_what_they_say(
    portal: Portal, door: str, told: str
):
    """No severity was told: without a reason a person alone would make a P4 of what may have been a P1."""
    source, key = ("pagerduty/main", "Q1") if told == "an alarm" else ("urn:other", "DB-7")
    async with portal.browser("sre_operator") as browser:
        if told == "an alarm":
            await set_up(browser, "pagerduty", "main", secret=SECRET)
            async with portal.program(None) as pager:
                body = paged("triggered", "a", id=key, priority={"summary": "P9"})
                assert (await pager.post(PAGERDUTY, content=body, headers=signed(body))).status_code == 202
        else:
            vendor = Vendor(portal.house, portal.clock)
            await vendor.tell(*by(source, updated(key, "note", minute=3)))
            await vendor.register()
        before = (await gaps(portal), await register(portal))
        assert [each[0] for each in before[0]] == [f"{source}/{key}"]
        if door == "portal":
            page = (await browser.get("/incidents/declare", params=of(source, key))).text
            shown = fields(page)
            assert (shown["key"], '<textarea id="reason" name="reason"' in page) == (key, True)
            said = {"title": "A drill", "service": "s", "severity": "P4", "everybody": "yes"}
            for silent in ({}, {"reason": " "}):
                refused = await browser.post("/incidents", data=shown | said | silent)
                assert (refused.status_code, "say it in 1 to 2,000 characters" in refused.text) == (422, True)
                assert (await gaps(portal), await register(portal)) == before
            sent = await browser.post("/incidents", data=shown | said | {"reason": "A drill of the team"})
            assert sent.status_code == 303, sent.text
        else:
            said = {"key": key, "title": "A drill", "service": "s", "severity": "P4"}
            said |= {"beganAt": "2026-06-01T09:00:00Z", "detectedAt": "2026-06-01T09:00:00Z"}
            by_key = {} if told == "a step" else {"alarmsOf": source}
            for silent in (by_key, {"gapOf": source} | by_key, {"gapOf": source, "reason": " "} | by_key):
                refused = await acts(browser, DECLARE, **said, **silent)
                assert refused == {
                    "incident": None,
                    "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}],
                }
                assert (await gaps(portal), await register(portal)) == before
            made = await acts(browser, DECLARE, **said, **by_key, gapOf=source, reason="A drill of the team")
            assert made == {"incident": {"key": key, "source": "portal"}, "userErrors": []}
    assert (await gaps(portal), (await register(portal))["portal", key].severity) == ([], "P4")
    receipt = await statement_of(portal, ReceiptKind.INCIDENT_DECLARED)
    assert receipt.predicate["rationale"] == "A drill of the team"
    assert (receipt.predicate["result"]["key"], receipt.predicate["result"]["severity"]) == (key, "P4")


async def test_what_nobody_told_of_before_is_declared_without_a_reason_or_with_one(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        said = {"title": "Slow", "service": "s", "severity": "P3"}
        said |= {"beganAt": "2026-06-01T09:00:00Z", "detectedAt": "2026-06-01T09:00:00Z"}
        for key, more, why in (
            ("N-1", {}, None),
            ("N-2", {"reason": "A customer called"}, "A customer called"),
        ):
            made = await acts(browser, DECLARE, key=key, **said, **more)
            assert made == {"incident": {"key": key, "source": "portal"}, "userErrors": []}
            receipt = await statement_of(portal, ReceiptKind.INCIDENT_DECLARED)
            assert (receipt.predicate["result"]["key"], receipt.predicate.get("rationale")) == (key, why)
        assert 'name="reason"' not in (await browser.get("/incidents/declare")).text


async def test_the_page_of_a_pager_says_what_was_turned_away_and_what_ends_it(portal: Portal):
    async with portal.browser("sre_operator") as browser, portal.program(None) as pager:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        assert "turned away" not in (await browser.get(where)).text.replace("Turned away", "")
        body = paged("triggered", "a")
        assert (await pager.post(PAGERDUTY, content=body, headers=signed(body, "another"))).status_code == 401
        page = (await browser.get(where)).text
        assert "Deliveries were turned away" in page
        assert (
            "It did not prove itself by the secret or token on record, or was too large for that, since"
            in page
        )
        assert "until this pager is saved anew" in page
        form = {"do": "save", "version": 1, "rules": "- {ignore: All}", "enabled": "yes", "reason": "Looked"}
        assert (await browser.post(where, data=form)).status_code == 303
        assert "Deliveries were turned away" not in (await browser.get(where)).text


async def owed(portal: Portal, key: str) -> tuple[str, str]:
    """As what a gap counts, and how it is explained."""
    board = await portal.house.switchboard.board(actor_with(Role.PMO), BoardFilter())
    [addend] = [each for each in board.debt.addends if each.gap is not None and each.gap.key == key]
    return addend.whose.severity.value, addend.explanation


async def test_what_some_alarms_of_one_name_do_not_say_may_have_been_a_p1_beside_a_p2(portal: Portal):
    """Two alarms of one key: a P2 of an unknown customer, and one that no rule fits."""
    rules = "- {when: {priority.summary: P*}, severity: '{priority.summary}', service: s, title: t, tenants: gone}\n"
    source, key = "pagerduty/main", "Q1"
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"version": "1", "rules": rules, "do": "save", "reason": "By customer", "enabled": "yes"}
        assert (await browser.post(where, data=form)).status_code == 303
        async with portal.program(None) as pager:

            async def send(id_: str, severity: str) -> None:
                body = paged("triggered", id_, id=key, priority={"summary": severity})
                assert (await pager.post(PAGERDUTY, content=body, headers=signed(body))).status_code == 202

            await send("a", "P2")
            assert await gaps(portal) == [(f"{source}/{key}", "unmatched", "P2")]
            assert await owed(portal, key) == ("P2", "8 × (1 + 1 week late) = 16")
            await send("b", "urgent")
            assert await gaps(portal) == [(f"{source}/{key}", "unmatched", None)]
            assert await owed(portal, key) == ("P1", "16 × (1 + 1 week late) = 32")
            page = (await browser.get(HERE, params=of(source, key))).text
            assert "P2; of some none: it may have been a P1" in page
            shown = fields((await browser.get("/incidents/declare", params=of(source, key))).text)
            assert shown["severity"] == "P1"
            await send("c", "P1")
            assert await gaps(portal) == [(f"{source}/{key}", "unmatched", "P1")]
