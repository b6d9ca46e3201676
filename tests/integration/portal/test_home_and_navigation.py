"""Everybody begins at the work of their role, and finds from there what they may open."""

from __future__ import annotations

import html
import re

import pytest
from support.cost_world import spike
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.kernel.actor import Role
from trust_portal.web.homes import customer_home, staff_home

pytestmark = pytest.mark.takes(seconds=30)

HOMES = {
    Role.CUSTOMER_VIEWER: "/t/aurora/trust",
    Role.CUSTOMER_ADMIN: "/t/aurora/trust",
    Role.AUDITOR: "/t/aurora/trust",
    Role.APPROVER_FINANCE: "/approvals",
    Role.APPROVER_RELIABILITY: "/approvals",
    Role.APPROVER_SECURITY: "/approvals",
    Role.INCIDENT_OWNER: "/switchboard",
    Role.FINOPS_OPERATOR: "/cost",
    Role.SRE_OPERATOR: "/runs",
    Role.CSM: "/accounts",
    Role.PMO: "/switchboard",
    Role.VENDOR_ADMIN: "/tenants",
}
#: Who may pull the kill switch.
STOPS = {Role.FINOPS_OPERATOR, Role.SRE_OPERATOR}


def links(page: str, name: str) -> list[str]:
    """The addresses in the navigation called ``name``."""
    found = re.search(rf'<nav class="[^"]+" aria-label="{name}">(.*?)</nav>', page, re.DOTALL)
    return re.findall(r'href="([^"]+)"', found[1]) if found else []


async def test_every_role_is_led_to_its_work_and_may_open_it(portal: Portal):
    assert set(HOMES) == set(Role)
    for role, home in HOMES.items():
        async with portal.browser(role.value) as browser:
            start = await browser.get("/")
            assert (start.status_code, start.headers["location"]) == (303, home), role
            page = await browser.get(home)
        assert page.status_code == 200, role
        masthead = page.text.split("<main")[0]
        assert ('href="/kill-switch">Kill switch' in masthead) == (role in STOPS), role


def test_who_has_several_roles_is_led_to_what_waits_for_a_decision_first():
    assert staff_home({Role.VENDOR_ADMIN, Role.CSM, Role.APPROVER_FINANCE}) == "/approvals"
    assert staff_home({Role.VENDOR_ADMIN, Role.PMO}) == "/switchboard"
    assert customer_home("/t/aurora") == "/t/aurora/trust"
    with pytest.raises(ValueError, match="no role at the vendor"):
        staff_home({Role.AUDITOR})


async def test_each_area_opens_its_first_page_and_shows_the_rest_below_and_nothing_that_is_forbidden(
    portal: Portal,
):
    vendor = "Vendor Ltd"
    async with portal.browser("pmo") as browser:
        page = (await browser.get("/switchboard")).text
        pages = [*links(page, vendor), *links(page, "Incidents")]
        answers = {path: (await browser.get(path)).status_code for path in pages}
    assert links(page, vendor) == ["/tenants", "/incidents", "/policies"]
    assert links(page, "Incidents") == ["/incidents", "/postmortems", "/switchboard"]
    assert set(answers.values()) == {200}
    async with portal.browser("vendor_admin") as browser:
        board = (await browser.get("/switchboard")).text
        customer = (await browser.get("/t/aurora")).text
        own = (await browser.get("/t/vendor/receipts")).text
    assert links(board, vendor) == ["/tenants", "/incidents", "/runs", "/cost", "/approvals", "/compliance"]
    assert re.findall(r'href="(\S+)" aria-current="(\w+)"', board.split("<main")[0]) == [
        ("/incidents", "true"),
        ("/switchboard", "page"),
    ]
    assert re.findall(r'href="(\S+)" aria-current="(\w+)"', customer.split("<main")[0]) == [
        ("/tenants", "true"),
        ("/t/aurora", "page"),
    ]
    assert re.findall(r'href="(\S+)" aria-current="true"', own.split("<main")[0]) == ["/compliance"]


