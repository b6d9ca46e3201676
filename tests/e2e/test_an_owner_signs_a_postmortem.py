"""A P1 from its declaration to the signed bundle, by the portal's pages alone; the owner's browser really signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.browser_devices import enrol, give_a_device
from support.downloaded_bundles import results_of, verdict_on

from trust_portal.evidence.statement import ReceiptKind

pytestmark = pytest.mark.takes(seconds=35)

OWNER, WRITTEN = "Ivo Petrov", {"summary": "Exports failed.", "impact": "Late.", "contributors": "No limit."}


def test_what_the_owner_reads_is_what_the_owners_device_signs(visit: Any, tmp_path: Path) -> None:
    owner, reviewer = visit(), visit()
    owner.enter("incident_owner")
    reviewer.enter("sre_operator")
    give_a_device(owner.page)
    enrol(owner, "Virtual device")

    here = declared(owner)
    written(owner, here)
    reviewer.page.goto(here)
    reviewer.page.fill("#accept_reason", "I compared it with the logs.")
    reviewer.page.click("button:has-text('It can be signed')")
    expect(reviewer.page.locator("text=Reviewed by").first).to_be_visible()

    sign_what_was_changed(owner, here)
    digest = owner.page.locator("[data-said='digest']").inner_text()
    owner.page.fill("#rationale", "So it was.")
    statement = json.loads(owner.page.locator("#statement").text_content())
    assert (statement["digest"], statement["rationale"]) == (digest, "So it was.")
    owner.page.click("button:has-text('Sign version 1')")
    expect(owner.page.locator("text=The bundle of version 1")).to_be_visible()

    file, policy = downloaded(reviewer, here, tmp_path)
    (signed,) = results_of(file, ReceiptKind.POSTMORTEM_SIGNED)
    assert (signed["sha256"], signed["signature"]["statement"]) == (digest, statement)
    assert verdict_on(file, policy)["ok"] is True


def declared(owner: Any) -> str:
    """The incident is declared by the owner; its postmortem's address."""
    page = owner.page
    owner.open("/incidents/declare")
    page.fill("#title", "Exports fail")
    page.select_option("#severity", "P1")
    page.fill("#service", "exports")
    page.check("#tenant-aurora")
    page.select_option("#owner", page.locator("#owner option", has_text=OWNER).get_attribute("value"))
    page.click("button:has-text('Declare')")
    page.click("a[href^='/postmortems/']")
    page.wait_for_url("**/postmortems/*")
    return str(page.url)


def written(owner: Any, here: str) -> None:
    """The three parts that must be, one action, and the submission that freezes it."""
    page = owner.page
    page.click("text=Write the first part")
    for name, text in WRITTEN.items():
        page.fill(f"#{name}", text)
    page.click("button:has-text('Save')")
    page.wait_for_url(here)
    page.click("text=Plan a prevention action")
    page.fill("#title", "Cap exports")
    page.fill("#link", "https://tracker.example/EXP-1")
    page.select_option("#owner", page.locator("#owner option", has_text=OWNER).get_attribute("value"))
    page.click("button:has-text('Plan it')")
    page.wait_for_url("**/actions/*")
    page.goto(here)
    page.click("button:has-text('Submit for review')")
    expect(page.locator("text=You wrote of this")).to_be_visible()


def sign_what_was_changed(owner: Any, here: str) -> None:
    """Another text than the digest is of gets no signature, and the postmortem stays as it was reviewed."""
    page = owner.page
    page.goto(here)
    page.fill("#rationale", "looks right")
    page.evaluate("document.getElementById('digested').textContent += ' '")
    page.click("button:has-text('Sign version 1')")
    expect(page.locator("[data-passkey-says] p")).to_contain_text("not what was asked for")
    page.goto(here)
    assert page.locator("button:has-text('Sign version 1')").count() == 1


def downloaded(operator: Any, here: str, folder: Path) -> tuple[Path, Path]:
    """The bundle and the vendor's trust policy, as who may download gets them from the page."""
    page = operator.page
    for _ in range(120):
        page.goto(here)
        if page.locator(".downloads a").count():
            break
        page.wait_for_timeout(500)
    places = folder / "postmortem.zip", folder / "vendor.policy"
    for link, place in zip((".downloads a", "text=the trust policy"), places, strict=True):
        with page.expect_download() as download:
            page.locator(link).first.click()
        download.value.save_as(place)
    return places
