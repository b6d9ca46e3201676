"""Did it affect you? The same answer on the customer's page and over GraphQL, also that nothing did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from support.learning_world import BEGAN, Vendor, declared, named, step, updated
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.documents.formats import instant
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import parse_period
from trust_portal.storage.tenancy import StaffScope
from trust_portal.trust.compliance.facts_repository import read_coverage
from trust_portal.trust.gathering.incidents import gather
from trust_portal.trust.gathering.model import Ask

pytestmark = pytest.mark.takes(seconds=15)

PAGE = "/t/aurora/incidents"
GROUP = '{}:{alertname="PoolExhausted", instance="db-3"}'
STATEMENT = """query ($since: DateTime!, $until: DateTime!) { viewer { tenant {
  incidentStatement(since: $since, until: $until) { since until asOf none incidents { key } } } } }"""
OWED = """{ viewer { tenant { incidents(since: "2026-05-01T00:00:00Z", until: "2026-07-01T00:00:00Z") {
  id key severity worstSeverity owesPostmortem mergedIntoId postmortem { id } } } } }"""


def node(id_: str) -> dict[str, str]:
    return {"query": f'{{ node(id: "{id_}") {{ id }} }}'}


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]["viewer"]["tenant"]


async def test_that_a_postmortem_is_owed_is_said_at_both_doors(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(
        declared("INC-1", "P1", tenants=["aurora"]),
        declared("INC-2", "P3", tenants=["aurora"], minute=1),
        declared("INC-3", "P3", tenants=["aurora"], minute=2),
        updated("INC-1", "merged", minute=5, into="INC-2"),
    )
    register = await vendor.register()
    aurora = portal.world.aurora.id
    async with portal.browser("customer_viewer") as browser:
        got = {each["key"]: each for each in (await ask(browser, OWED))["incidents"]}
        page = (await browser.get(f"{PAGE}?from=2026-05&to=2026-06")).text
    ids = {key: encode("Incident", aurora, register[key].shown_id) for key in ("INC-1", "INC-2", "INC-3")}
    for key, said in {
        "INC-1": ("P1", "P1", True, ids["INC-2"], None),
        "INC-2": ("P1", "P1", True, None, None),
        "INC-3": ("P3", "P3", False, None, None),
    }.items():
        assert got[key] == dict(
            zip(
                ("id", "key", "severity", "worstSeverity", "owesPostmortem", "mergedIntoId", "postmortem"),
                (ids[key], key, *said),
                strict=True,
            )
        )
        article = page.split(f'id="incident-{register[key].shown_id}"')[1].split("</article>")[0]
        assert ("Not released yet" in article) is said[2], key


async def test_no_door_of_a_customer_shows_an_id_that_follows_from_what_it_withholds(portal: Portal):
    """Whoever guesses a pager's group can work out ``named(GROUP)``, and could make sure by it."""
    vendor, aurora = Vendor(portal.house, portal.clock), portal.world.aurora.id
    await vendor.tell(declared(GROUP, "P1", title="The pool ran dry", tenants=["aurora"]))
    before = (await vendor.register())[GROUP]
    await vendor.tell(step(GROUP, "resolved", minute=30))
    await vendor.register()
    await portal.house.incident_following.rebuild()
    incident = (await vendor.register(follow=False))[GROUP]
    assert incident.resolved_at == BEGAN + timedelta(minutes=30)
    assert (incident.shown_id, incident.shown_id.version) == (before.shown_id, 4), "what was drawn is kept"

    period = parse_period("2026-Q2", "UTC")
    async with portal.house.storage.read(StaffScope()) as session:
        tenant = await find_tenant(session, aurora)
        assert tenant is not None
        section = await gather(session, Ask(tenant, period, portal.clock.now()))
        judged = {each.incident for each in await read_coverage(session, aurora)}
    async with portal.browser("customer_viewer") as browser:
        listed = {each["id"]: each["key"] for each in (await ask(browser, OWED))["incidents"]}
        page = (await browser.get(f"{PAGE}?from=2026-05&to=2026-06")).text
        id_, guess = (encode("Incident", aurora, each) for each in (incident.shown_id, named(GROUP)))
        nodes = [
            (await browser.post("/graphql", json=node(each))).json()["data"]["node"] for each in (id_, guess)
        ]
    shown = str(incident.shown_id)
    assert (listed[id_], guess in listed, nodes) == (shown[:8], False, [{"id": id_}, None])
    [row] = [each for each in section.table("major").rows if each.cells[0].value == incident.title]
    assert (row.id, judged & {incident.id, incident.shown_id}) == (shown, {incident.shown_id})
    for said in (page, repr(section)):
        assert f"incident-{shown}" in said
        assert (str(named(GROUP))[:8] in said, GROUP in said) == (False, False)