async def test_the_administration_of_a_customer_is_one_page_of_its_navigation_until_one_is_there(
    portal: Portal,
):
    pages = [
        f"/t/aurora/{each}" for each in ("people", "tokens", "webhooks", "auditors", "access", "break-glass")
    ]
    async with portal.browser("customer_admin") as browser:
        overview = (await browser.get("/t/aurora")).text
        tokens = (await browser.get("/t/aurora/tokens")).text
        review = (await browser.get("/t/aurora/access-review")).text
    async with portal.browser("customer_viewer") as browser:
        seldom = (await browser.get("/t/aurora")).text
    assert links(overview, "Aurora")[-1] == pages[0]
    assert links(overview, "Administration") == []
    assert links(tokens, "Administration") == pages
    assert re.findall(r'href="(\S+)" aria-current="(\w+)"', tokens.split("<main")[0]) == [
        (pages[0], "true"),
        (pages[1], "page"),
    ]
    here = re.findall(r'href="(\S+)" aria-current', review.split("<main")[0])
    assert here == [pages[0], pages[0]], "a review is of people, and not at the access log"
    assert "/t/aurora/access" in links(seldom, "Aurora")


async def test_a_filter_that_names_nothing_is_refused_with_what_may_be_written(portal: Portal):
    async with portal.browser("customer_admin") as browser:
        answers = {
            query: await browser.get(f"/t/aurora/reports?{query}")
            for query in ("of=zzz", "of=2026-13", "of=2026-06", "state=odd")
        }
    assert {query: answer.status_code for query, answer in answers.items()} == {
        "of=zzz": 422,
        "of=2026-13": 422,
        "of=2026-06": 200,
        "state=odd": 422,
    }
    assert "Write the month as 2026-07" in answers["of=zzz"].text
    assert "Choose one of" in answers["state=odd"].text


async def test_a_line_of_the_access_log_leads_to_what_was_read_and_shows_no_id(portal: Portal):
    report, export = portal.world.aurora.report, portal.world.aurora.export
    async with portal.browser("csm") as browser:
        await browser.get(f"/t/aurora/reports/{report}")
        await browser.get(f"/t/aurora/exports/{export}/files/report.pdf")
    async with portal.browser("customer_admin") as browser:
        page = (await browser.get("/t/aurora/access?by=staff")).text
    rows = page.split("<tbody>")[1].split("</tbody>")[0]
    assert f'<a href="/t/aurora/reports/{report}">SLA report</a>' in rows
    assert '<a href="/t/aurora/exports">report.pdf</a>' in rows
    said = re.sub(r"<[^>]+>", "", rows)
    assert str(report)[:12] not in said
    assert str(export)[:12] not in said


