"""A tenant cannot see, guess or enumerate anything of another: what is foreign and what is absent are one answer."""

from __future__ import annotations

from uuid import uuid4

import pytest
from support.portal_fixtures import Portal
from support.portal_world import STRANGER, Customer

from trust_portal.kernel.page import encode_cursor

PAGES = (
    "/t/{key}",
    "/t/{key}/people",
    "/t/{key}/tokens",
    "/t/{key}/access",
    "/t/{key}/denials",
    "/t/{key}/reports",
    "/t/{key}/exports",
    "/t/{key}/check",
    "/t/{key}/check/broken.zip",
    "/t/{key}/auditors",
    "/t/{key}/incidents",
    "/t/{key}/maintenance",
    "/t/{key}/contracts",
    "/t/{key}/contracts/2026.1",
    "/t/{key}/contracts/2026.1/source",
    "/t/{key}/receipts",
    "/t/{key}/trust-policy",
)
THINGS = (
    ("report", "/t/{key}/reports/{id}"),
    ("report", "/t/{key}/reports/{id}/evidence"),
    ("export", "/t/{key}/exports/{id}/progress"),
    ("export", "/t/{key}/exports/{id}/bundle.zip"),
    ("export", "/t/{key}/exports/{id}/files/report.json"),
    ("export", "/t/{key}/exports/{id}/copies/report.pdf"),
    ("receipt", "/t/{key}/receipts/{id}"),
    ("receipt", "/t/{key}/receipts/{id}/envelope"),
    ("receipt", "/t/{key}/receipts/{id}/proof"),
)
ACTS = (
    ("/t/{key}/people", {"email": "x@y.example", "name": "X"}),
    ("/t/{key}/tokens", {"label": "x", "scopes": "read", "days": "30"}),
    ("/t/{key}/reports", {"period": "2026-06"}),
    ("/t/{key}/reports/{report}/bundle", {}),
    ("/t/{key}/people/{person}/roles", {"role": "customer_admin"}),
    ("/t/{key}/people/{person}/link", {}),
    ("/t/{key}/people/{person}/suspend", {}),
    ("/t/{key}/tokens/{token}/revoke", {}),
    ("/t/{key}/auditors", {"name": "X", "email": "x@y.example", "reason": "x", "until": "2026-07-20"}),
)


@pytest.mark.parametrize("who", ["customer_viewer", "customer_admin", "auditor"])
async def test_a_foreign_house_and_no_house_are_the_same_answer(portal: Portal, who: str):
    async with portal.browser(who) as browser:
        for page in PAGES:
            foreign = await browser.get(page.format(key="brightside"))
            absent = await browser.get(page.format(key="no-such-house"))
            vendors = await browser.get(page.format(key="vendor"))
            assert foreign.status_code == 404, page
            assert foreign.content == absent.content == vendors.content
            assert foreign.headers == absent.headers


@pytest.mark.parametrize("who", ["customer_viewer", "customer_admin", "auditor"])
async def test_a_foreign_thing_asked_for_in_ones_own_house_is_no_such_thing(portal: Portal, who: str):
    foreign: Customer = portal.world.brightside
    async with portal.browser(who) as browser:
        for noun, page in THINGS:
            theirs = await browser.get(page.format(key="aurora", id=getattr(foreign, noun)))
            nobodys = await browser.get(page.format(key="aurora", id=uuid4()))
            there = await browser.get(page.format(key="brightside", id=getattr(foreign, noun)))
            assert (theirs.status_code, there.status_code) == (404, 404), page
            assert theirs.content == nobodys.content
            assert theirs.headers == nobodys.headers
            assert b"brightside" not in theirs.content + there.content


async def test_nothing_can_be_done_in_a_foreign_house(portal: Portal):
    theirs = portal.world.brightside
    before = await _count(portal)
    async with portal.browser("customer_admin") as browser:
        for path, form in ACTS:
            address = path.format(
                key="brightside", report=theirs.report, person=theirs.person, token=theirs.token
            )
            assert (await browser.post(address, data=form)).status_code == 404, path
            at_home = path.format(
                key="aurora", report=theirs.report, person=theirs.person, token=theirs.token
            )
            if "{" in path.replace("{key}", ""):
                assert (await browser.post(at_home, data=form)).status_code == 404, path
        assert (await browser.post(f"/account/sessions/{theirs.session}/revoke")).status_code == 404
    assert await _count(portal) == before


async def test_a_foreign_cursor_shows_ones_own_rows_only(portal: Portal):
    at = portal.house.clock.now().isoformat()
    cursor = encode_cursor(at, str(portal.world.brightside.receipt))
    async with portal.browser("customer_viewer") as browser:
        page = await browser.get(f"/t/aurora/receipts?before={cursor}")
        assert page.status_code == 200
        assert str(portal.world.brightside.receipt) not in page.text
        for other in ("garbage!", encode_cursor(str(portal.world.brightside.receipt))):
            assert (await browser.get(f"/t/aurora/receipts?after={other}")).status_code == 422


async def test_an_incident_of_others_is_not_told(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        page = await browser.get("/t/aurora/incidents?year=2026")
    assert "Secret trouble of aurora" in page.text
    assert "brightside" not in page.text


async def test_a_token_reads_its_own_house_and_no_other(portal: Portal):
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        assert (await program.get("/t/aurora/reports")).status_code == 200
        foreign, absent = await program.get("/t/brightside/reports"), await program.get("/t/nobody/reports")
        assert (foreign.status_code, foreign.content) == (404, absent.content)
        refused = await program.post("/t/aurora/reports", data={"period": "2026-06"})
        assert (refused.status_code, refused.json()["code"]) == (403, "DENIED")


async def test_a_look_by_staff_stands_in_the_customers_access_log(portal: Portal):
    async with portal.browser("csm") as staff:
        await staff.get(f"/t/aurora/reports/{portal.world.aurora.report}")
    async with portal.browser("customer_viewer") as browser:
        log = (await browser.get("/t/aurora/access")).text
    assert "Csm" in log
    assert str(portal.world.aurora.report)[:20] in log


async def _count(portal: Portal) -> list[int]:
    """People, tokens, receipts and reports of the stranger's house."""
    async with portal.browser(STRANGER) as browser:
        pages = [
            (await browser.get(f"/t/brightside/{page}")).text
            for page in ("people", "tokens", "receipts", "reports")
        ]
    return [page.count("<tr>") for page in pages]