async def test_none_in_a_period_is_a_statement_as_of_what_the_register_has_taken_in(portal: Portal):
    vendor = Vendor(portal.house, portal.clock)
    told_at = portal.clock.now()
    await vendor.tell(declared("INC-1", tenants=["aurora"]))
    portal.clock.advance(timedelta(minutes=7))

    async def stated(since: datetime, until: datetime) -> dict[str, Any]:
        async with portal.browser("customer_viewer") as browser:
            found = await ask(browser, STATEMENT, since=rfc3339(since), until=rfc3339(until))
        statement = found["incidentStatement"]
        for name in ("since", "until", "asOf"):
            statement[name] = datetime.fromisoformat(statement[name])
        return statement

    before, day = BEGAN - timedelta(days=20), timedelta(days=1)
    assert await stated(before, before + day) == {
        "since": before, "until": before + day, "asOf": told_at, "none": True, "incidents": [],
    }  # fmt: skip
    await vendor.register()
    now = portal.clock.now()
    assert await stated(before, before + day) == {
        "since": before, "until": before + day, "asOf": now, "none": True, "incidents": [],
    }  # fmt: skip
    assert await stated(BEGAN - day, BEGAN + day) == {
        "since": BEGAN - day, "until": BEGAN + day, "asOf": now, "none": False, "incidents": [{"key": "INC-1"}],
    }  # fmt: skip
    async with portal.browser("customer_viewer") as browser:
        none = (await browser.get(f"{PAGE}?period=2026-03")).text
    assert "None in 2026-03" in none
    assert f"Everything told before {instant(now)} is in this" in none


@pytest.mark.parametrize(
    ("asked", "label", "there"),
    [
        ("period=2026-Q2", "2026-Q2", True),
        ("period=2026-06", "2026-06", True),
        ("period=2026-05", "2026-05", False),
        ("period=2026-Q1", "2026-Q1", False),
        ("from=2026-05&to=2026-06", "2026-05 to 2026-06", True),
        ("from=2026-04&to=2026-05", "2026-04 to 2026-05", False),
        ("from=2026-06&to=2026-06", "2026-06", True),
        ("year=2026", "2026", True),
        ("year=2025", "2025", False),
    ],
)
async def test_a_customer_asks_for_a_year_a_quarter_a_month_or_between_two(
    portal: Portal, asked: str, label: str, there: bool
):
    vendor = Vendor(portal.house, portal.clock)
    await vendor.tell(declared("INC-1", tenants=["aurora"], title="Slow uploads"))
    await vendor.register()
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"{PAGE}?{asked}")).text
        windows = await browser.get(f"/t/aurora/maintenance?{asked}")
    assert (f"<title>Incidents {label}" in page, "Slow uploads" in page) == (True, there)
    assert (windows.status_code, f"Maintenance {label}" in windows.text) == (200, True)


@pytest.mark.parametrize(
    "asked",
    ["period=2026-Q5", "period=x", "from=2026-07&to=2026-06", "from=2024-01&to=2026-06", "to=2026-06", "from=1"],
)  # fmt: skip
async def test_a_period_that_is_none_is_refused_by_name(portal: Portal, asked: str):
    async with portal.browser("customer_viewer") as browser:
        assert (await browser.get(f"{PAGE}?{asked}")).status_code == 422
