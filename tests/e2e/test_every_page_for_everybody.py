"""Every page as its readers see it: accessible in light and dark, silent console, calm on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from support.seen_pages import violations

pytestmark = pytest.mark.takes(seconds=65)

CUSTOMER = (
    "",
    "/reports",
    "/incidents",
    "/maintenance",
    "/contracts",
    "/contracts/2026.1",
    "/credits",
    "/exclusions",
    "/break-glass",
    "/cost",
    "/cost/budgets",
    "/cost/figures",
    "/cost/spending",
    "/cost/playbooks",
    "/cost/suppressions",
    "/approvals",
    "/exports",
    "/receipts",
    "/people",
    "/tokens",
    "/webhooks",
    "/deliveries",
    "/access",
    "/denials",
    "/auditors",
    "/check",
    "/trust",
    "/posture",
    "/qbr",
)
HOUSE = (
    "/tenants",
    "/incidents",
    "/incidents/integrations",
    "/runs",
    "/credits",
    "/cost",
    "/approvals?show=all",
    "/break-glass",
    "/playbooks",
    "/kill-switch",
    "/policies",
    "/keys",
    "/t/aurora/contracts",
    "/t/aurora/cross-checks",
    "/t/aurora/credits",
    "/t/aurora/exclusions",
    "/t/aurora/break-glass",
    "/t/aurora/what-if",
    "/t/aurora/cost/detectors",
    "/t/aurora/cost/thresholds?try=1&min_impact=5",
    "/t/vendor/receipts",
    "/t/vendor/cost/thresholds",
    "/t/vendor/cost/suppressions",
    "/t/vendor/people",
    "/t/vendor/tokens",
    "/t/vendor/webhooks",
    "/t/vendor/deliveries",
    "/t/vendor/denials",
)
PAGES = {
    "customer_admin": (
        "/account",
        "/account/notifications",
        "/notifications",
        "/verify",
        "/policies",
        *(f"/t/aurora{below}" for below in CUSTOMER),
    ),
    "vendor_admin": (*HOUSE, "/t/aurora", "/t/aurora/access"),
    "approver_security": ("/approvals", "/policies", "/keys", "/t/aurora", "/t/aurora/access"),
    "auditor": ("/t/aurora", "/t/aurora/check", "/t/aurora/auditors", "/t/aurora/trust"),
    "csm": (
        "/tenants",
        "/accounts",
        "/t/aurora",
        "/t/aurora/account",
        "/t/aurora/qbr",
        "/t/aurora/trust",
        "/t/aurora/trust/preview",
    ),
}
#: Lists of which the first entry is opened.
LISTS = {
    "customer_admin": ("reports", "receipts", "cost", "approvals"),
    "vendor_admin": ("reports", "receipts", "cost", "approvals"),
    "approver_security": ("approvals",),
    "auditor": ("approvals",),
    "csm": (),
}
FIRST = "main tbody a, .requests a"


@pytest.mark.parametrize("role", PAGES)
def test_every_page_is_accessible_and_silent(visit: Any, role: str):
    # axe is ours to inject; the policy of the pages stays on for everything the pages themselves load.
    # No transition: colours are compared as they end up.
    visitor = visit(bypass_csp=True, reduced_motion="reduce")
    visitor.open("/sign-in")
    wrong = {"/sign-in": violations(visitor.page)}
    visitor.enter(role)
    for path in PAGES[role]:
        visitor.open(path)
        wrong[path] = violations(visitor.page)
    for thing in LISTS[role]:
        visitor.open(f"/t/aurora/{thing}")
        if visitor.page.locator(FIRST).count():
            visitor.page.locator(FIRST).first.click()
            visitor.page.wait_for_load_state()
            wrong[thing] = violations(visitor.page)
    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize("role", PAGES)
def test_no_page_scrolls_sideways_on_a_phone_and_none_breaks_its_policy(visit: Any, role: str):
    visitor = visit(viewport={"width": 390, "height": 800})
    visitor.enter(role)
    wide, paths = [], list(PAGES[role])
    if "approvals" in LISTS[role]:
        visitor.open("/t/aurora/approvals")
        paths.append(visitor.page.locator(FIRST).first.get_attribute("href"))
    for path in paths:
        visitor.open(path)
        if visitor.page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path)
    assert wide == []


def test_the_choice_of_colours_stays(visit: Any):
    visitor = visit(java_script_enabled=False)
    visitor.open("/verify")
    visitor.page.click("button[value=dark]")
    visitor.open("/sign-in")
    assert visitor.page.locator("button[value=dark]").get_attribute("aria-pressed") == "true"
