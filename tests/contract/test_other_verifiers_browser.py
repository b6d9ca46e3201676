"""The page in every bundle: a browser, offline, comes to the verdict of the command line."""

import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from evidence_sample import (
    FOREIGN_KEY,
    RECEIPT_KEY,
    Log,
    edited_number,
    export,
    overlapping_exports,
    policy_of,
    report_files,
    two_exports,
)
from playwright.sync_api import Browser, Error, Page, sync_playwright

from trust_portal.evidence.bundle import build
from trust_portal.evidence.dsse import sign_envelope
from trust_portal.evidence.manifest import (
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    Manifest,
    is_proof,
    manifest_subjects,
)
from trust_portal.evidence.statement import ReceiptKind, Statement, statement_of
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify

PAGE = Path(__file__).parents[2] / "templates" / "bundle" / "verify.html"
OLDER, NEWER = two_exports()
HOLDS, INTACT, FAILS = "This bundle holds", "Intact, but whose key is it?", "This bundle does not hold"
FOREIGN, NONE, AGAIN = "Signed by another key", "This is not a bundle", "This bundle was packed again"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch()
        except Error:
            system = shutil.which("chromium")
            if system is None:
                missing = "needs Chromium: python -m playwright install --with-deps chromium"
                if os.environ.get("CI"):
                    pytest.fail(missing)
                pytest.skip(missing)
            found = playwright.chromium.launch(executable_path=system, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(PAGE.as_uri())
    yield page
    assert asked == [PAGE.as_uri()]
    context.close()


def verdict(page: Page, data: bytes, pin: str = "", name: str = "bundle.zip") -> str:
    # Else the file before is looked at once more under the new key, and its verdict may come late.
    page.evaluate("current = null")
    page.fill("#pin", pin)
    page.evaluate("document.getElementById('verdict').replaceChildren()")
    page.set_input_files("#file", {"name": name, "mimeType": "application/zip", "buffer": data})
    return page.locator("#verdict h2").inner_text()


def test_a_bundle_with_the_pinned_key_holds(page: Page) -> None:
    assert verdict(page, NEWER.zip, RECEIPT_KEY.key_id.upper()) == HOLDS
    shown = page.locator("#verdict").inner_text()
    assert "Acme GmbH" in shown
    assert "entry 19 of 20" in shown
    assert "its first 8 entries are unchanged" in shown
    assert "No witness has cosigned" in shown
    assert "fails" not in shown


def test_without_a_pinned_key_it_shows_what_to_compare(page: Page) -> None:
    assert verdict(page, OLDER.zip) == INTACT
    assert RECEIPT_KEY.key_id in page.locator("#verdict").inner_text()


def test_another_pinned_key_is_not_this_one(page: Page) -> None:
    assert verdict(page, NEWER.zip, FOREIGN_KEY.key_id) == FOREIGN
    first = page.locator("#verdict li").first.inner_text()
    assert "fails" in first, "what fails comes first"
    assert RECEIPT_KEY.key_id in first
    changed = build({**NEWER.files, "report.json": b"{}"})
    assert verdict(page, changed, FOREIGN_KEY.key_id) == FAILS, "the key is not all that is wrong"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (RECEIPT_KEY.key_id[:-1], "This has 63 of 64 hexadecimal digits"),
        (RECEIPT_KEY.key_id + "0", "This has 65 of 64 hexadecimal digits"),
        ("SHA256:" + RECEIPT_KEY.key_id, "digits 0 to 9 and a to f only"),
    ],
)
def test_a_fingerprint_with_a_slip_is_said_at_its_field_and_accuses_nobody(
    page: Page, typed: str, told: str
) -> None:
    assert verdict(page, NEWER.zip, typed) == INTACT
    assert told in page.locator("#pin-error").inner_text()
    assert page.get_attribute("#pin", "aria-invalid") == "true"
    assert "fails" not in page.locator("#verdict").inner_text()
    assert verdict(page, NEWER.zip, RECEIPT_KEY.key_id) == HOLDS
    assert page.locator("#pin-error").inner_text() == ""
    assert page.get_attribute("#pin", "aria-invalid") == "false"


def test_a_forger_with_his_own_keys_does_not_pass_the_pin(page: Page) -> None:
    forged = export(
        Log(receipts=FOREIGN_KEY, checkpoints=FOREIGN_KEY), policy=policy_of(FOREIGN_KEY, FOREIGN_KEY)
    )
    assert verdict(page, forged.zip) == INTACT
    assert verdict(page, forged.zip, RECEIPT_KEY.key_id) == FOREIGN


