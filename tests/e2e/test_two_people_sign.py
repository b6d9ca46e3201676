"""A credit from the proposal to the memo, in browsers whose devices really sign: two people enrol and approve."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from trust_portal.evidence import bundle
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import ReceiptKind, Statement

pytestmark = pytest.mark.takes(seconds=40)


def give_a_device(page: Page) -> Any:
    """An authenticator of the browser's own, whose owner is always recognised (WebAuthn §11, CDP)."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    return cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def enrol(visitor: Any, name: str) -> None:
    visitor.open("/account")
    visitor.page.fill("#name", name)
    visitor.page.click("button:has-text('Add a passkey')")
    visitor.page.click("button:has-text('Create the passkey')")
    expect(visitor.page.locator("#main th", has_text=name)).to_be_visible()


def sign_what_was_changed(visitor: Any, address: str) -> None:
    """Whoever changes what the page shows gets no signature: not from the browser, and nothing is decided."""
    page = visitor.page
    page.goto(address)
    page.fill("#reason", "looks right")
    page.evaluate("document.querySelector(\"[data-said='intent.act.3.value']\").textContent = '1.00'")
    page.click("button:has-text('Sign and approve')")
    expect(page.locator("[data-passkey-says] p")).to_contain_text("not what was asked for")
    page.reload()
    assert page.locator(".stamp", has_text=visitor.name).count() == 0


def approve(visitor: Any, address: str, reason: str) -> None:
    page = visitor.page
    page.goto(address)
    page.fill("#reason", reason)
    page.click("text=The statement that your device signs")
    statement = json.loads(page.locator("#statement").inner_text())
    assert (statement["reason"], statement["decision"]) == (reason, "approve")
    page.click("button:has-text('Sign and approve')")
    expect(page.locator(".stamp", has_text=visitor.name)).to_be_visible()


def signed_decisions(files: Any) -> list[dict[str, Any]]:
    found = []
    for name, data in files.items():
        if name.startswith("receipts/") and name.endswith(".dsse.json"):
            statement = Statement.parse(Envelope.parse(data).payload)
            if statement.kind is ReceiptKind.APPROVAL_APPROVED:
                found.append(statement.predicate["result"]["signature"])
    return found


def test_two_people_sign_a_credit_and_its_memo_verifies_offline(visit: Any, place: Any, tmp_path: Path):
    sre = visit()
    sre.enter("sre_operator")
    sre.open("/t/aurora/reports")
    sre.page.fill("#period", place.period)
    sre.page.click("text=Compute and issue")
    sre.page.wait_for_url("**/reports/*")
    sre.open("/t/aurora/credits")
    sre.page.select_option("form[action$='/credits'] select[name=period]", place.period)
    sre.page.fill("form[action$='/credits'] [name=reason]", "the report says so")
    sre.page.click("form[action$='/credits'] button[type=submit]")
    sre.page.wait_for_url("**/credits/*")
    credit = sre.page.url
    sre.page.click("text=The request as the approvers see it")
    request = sre.page.url

    for role, name in (("approver_finance", "Farid Haddad"), ("approver_reliability", "Rosa Lindqvist")):
        approver = visit()
        approver.name = name
        approver.enter(role)
        approver.page.goto(request)
        assert approver.page.locator("text=You need a passkey to approve this").count() == 1
        assert approver.page.locator("button:has-text('Sign and approve')").count() == 0
        give_a_device(approver.page)
        enrol(approver, "Virtual device")
        sign_what_was_changed(approver, request)
        approve(approver, request, f"{name} looked at it")

    finops = visit()
    finops.enter("finops_operator")
    for _ in range(60):
        finops.page.goto(credit)
        if finops.page.locator("#reference").count():
            break
        finops.page.wait_for_timeout(500)
    finops.page.fill("#reference", "CN-E2E-1")
    finops.page.click("button:has-text('Issue')")

    for _ in range(120):
        sre.page.goto(credit)
        if sre.page.locator(".downloads a").count():
            break
        sre.page.wait_for_timeout(500)
    with sre.page.expect_download() as download:
        sre.page.click(".downloads a")
    memo = tmp_path / "memo.zip"
    download.value.save_as(memo)
    with sre.page.expect_download() as download:
        sre.page.click("text=the trust policy")
    policy = tmp_path / "aurora.policy"
    download.value.save_as(policy)

    command = [sys.executable, "-P", "-m", "trust_portal.cli", "verify", str(memo), "--policy", str(policy)]
    verdict = json.loads(
        subprocess.run([*command, "--recompute", "--json"], capture_output=True, text=True, check=True).stdout
    )
    assert verdict["ok"] is True
    assert any(
        each.startswith("2 decisions are signed with passkeys of 2 people") for each in verdict["proved"]
    )
    signatures = signed_decisions(bundle.read(memo.read_bytes()).files)
    assert sorted(each["statement"]["person"]["name"] for each in signatures) == [
        "Farid Haddad",
        "Rosa Lindqvist",
    ]