def shape(path: str) -> str:
    """Pages of one kind, whatever they show: one of each is opened."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-(\d\d|Q\d)|[0-9a-f]{16,}", "*", path.partition("?")[0])


async def test_nothing_that_a_page_offers_is_forbidden_to_who_reads_it(portal: Portal):
    """Two clicks deep, for every role: each kind of page once, and its links with it."""
    found: dict[str, int] = {}
    for role, home in HOMES.items():
        opened: set[str] = set()
        next_, depth = [("start", home)], 0
        async with portal.browser(role.value) as browser:
            while next_ and depth < 3:
                here, next_, depth = next_, [], depth + 1
                for on, path in here:
                    if shape(path) in opened:
                        continue
                    opened.add(shape(path))
                    answer = await browser.get(path)
                    if answer.status_code == 303:
                        next_.append((path, answer.headers["location"]))
                    if answer.status_code not in {200, 303}:
                        found[f"{role}: {on} -> {path}"] = answer.status_code
                    elif answer.headers.get("content-type", "").startswith("text/html"):
                        pages = [
                            each for each in re.findall(r"<a ([^>]*)>", answer.text) if "download" not in each
                        ]
                        hrefs = [re.search(r'href="(/[^"#]*)', each) for each in pages]
                        next_ += [(path, html.unescape(each[1])) for each in hrefs if each]
        assert len(opened) > 5, role
    assert found == {}


async def test_who_looks_after_security_begins_with_all_that_is_theirs_and_nobody_else_does(portal: Portal):
    async with portal.browser("approver_security") as browser:
        home = (await browser.get("/approvals")).text
        kept = home.partition('id="kept-title"')[2].partition("</section>")[0]
        ways = re.findall(r'<a href="([^"]+)">([^<]+)</a>', kept)
        answers = {path: (await browser.get(path)).status_code for path, _ in ways}
    assert ways == [
        ("/break-glass", "Emergency access"),
        ("/t/vendor/access-review", "Access reviews"),
        ("/t/vendor/denials", "Refusals"),
        ("/keys", "Signing keys"),
        ("/compliance", "Compliance"),
    ]
    assert set(answers.values()) == {200}
    assert re.search(
        r"0 open or not reviewed.+0 overdue, the next is due by \d{1,2}\s[A-Z][a-z]+ \d{4}", kept, re.DOTALL
    )
    async with portal.browser("approver_finance") as browser:
        assert "kept-title" not in (await browser.get("/approvals")).text


async def test_what_the_vendor_told_has_a_side_for_whom_may_open_it_and_none_that_refuses(portal: Portal):
    offered: dict[str, list[str]] = {}
    for role in HOMES:
        async with portal.browser(role.value) as browser:
            for start in ("/t/aurora/incidents", "/t/aurora/postmortems"):
                page = await browser.get(start)
                assert page.status_code == 200, (role, start)
                sides = [each.partition("?")[0] for each in links_of_tabs(page.text)]
                answers = {each: (await browser.get(each)).status_code for each in sides}
                assert set(answers.values()) <= {200}, (role, answers)
                offered.setdefault(role.value, sides)
                assert offered[role.value] == sides, "the same sides on each of them"
    every = ["/t/aurora/incidents", "/t/aurora/postmortems", "/t/aurora/maintenance"]
    assert offered["customer_viewer"] == offered["sre_operator"] == every
    assert offered["pmo"] == every[:2]


def links_of_tabs(page: str) -> list[str]:
    found = re.search(r'<nav[^>]+aria-label="What the vendor told".*?</nav>', page, re.DOTALL)
    return re.findall(r'href="([^"]+)"', found[0]) if found else []


async def test_every_line_of_the_access_log_that_leads_somewhere_is_answered(portal: Portal):
    """After the customer and the vendor's people opened whatever is linked from their pages, two clicks deep."""
    anomaly = await spike(portal.house, "aurora", NOW)
    for who, start in (
        ("csm", "/t/aurora"),
        ("finops_operator", "/t/aurora/cost"),
        ("customer_admin", "/t/aurora"),
    ):
        async with portal.browser(who) as browser:
            await browser.get(f"/t/aurora/cost/anomalies/{anomaly.id}")
            page = (await browser.get(start)).text
            for path in sorted(set(re.findall(r'href="(/t/aurora/[^"#]*)', page))):
                await browser.get(html.unescape(path))
    async with portal.browser("customer_admin") as browser:
        led: set[str] = set()
        address = "/t/aurora/access"
        while address:
            page = (await browser.get(address)).text
            body = page.split("<tbody>")[1].split("</tbody>")[0]
            led |= {html.unescape(each) for each in re.findall(r'href="([^"#]+)', body)}
            older = re.search(r'href="(\?[^"]*after=[^"]*)"', page)
            address = f"/t/aurora/access{html.unescape(older[1])}" if older else ""
        answers = {path: (await browser.get(path)).status_code for path in sorted(led)}
    assert f"/t/aurora/cost/anomalies/{anomaly.id}" in led
    assert {path: status for path, status in answers.items() if status != 200} == {}
