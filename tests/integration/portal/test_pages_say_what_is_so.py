"""Sentences of pages that hold wherever they stand."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.inbox import ApprovalView
from trust_portal.access.approvals.model import FORBIDDEN_NOW, ApprovalState
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.web.templating import words
from trust_portal.web.views.approvals.words import standing

pytestmark = pytest.mark.takes(seconds=15)

NO_CONTRACT, NO_REPORT = "No contract is in force", "No signed report yet"


def said(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_no_page_claims_that_all_its_figures_are_signed_and_each_leads_to_how_they_are_checked(
    portal: Portal,
) -> None:
    for who, path in ((None, "/sign-in"), ("pmo", "/switchboard"), ("customer_admin", "/t/aurora/cost")):
        async with portal.browser(who) as browser:
            page = (await browser.get(path)).text
        footer = page.split('<footer class="colophon">')[1]
        assert "What is signed says so, and can be checked offline, without trusting us ." in said(footer)
        assert '<a href="/verify">checked offline, without trusting us</a>' in footer
        assert "Every figure" not in page


async def test_the_day_somebody_became_a_customer_is_that_of_their_own_calendar(portal: Portal) -> None:
    midnights = {
        "berlin": ("Europe/Berlin", datetime(2026, 4, 30, 22, tzinfo=UTC)),
        "boston": ("America/New_York", datetime(2026, 5, 1, 4, tzinfo=UTC)),
    }
    for key, (zone, midnight) in midnights.items():
        await portal.house.tenants.create(CreateTenant(key, key.title(), zone, "", midnight), CONSOLE)
    async with portal.browser("vendor_admin") as browser:
        form = {
            "key": "denver",
            "name": "Denver",
            "time_zone": "America/Denver",
            "onboarded_at": "2026-05-01",
        }
        assert (await browser.post("/tenants", data=form)).status_code == 303
        listed = said((await browser.get("/tenants")).text)
        overviews = {each: said((await browser.get(f"/t/{each}")).text) for each in (*midnights, "denver")}
    for key, overview in overviews.items():
        assert "Customer since 1\xa0May 2026".replace("\xa0", " ") in overview, key
        assert re.search(rf"{key} \S+/\S+ 1 May 2026", listed), key
    denver = next(each for each in await tenants(portal) if each.key == "denver")
    assert denver.onboarded_at == datetime(2026, 5, 1, 6, tzinfo=UTC)


async def tenants(portal: Portal) -> list[Any]:
    return [await portal.house.tenants.by_key(CONSOLE, "denver", purpose="administration")]


async def test_an_overview_without_a_report_says_whether_a_contract_is_in_force(portal: Portal) -> None:
    await portal.house.tenants.create(CreateTenant("cumulus", "Cumulus"), CONSOLE)
    async with portal.browser("vendor_admin") as browser:
        without = (await browser.get("/t/cumulus")).text
        signed = (await browser.get("/t/aurora")).text
    assert (NO_CONTRACT in without, NO_REPORT in without) == (True, False)
    assert (NO_CONTRACT in signed, NO_REPORT in signed) == (False, False)


async def test_the_page_of_auditors_shows_those_that_nobody_invited(portal: Portal) -> None:
    async with portal.browser("customer_admin") as browser:
        page = said((await browser.get("/t/aurora/auditors")).text)
    assert "Nobody was invited" not in page
    assert "Whoever was made an auditor without an invitation stands above, too." in page
    assert "The role was given on People, and is taken away there" in page


async def test_how_to_check_a_bundle_is_shown_to_who_may_download_it(portal: Portal) -> None:
    report = f"/t/aurora/reports/{portal.world.aurora.report}"
    shown = {}
    for who in ("customer_viewer", "approver_security"):
        async with portal.browser(who) as browser:
            page = (await browser.get(report)).text
        bundle = page.split('<section class="bundle"')[1].split("</section>")[0]
        shown[who] = tuple(each in bundle for each in ("trust-portal verify", "does not download bundles"))
    assert shown == {"customer_viewer": (True, False), "approver_security": (False, True)}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (f"{FORBIDDEN_NOW}: kill-switch.", "Policy forbids it now. Nothing was done."),
        ("The credit was voided.", "What it was about no longer stands. Nothing was done."),
    ],
)
def test_what_is_said_of_a_request_that_ended_follows_its_reason(reason: str, told: str) -> None:
    end = SimpleNamespace(reason=reason)
    view = SimpleNamespace(state=ApprovalState.VOID, approval=SimpleNamespace(request=None, end=end))
    assert standing(cast("ApprovalView", view)) == told


def test_a_review_is_spelled_as_people_spell_it() -> None:
    assert words("qbr.issued") == "QBR issued"
