"""Which notes of an incident customers read: none but those that were told as turning points, by whatever door."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from support.learning_world import BEGAN, Vendor, declared, updated
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID

TELL = """mutation ($input: TellOfIncidentInput!) { tellOfIncident(input: $input) { userErrors { code } } }"""
READ = """query ($since: DateTime!, $until: DateTime!) { viewer { tenant {
  incidents(since: $since, until: $until) { title timeline { kind text turningPoint } } } } }"""
DOORS = ("form", "event", "graphql")


async def told(portal: Portal) -> str:
    """A note and a turning point by each door; the incident's address for staff."""
    events = [
        updated("INC-88", "note", minute=1, text="Internal by event"),
        updated("INC-88", "note", minute=2, text="Public by event"),
    ]
    events[1]["data"]["key"] = True
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(declared("INC-88", tenants=["aurora"]), *events)
    incident = (await vendor.register())["INC-88"]
    async with portal.browser("sre_operator") as browser:
        for act, word in (("note", "Internal"), ("turning_point", "Public")):
            portal.clock.advance(timedelta(minutes=1))
            sent = await browser.post(
                f"/incidents/{incident.id}/tell", data={"act": act, "text": f"{word} by form"}
            )
            assert sent.status_code == 303, sent.text
            said: dict[str, Any] = {
                "incidentId": encode("VendorIncident", VENDOR_ID, incident.id),
                "telling": act.upper(),
                "text": f"{word} by graphql",
            }
            answer = await browser.post("/graphql", json={"query": TELL, "variables": {"input": said}})
            assert answer.json() == {"data": {"tellOfIncident": {"userErrors": []}}}
    return f"/incidents/{incident.id}"


async def test_a_customer_reads_no_note_by_whatever_door_it_came_in_and_turning_points_by_that_name(
    portal: Portal,
):
    await told(portal)
    span = {
        "since": (BEGAN - timedelta(days=1)).isoformat(),
        "until": (portal.clock.now() + timedelta(days=1)).isoformat(),
    }
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"/t/aurora/incidents?year={BEGAN.year}")).text
        answer = (await browser.post("/graphql", json={"query": READ, "variables": span})).json()
    assert "errors" not in answer, answer
    assert "Internal by" not in page
    assert "Internal by" not in str(answer)
    assert sorted(re.findall(r"<strong>([^<]+)</strong> Public by (\w+)", page)) == sorted(
        ("Turning point", door) for door in DOORS
    )
    (timeline,) = [
        each["timeline"]
        for each in answer["data"]["viewer"]["tenant"]["incidents"]
        if "INC-88" in each["title"]
    ]
    notes = sorted(each["text"] for each in timeline if each["kind"] == "NOTE")
    assert notes == sorted(f"Public by {door}" for door in DOORS)
    assert {(each["kind"], each["turningPoint"]) for each in timeline} == {("DECLARED", True), ("NOTE", True)}


async def test_the_form_says_which_notes_customers_read_and_the_timeline_names_them_apart(portal: Portal):
    where = await told(portal)
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(where)).text
    assert (
        "Customers who are touched read it, and turning points. "
        "A plain note, and why a severity changed, stay with our people"
    ) in page
    for word, tag, name in (("Internal", "span", "Note"), ("Public", "strong", "Turning point")):
        for door in DOORS:
            assert re.search(rf"<{tag}>{name}</{tag}>\s+{word} by {door}", page), (word, door)