def test_every_file_counts(page: Page) -> None:
    for name, content in NEWER.files.items():
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 4
        assert verdict(page, build({**NEWER.files, name: bytes(flipped)})) == FAILS, name
        dropped = {each: data for each, data in NEWER.files.items() if each != name}
        assert verdict(page, build(dropped)) == (NONE if name == MANIFEST else FAILS), name
    assert verdict(page, build({**NEWER.files, "extra.txt": b"x"})) == FAILS
    edited = edited_number(NEWER.files["report.json"])
    assert verdict(page, build({**NEWER.files, "report.json": edited})) == FAILS


def test_a_flipped_bit_in_any_line_of_a_proof_is_seen(page: Page) -> None:
    for name in filter(is_proof, NEWER.files):
        content = NEWER.files[name]
        for place in range(7, len(content) - 1, max(1, len(content) // 9)):
            flipped = bytearray(content)
            flipped[place] ^= 1
            assert verdict(page, build({**NEWER.files, name: bytes(flipped)})) == FAILS, (name, place)


def test_growth_since_an_export_that_was_made_meanwhile_is_checked(page: Page) -> None:
    _, second = overlapping_exports()
    assert verdict(page, second.zip, RECEIPT_KEY.key_id) == HOLDS
    assert "The log only grew since an export that was made meanwhile" in page.locator("body").inner_text()
    for name in (MEANWHILE, MEANWHILE_HEAD):
        content = second.files[name]
        for place in range(3, len(content) - 1, len(content) // 7):
            flipped = bytearray(content)
            flipped[place] ^= 1
            assert verdict(page, build({**second.files, name: bytes(flipped)})) == FAILS, (name, place)
        dropped = {each: data for each, data in second.files.items() if each != name}
        assert verdict(page, build(dropped)) == FAILS, name


def packed_again(files: Mapping[str, bytes]) -> bytes:
    """As a file manager does it: folders have entries, contents are deflated, times are those of today."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in sorted({name.rpartition("/")[0] for name in files if "/" in name}):
            archive.mkdir(folder)
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_bundle_packed_again_is_said_to_be_and_the_changed_files_are_named(page: Page) -> None:
    same, pinned = packed_again(NEWER.files), frozenset({RECEIPT_KEY.key_id})
    assert verdict(page, same, RECEIPT_KEY.key_id) == AGAIN
    assert [each.code for each in verify(same, pinned=pinned).findings] == [Code.NOT_CANONICAL]
    edited = packed_again(
        {**NEWER.files, "report.json": b"{}", "policy.txt": NEWER.files["policy.txt"] + b"\n"}
    )
    assert verdict(page, edited, RECEIPT_KEY.key_id) == FAILS
    shown = page.locator("#verdict").inner_text()
    assert "report.json: not what was signed" in shown.replace("policy.txt, ", "").replace(", policy.txt", "")
    assert "policy.txt" in shown
    assert "somebody unpacked it and packed it again" in shown
    found = verify(edited, pinned=pinned).findings
    assert {each.file for each in found if each.code is Code.DIGEST_MISMATCH} == {"report.json", "policy.txt"}
    assert found[0].code is Code.NOT_CANONICAL


def test_what_is_no_bundle_is_said_to_be_none(page: Page) -> None:
    assert verdict(page, b"hello") == NONE
    assert verdict(page, build({"x": b""})) == NONE
    assert "manifest.dsse.json is missing" in page.locator("#verdict").inner_text()
    assert verdict(page, NEWER.files["report.json"], name="report.json") == NONE
    assert "not one of the files in it" in page.locator("#verdict").inner_text()
    assert verdict(page, NEWER.files["policy.txt"], RECEIPT_KEY.key_id, "aurora.policy") == NONE
    assert "trust-portal verify --policy" in page.locator("#verdict").inner_text()


def test_two_names_that_some_file_system_takes_for_one_are_refused(page: Page) -> None:
    twins = {**NEWER.files, "caf\u00e9.txt": b"1", "cafe\u0301.txt": b"2"}
    assert verdict(page, packed_again(twins), RECEIPT_KEY.key_id) == FAILS
    assert "is no name a bundle may hold" in page.locator("#verdict").inner_text()


def signed_all_the_same(files: dict[str, bytes], payload: bytes | None = None) -> dict[str, bytes]:
    """``files`` under a manifest, or under whatever ``payload`` is, signed and logged with the vendor's own keys."""
    stated = Manifest("letter", "Acme GmbH", "2026-06", None).result()
    manifest = statement_of(ReceiptKind.EXPORT_MANIFEST, manifest_subjects(files), {"result": stated})
    log = Log()
    envelope = sign_envelope(manifest.canonical() if payload is None else payload, RECEIPT_KEY)
    _, index = log.append(envelope)
    proof = str(log.proof(index, log.head())).encode()
    return {**files, MANIFEST: envelope.to_json(), MANIFEST_PROOF: proof}


def test_what_a_vendor_must_not_sign_either_is_refused_as_the_command_refuses_it(page: Page) -> None:
    files = report_files(policy_of())
    subjects, result = manifest_subjects(files), Manifest("letter", "Acme GmbH", "2026-06", None).result()
    plain = statement_of(ReceiptKind.EXPORT_MANIFEST, subjects, {"result": result}).canonical()
    receipt = statement_of(ReceiptKind.SLA_REPORT_ISSUED, subjects, {"result": result}).canonical()
    first = f'{{"digest":{{"sha256":"{subjects[0].sha256}"}},"name":"{subjects[0].name}"}}'.encode()
    policy = files["policy.txt"]
    limit = f"#:valid {RECEIPT_KEY.key_id} 0 -\n".encode()
    cases = {
        "two names in one object": signed_all_the_same(
            files, plain.replace(b'"kind":"letter"', b'"kind":"letter","kind":"letter"')
        ),
        "two subjects of one name": signed_all_the_same(files, plain.replace(first, first + b"," + first)),
        "a receipt in the place of the manifest": signed_all_the_same(files, receipt),
        "a restriction that is not understood": signed_all_the_same(
            files | {"policy.txt": policy + b"#:until 2026-01-01\n"}
        ),
        "two spans of one key": signed_all_the_same(files | {"policy.txt": policy + limit + limit}),
        "a receipt whose name has a line separator": signed_all_the_same(
            files | {"receipts/a\u2028b.dsse.json": b"{}", "receipts/a\u2028b.tlog-proof": b""}
        ),
        "a report that no receipt was issued for": export(Log(), issued_for="0" * 64).files,
        "a hash that is none": NEWER.files
        | {MANIFEST_PROOF: NEWER.files[MANIFEST_PROOF].replace(b"\n\n", b"\nAAAA\n\n", 1)},
    }
    assert Statement.parse(plain).kind is ReceiptKind.EXPORT_MANIFEST
    held = signed_all_the_same(files)
    assert verify(build(held), pinned=frozenset({RECEIPT_KEY.key_id})).ok
    assert verdict(page, build(held), RECEIPT_KEY.key_id) == HOLDS
    for name, each in cases.items():
        assert not verify(build(each), pinned=frozenset({RECEIPT_KEY.key_id})).ok, name
        assert verdict(page, build(each), RECEIPT_KEY.key_id) == FAILS, name


@pytest.mark.parametrize("kind", [ReceiptKind.APPROVAL_APPROVED, ReceiptKind.POSTMORTEM_SIGNED])
def test_what_takes_a_passkey_and_has_no_signature_is_refused_by_page_and_command(
    page: Page, kind: ReceiptKind
) -> None:
    bare = export(Log(), beside=(kind, {"approval": "a1", "passkey": "optional"})).zip
    found = verify(bare, pinned=frozenset({RECEIPT_KEY.key_id}))
    assert [(each.code, each.file) for each in found.findings] == [
        (Code.ASSERTION_MISSING, f"receipts/02-{kind.value}.dsse.json")
    ]
    assert verdict(page, bare, RECEIPT_KEY.key_id) == FAILS
    shown = page.locator("#verdict").inner_text()
    assert f"receipts/02-{kind.value}.dsse.json takes a person's passkey, and none signed it" in shown
    # Whether a signature holds is for the command to say.
    some = export(Log(), beside=(kind, {"signature": {"statement": {}}})).zip
    assert verdict(page, some, RECEIPT_KEY.key_id) == HOLDS
    assert "approvers and their passkeys" in page.locator("#verdict").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pin", ["", RECEIPT_KEY.key_id, FOREIGN_KEY.key_id])
def test_the_page_is_readable_by_everybody(page: Page, scheme: Literal["light", "dark"], pin: str) -> None:
    page.emulate_media(color_scheme=scheme)
    verdict(page, NEWER.zip, pin)
    # Evaluated by the debugger, which the page's own security policy does not bind.
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == []


def test_typing_a_fingerprint_keeps_the_cursor_where_it_is(page: Page) -> None:
    verdict(page, NEWER.zip)
    page.fill("#pin", "")
    page.type("#pin", RECEIPT_KEY.key_id)
    page.wait_for_function("document.querySelector('#verdict').dataset.tone === 'good'")
    assert page.evaluate("document.activeElement.id") == "pin"
