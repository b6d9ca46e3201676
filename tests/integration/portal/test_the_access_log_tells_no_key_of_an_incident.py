"""A customer reads in its access log that an incident was opened, by the name that it knows the incident by."""

from __future__ import annotations

from html import unescape

from support.graphql_desk import ask
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Incident, IncidentFilter

HOST = "contoso-db-1.internal:9100"
KEY = f'{{alertname="DiskFull",instance="{HOST}"}}'
LOGGED = "{ viewer { tenant { accessLog(first: 50) { nodes { what subject } } } } }"


async def declared(portal: Portal, key: str) -> Incident:
    form = {
        "title": key,
        "severity": "P2",
        "service": "uploads",
        "began_at": f"{NOW:%Y-%m-%dT%H:%M}",
        "detected_at": f"{NOW:%Y-%m-%dT%H:%M}",
        "tenants": ["aurora", "brightside"],
        "objectives": "",
        "owner": "",
        "team": "storage",
        "key": key,
    }
    async with portal.browser("sre_operator") as browser:
        sent = await browser.post("/incidents", data=form)
        assert sent.status_code == 303, sent.text
        opened = await browser.get(sent.headers["location"])  # which the log tells
        assert opened.status_code == 200
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return next(each for each in page.items if each.title == key)


async def log_of_aurora(portal: Portal) -> tuple[str, list[str]]:
    """As its page has it, and the subjects of incidents over GraphQL."""
    async with portal.browser("customer_admin") as browser:
        page = unescape((await browser.get("/t/aurora/access")).text)
        answer = await ask(browser, LOGGED)
    rows = answer["viewer"]["tenant"]["accessLog"]["nodes"]
    return page, [each["subject"] for each in rows if each["what"] == "incident"]


async def test_who_opened_an_incident_is_in_the_log_by_the_name_that_customers_know(portal: Portal) -> None:
    of_a_machine, of_a_ticket = await declared(portal, KEY), await declared(portal, "INC-7")

    page, subjects = await log_of_aurora(portal)

    shown = str(of_a_machine.shown_id)[:8]
    assert set(subjects) == {shown, "INC-7"}
    assert of_a_ticket.told_as == "INC-7"
    assert f">{shown}</span>" in page
    assert ">INC-7</span>" in page
    assert HOST not in page


async def test_what_the_log_took_by_its_raw_key_before_is_told_without_it(portal: Portal) -> None:
    for name in (KEY, "INC-7"):
        await portal.house.access_log.looked(
            CONSOLE, portal.world.aurora.id, "incident", name, purpose="incidents"
        )

    page, subjects = await log_of_aurora(portal)

    assert sorted(subjects) == ["", "INC-7"]
    assert HOST not in page
    assert ">INC-7</span>" in page
