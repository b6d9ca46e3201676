"""Headers of every answer, writes from other sites, and how refusals look to people and to programs."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from support.portal_fixtures import Portal
from support.portal_world import BASE_URL

from trust_portal.evidence.verification_page import verification_page
from trust_portal.evidence.verifier_archive import verifier_archive
from trust_portal.web.files import attachment

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000",
    "cache-control": "private, no-store",
}
FORM = {"email": "new@aurora.example", "name": "New"}


@pytest.mark.parametrize(
    "path", ["/sign-in", "/t/aurora", "/no/such/page", "/healthz", "/t/aurora/trust-policy"]
)
async def test_every_answer_has_exactly_these_headers(portal: Portal, path: str):
    async with portal.browser("customer_viewer") as browser:
        answer = await browser.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": BASE_URL},
    ],
)
async def test_a_write_sent_by_another_site_is_refused_and_changes_nothing(
    portal: Portal, headers: dict[str, str]
):
    async with portal.browser("customer_admin") as browser:
        refused = await browser.post("/t/aurora/people", data=FORM, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "CROSS_SITE"
        assert "new@aurora.example" not in (await browser.get("/t/aurora/people")).text


async def test_a_write_from_our_own_pages_is_done(portal: Portal):
    async with portal.browser("customer_admin") as browser:
        done = await browser.post("/t/aurora/people", data=FORM, headers={"origin": BASE_URL})
        assert done.status_code == 303
        assert done.headers["location"].startswith("/t/aurora/people?added=")
        assert "new@aurora.example" in (await browser.get("/t/aurora/people")).text


async def test_a_null_origin_is_another_site(portal: Portal):
    async with portal.browser("customer_admin") as browser:
        del browser.headers["sec-fetch-site"]
        refused = await browser.post("/t/aurora/people", data=FORM, headers={"origin": "null"})
    assert refused.status_code == 403


async def test_people_get_a_page_and_programs_get_json(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        page = await browser.get("/t/nobody")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Nothing here" in page.text
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        answer = await program.get("/t/nobody")
    assert answer.json() == {
        "code": "NOT_FOUND",
        "message": "no such tenant",
        "field": None,
        "reference": None,
    }


async def test_a_bad_token_is_told_so_with_a_challenge(portal: Portal):
    async with portal.program("tp_nonsense") as program:
        answer = await program.get("/t/aurora")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="trust-portal"'
    assert answer.json()["code"] == "BAD_CREDENTIAL"


async def test_what_nobody_foresaw_shows_a_reference_and_nothing_else(portal: Portal, monkeypatch):
    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(portal.house.archive), "receipts", breaks)
    async with portal.browser("customer_viewer") as browser:
        answer = await browser.get("/t/aurora/receipts")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Reference <code>" in answer.text


async def test_the_choice_of_colours_is_a_cookie_and_nothing_else(portal: Portal):
    async with portal.browser() as browser:
        chosen = await browser.post("/theme", data={"theme": "dark", "next": "/verify"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/verify")
        assert chosen.headers["set-cookie"] == (
            "trust-portal-theme=dark; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"
        )
        assert '<meta name="color-scheme" content="dark">' in (await browser.get("/verify")).text
        refused = await browser.post("/theme", data={"theme": "pink"})
        assert refused.status_code == 422


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "/sign-out"],
)
async def test_nobody_is_sent_to_another_site_afterwards(portal: Portal, target: str):
    async with portal.browser() as browser:
        chosen = await browser.post("/theme", data={"theme": "light", "next": target})
    assert chosen.headers["location"] == "/"


async def test_a_product_reads_the_key_of_its_calls_without_signing_in(portal: Portal):
    async with portal.browser() as browser:
        answer = await browser.get("/.well-known/webhook-keys.json")
    key = portal.house.keyring.webhooks
    assert answer.json() == {
        "keys": [
            {
                "id": key.key_id,
                "algorithm": "Ed25519",
                "public_key": "whpk_" + b64encode(key.public_key).decode(),
                "pem": key.verify_key.pem,
            }
        ]
    }


async def test_what_checks_bundles_is_handed_out_alone_to_everybody_and_never_shown_in_place(
    portal: Portal,
):
    async with portal.browser() as browser:
        told = (await browser.get("/verify")).text
        page = await browser.get("/verify.html")
        verifier = await browser.get("/trust-portal-verifier.zip")
    async with portal.browser("auditor") as browser:
        desk = (await browser.get("/t/aurora/check")).text
        bundle = (await browser.get(f"/t/aurora/reports/{portal.world.aurora.report}")).text
    assert page.content == verification_page()
    assert page.headers["content-disposition"].startswith("attachment;")
    assert hashlib.sha256(page.content).hexdigest() in told
    assert verifier.content == verifier_archive()
    assert verifier.headers["content-disposition"].startswith("attachment;")
    assert '<a href="/trust-portal-verifier.zip" download>' in told
    assert hashlib.sha256(verifier.content).hexdigest() in told
    assert portal.house.keyring.receipts.key_id in told
    for each in (told, desk, bundle):
        assert '<a href="/verify.html" download>' in each


def test_a_download_has_its_name_for_programs_that_read_only_the_plain_one():
    told = attachment(b"", "application/zip", "aurora-sla-2026-06-r1.zip").headers["content-disposition"]
    assert told == (
        "attachment; filename=\"aurora-sla-2026-06-r1.zip\"; filename*=UTF-8''aurora-sla-2026-06-r1.zip"
    )
    strange = attachment(b"", "application/zip", 'a"\\é\n.zip').headers["content-disposition"]
    assert strange == "attachment; filename=\"a____.zip\"; filename*=UTF-8''a%22%5C%C3%A9%0A.zip"
