"""Where something was told of that is no incident, no report says that there was no major one, until it is settled."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from support.learning_world import Vendor, by, updated
from support.pager_deliveries import PAGER, SECRET, gaps, paged, set_up, signed
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.trust.gathering.ids import INCIDENTS, UNCLEAR
from trust_portal.trust.sections.model import Section

pytestmark = pytest.mark.takes(seconds=25)

WORDS = "told of and not in the register, each of which may have been major: "
#: It takes nothing, and names a customer that nobody knows where it fits.
RULES = (
    "- {when: {priority.summary: P*}, severity: '{priority.summary}', service: s, title: t, tenants: nobody}"
)


def _fields(page: str) -> dict[str, str]:
    """What the form of a page would send, as far as it has values."""
    found = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', page))
    selected = re.search(r'name="severity".*?<option value="(P\d)" selected', page, re.DOTALL)
    assert selected
    return {name: html.unescape(value) for name, value in found.items()} | {"severity": selected[1]}


async def _incidents(portal: Portal, key: str, period: str) -> Section:
    tenant = next(each for each in (portal.world.aurora, portal.world.brightside) if each.key == key)
    found = await portal.house.trust_reports.preview(CONSOLE, tenant.id, period)
    return next(each for each in found.sections if each.id == INCIDENTS)


async def _unclear(portal: Portal, period: str) -> list[str]:
    """What the reports of two customers count; why each blocks says the same of it."""
    found = []
    for key in ("aurora", "brightside"):
        section = await _incidents(portal, key, period)
        counts = [each.cell.value or "" for each in section.figures if each.id == UNCLEAR]
        assert [f"{WORDS}{each}" in (section.why or "") for each in counts] == [True] * len(counts)
        assert section.state.blocks or not counts
        assert WORDS not in (section.why or "") or counts
        found += counts
    return found


async def test_what_nobody_declared_and_no_rule_took_is_told_to_every_customer_alike_until_it_is_settled(
    portal: Portal,
):
    vendor = Vendor(portal.house, portal.clock)
    assert await _unclear(portal, "2026-Q2") == []
    await vendor.tell(*by("urn:other", updated("db-7", "severity", minute=3, severity="P2")))
    await vendor.register()
    assert await _unclear(portal, "2026-Q2") == ["1", "1"]
    assert await _unclear(portal, "2026-05") == [], "it was told of after that was over"

    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"do": "save", "version": 1, "rules": RULES, "enabled": "yes", "reason": "First"}
        assert (await browser.post(where, data=form)).status_code == 303
        async with portal.program(None) as pager:
            body = paged("triggered", "a")
            assert (await pager.post(PAGER, content=body, headers=signed(body))).status_code == 202
        portal.clock.advance(timedelta(minutes=1))
        assert await _unclear(portal, "2026-Q3") == ["2", "2"]
        assert await _unclear(portal, "2026-Q2") == ["1", "1"], "the alarm came in July"

        said = {"title": "Disk full", "service": "storage", "everybody": "yes", "reason": "It was full"}
        for source, key in (("urn:other", "db-7"), ("pagerduty/main", "Q1")):
            page = await browser.get("/incidents/declare", params={"source": source, "key": key})
            form = _fields(page.text) | said
            sent = await browser.post("/incidents", data=form)
            assert sent.status_code == 303, sent.text
    assert await _unclear(portal, "2026-Q3") == await _unclear(portal, "2026-Q2") == []


async def test_what_a_stranger_sends_is_in_no_report_and_what_the_pager_itself_sent_while_it_is_off_is(
    portal: Portal,
):
    body = paged("triggered", "a")
    async with portal.browser("sre_operator") as browser, portal.program(None) as pager:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        for content, status in ((body, 401), (b"x" * (2**20 + 1), 413)):
            assert (await pager.post(PAGER, content=content)).status_code == status
        assert (await pager.post(PAGER, content=body, headers=signed(body, "another"))).status_code == 401
        portal.clock.advance(timedelta(minutes=1))
        assert [name for name, _, _ in await gaps(portal)] == ["pagerduty/main/unproved"]
        assert await _unclear(portal, "2026-Q3") == []

        form = {"do": "save", "version": 1, "rules": RULES, "enabled": "", "reason": "Too loud"}
        assert (await browser.post(where, data=form)).status_code == 303
        assert "While it is turned off, each delivery that proves itself" in (await browser.get(where)).text
        assert (await pager.post(PAGER, content=body, headers=signed(body))).status_code == 401
        portal.clock.advance(timedelta(minutes=1))
        assert await _unclear(portal, "2026-Q3") == ["1", "1"]

        form |= {"version": 2, "rules": "- {ignore: It is of a test bench}", "enabled": "yes"}
        assert (await browser.post(where, data=form)).status_code == 303
        assert "While it is turned off" not in (await browser.get(where)).text
        assert (await pager.post(PAGER, content=body, headers=signed(body))).status_code == 200
    portal.clock.advance(timedelta(minutes=1))
    assert await _unclear(portal, "2026-Q3") == []


async def test_an_alarm_that_comes_in_after_the_period_is_of_the_one_in_which_by_its_own_words_it_began(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"do": "save", "version": 1, "rules": RULES, "enabled": "yes", "reason": "First"}
        assert (await browser.post(where, data=form)).status_code == 303
    for key, began, found in (
        ("Q1", "2026-06-30T23:59:30Z", ("0", "1", "1")),
        ("Q2", "2026-07-01T00:00:00Z", ("0", "1", "2")),
        ("Q3", "2199-01-01T00:00:00Z", ("0", "1", "3")),
        ("Q4", "2026-05-31T12:00:00+02:00", ("1", "2", "4")),
    ):
        body = paged("triggered", key, id=key, created_at=began)
        async with portal.program(None) as pager:
            assert (await pager.post(PAGER, content=body, headers=signed(body))).status_code == 202
        portal.clock.advance(timedelta(minutes=1))
        counted = [await _unclear(portal, period) for period in ("2026-05", "2026-Q2", "2026-Q3")]
        assert counted == [[] if each == "0" else [each, each] for each in found], key


async def test_what_the_pager_tells_of_its_services_is_of_no_incident_and_what_nobody_knows_may_be(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    for type_, said, found in (
        ("service.updated", (200, {"alarm": "ignored"}), []),
        ("strange.updated", (422, None), ["1", "1"]),
    ):
        body = paged(type_, type_)
        async with portal.program(None) as pager:
            answer = await pager.post(PAGER, content=body, headers=signed(body))
        assert (answer.status_code, said[1] and answer.json()) == said
        portal.clock.advance(timedelta(minutes=1))
        assert [name for name, _, _ in await gaps(portal)] == ["pagerduty/main/unreadable"] * len(found[:1])
        assert await _unclear(portal, "2026-Q3") == found
