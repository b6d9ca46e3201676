"""The main journey in a real browser, with scripts and without: report, bundle, download, verify."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect


def verified(bundle: Path, policy: Path) -> bool:
    """Whether the command a customer would type accepts the bundle."""
    command = [sys.executable, "-P", "-m", "trust_portal.cli", "verify", str(bundle)]
    done = subprocess.run(
        [*command, "--policy", str(policy), "--recompute"], capture_output=True, text=True, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_report_is_issued_and_its_bundle_verifies(visit: Any, place: Any, tmp_path: Path, scripts: bool):
    tenant = "aurora" if scripts else "brightside"
    visitor = visit(java_script_enabled=scripts)
    page = visitor.page
    visitor.enter("sre_operator")
    visitor.open(f"/t/{tenant}/reports")
    page.select_option("#period", place.period)
    page.click("text=Compute and issue")
    page.wait_for_url("**/reports/*")
    for _ in range(60):
        if page.locator(".downloads a").count():
            break
        page.wait_for_timeout(500)
        if not scripts:
            page.reload()
    with page.expect_download() as download:
        page.click(".downloads a")
    bundle = tmp_path / download.value.suggested_filename
    download.value.save_as(bundle)
    with page.expect_download() as download:
        page.click("text=the trust policy")
    policy = tmp_path / download.value.suggested_filename
    download.value.save_as(policy)
    assert (bundle.name, policy.name) == (f"{tenant}-sla-{place.period}-r1.zip", f"{tenant}.policy")
    assert verified(bundle, policy)
    assert page.locator(".stamp-next").count() == 0
    page.click(".stamp >> text=Logged")
    assert page.locator("h1").inner_text() == "SLA report issued"


def test_a_run_shows_its_progress_and_names_everybody(visit: Any, place: Any):
    visitor = visit()
    visitor.enter("sre_operator")
    visitor.open("/runs")
    visitor.page.select_option("#period", place.period)
    visitor.page.click("button:has-text('Start')")
    visitor.page.wait_for_selector("text=Completed", timeout=30_000)
    rows = visitor.page.locator("tbody tr").all_inner_texts()
    assert [("Aurora Bank" in row, "Issued" in row) for row in rows[:1]] == [(True, True)]
    assert len(rows) == 2


def test_a_refused_form_takes_the_reader_to_what_is_wrong(visit: Any):
    visitor = visit()
    visitor.enter("sre_operator")
    visitor.open("/t/aurora/reports")
    # What no page offers, an address or an older page may still send.
    visitor.page.evaluate("document.querySelector('#period option:checked').value = '2026-13'")
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        visitor.page.click("text=Compute and issue")
    assert answer.value.status == 422
    assert visitor.page.locator("#period").get_attribute("aria-invalid") == "true"
    assert visitor.page.locator("#period").input_value() == "2026-13"
    assert visitor.page.title().startswith("Not done: ")
    expect(visitor.page.locator("[role=alert]")).to_be_focused()
    visitor.complaints.clear()  # Chromium names every 4xx in its console


def test_the_focus_goes_where_a_swap_says(visit: Any):
    first, second = visit(), visit()
    first.enter("customer_viewer")
    second.enter("customer_viewer")
    second.open("/account")
    second.page.locator("#sessions form button").first.focus()
    second.page.keyboard.press("Enter")
    expect(second.page.locator("#sessions-title")).to_be_focused()
    first.open("/account")
    assert "/sign-in" in first.page.url
