"""What a page may not do to whoever opens it: what axe finds, what is wider than a phone, what does not say its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PRODUCT = " · Trust Portal"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Of pages that differ by their thing alone, as many are opened.
_OF_ONE_KIND = 2
#: Milliseconds; a busy machine draws slowly.
_PATIENCE = 180_000
#: Tables of many columns are cards on a phone, and nothing of a card is out of sight.
_WIDE_CARDS = """() => [...document.querySelectorAll(".table-cards")]
  .filter(table => table.scrollWidth > table.parentElement.clientWidth + 1)
  .map(table => table.caption?.innerText ?? table.parentElement.ariaLabel)"""
_DESK, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """All rules in light; in dark, where nothing but the colours differs, the rule about colours."""
    page.emulate_media(color_scheme="light")
    # What passed is not written out: that is nearly every element of a page, for nearly every rule.
    told = {"resultTypes": ["violations"]}
    by_tag = {"runOnly": {"type": "tag", "values": TAGS}, **told}
    light = Axe().run(page, options=by_tag).response["violations"]
    page.emulate_media(color_scheme="dark")
    colours = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, **told}
    dark = page.evaluate("options => axe.run(options)", colours)["violations"]
    page.emulate_media(color_scheme="light")
    return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in (*light, *dark)]


def faults_of_pages(browser: Browser, base: str, role: str, paths: Iterable[str]) -> dict[str, list[Any]]:
    """What is wrong with the pages of somebody with ``role``, by address; nothing where all is well.

    ``ID`` in a path stands for what the pages before it linked: a list comes before what is on it. ``paths``
    that nothing linked are a fault of their own, for nobody would have seen them.
    """
    # axe is ours to inject; the policy stays on for what the pages load. Colours are compared as they end up.
    context = browser.new_context(viewport=_DESK, bypass_csp=True, reduced_motion="reduce")
    context.set_default_timeout(_PATIENCE)
    page, heard = context.new_page(), list[str]()
    page.on("console", lambda said: heard.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{base}/sign-in")
    page.click(f"button[value={role}]")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    faults: dict[str, list[Any]] = {}
    linked: dict[str, None] = {}
    for path in paths:
        found = [each for each in linked if _ID.sub("ID", each) == path] if "ID" in path else [path]
        if not found:
            faults[path] = ["nothing leads there"]
        for address in found[:_OF_ONE_KIND]:
            heard.clear()
            page.set_viewport_size(_DESK)
            answer = page.goto(base + address)
            status = answer.status if answer else 0
            wrong = [*([status] if status != 200 else []), *_faults(page), *heard]
            if wrong:
                faults[address] = wrong
            linked |= dict.fromkeys(_links(page))
    context.close()
    return faults


def _faults(page: Page) -> list[Any]:
    wrong: list[Any] = list(violations(page))
    if (headings := page.locator("h1").count()) != 1:
        wrong.append(f"{headings} h1")
    title = page.title()
    if not title.endswith(PRODUCT) or not title.removesuffix(PRODUCT).strip():
        wrong.append(f"its title is {title!r}")
    page.set_viewport_size(_PHONE)
    if (width := page.evaluate("document.documentElement.scrollWidth")) > _PHONE["width"]:
        wrong.append(f"{width} wide")
    wrong += [f"to be scrolled sideways: {each}" for each in page.evaluate(_WIDE_CARDS)]
    return wrong


def _links(page: Page) -> list[str]:
    """Addresses of this house that the page's content leads to, without what stands behind a ``#``."""
    hrefs = page.eval_on_selector_all("main a[href]", "all => all.map(each => each.href)")
    parts = [urlsplit(each) for each in hrefs]
    here = urlsplit(page.url).netloc
    return [f"{each.path}{'?' + each.query if each.query else ''}" for each in parts if each.netloc == here]


#: Where those work who look after incidents, promises, accounts, decisions and evidence, in the demo.
PAGES: Mapping[str, tuple[str, ...]] = {
    "sre_operator": (
        "/incidents",
        "/incidents/ID",
        "/incidents/declare",
        "/postmortems",
        "/postmortems/ID",
        "/approvals",
        "/t/hoshino/approvals/ID",
    ),
    "incident_owner": (
        "/switchboard",
        "/postmortems",
        "/postmortems/ID",
        "/postmortems/ID/edit",
        "/postmortems/ID/versions/1",
        "/actions/new?postmortem=ID",
        "/actions",
        "/actions/ID",
    ),
    "pmo": (
        "/switchboard",
        "/switchboard?wall=1",
        "/switchboard/coverage",
        "/actions",
        "/actions/ID",
    ),
    "finops_operator": ("/actions", "/actions/ID", "/t/brightwater/compliance", "/t/brightwater/posture"),
    "csm": (
        "/accounts",
        "/t/brightwater/account",
        "/t/brightwater/trust",
        "/t/brightwater/trust/ID",
        "/t/brightwater/trust/preview",
        "/t/brightwater/trust/notes",
        "/t/brightwater/qbr",
        "/t/brightwater/qbr/ID",
        "/t/brightwater/compliance",
        "/t/brightwater/posture",
    ),
    "approver_finance": ("/approvals", "/t/hoshino/approvals/ID", "/t/brightwater/approvals"),
    "vendor_admin": (
        "/incidents/integrations",
        "/compliance",
        "/t/vendor/compliance",
        "/t/vendor/access-review",
    ),
    "customer_admin": (
        "/t/brightwater/trust",
        "/t/brightwater/trust/ID",
        "/t/brightwater/qbr",
        "/t/brightwater/qbr/ID",
        "/t/brightwater/compliance",
        "/t/brightwater/posture",
        "/t/brightwater/incidents",
        "/t/brightwater/postmortems",
        "/t/brightwater/postmortems/ID",
        "/t/brightwater/approvals",
        "/t/brightwater/approvals/ID",
        "/t/brightwater/auditors",
    ),
    "auditor": (
        "/t/brightwater/check",
        "/t/brightwater/auditors",
        "/t/brightwater/trust",
        "/t/brightwater/trust/ID",
        "/t/brightwater/compliance",
        "/t/brightwater/posture",
        "/t/brightwater/qbr",
        "/t/brightwater/postmortems/ID",
    ),
}
