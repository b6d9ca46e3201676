"""``trust-portal verify``: exit codes, and what it prints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from evidence_sample import FOREIGN_KEY, ORIGIN, POLICY, RECEIPT_KEY, edited_number, policy_of, two_exports

from trust_portal.commands.verify import describe, verify
from trust_portal.errors import InvalidInput
from trust_portal.evidence.bundle import build
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.instructions import verify_md
from trust_portal.evidence.manifest import MANIFEST, Manifest
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.verdict import Subject, Verdict

OLDER, NEWER = two_exports()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "new.zip").write_bytes(NEWER.zip)
    (tmp_path / "old.zip").write_bytes(OLDER.zip)
    edited = {**NEWER.files, "report.json": edited_number(NEWER.files["report.json"])}
    (tmp_path / "edited.zip").write_bytes(build(edited))
    (tmp_path / "policy.txt").write_text(POLICY.text)
    (tmp_path / "foreign.txt").write_text(policy_of(FOREIGN_KEY, FOREIGN_KEY).text)
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(verify, [str(folder / each) if "." in each else each for each in arguments])
    if isinstance(done.exception, InvalidInput):
        raise done.exception
    return done.exit_code, done.output


def test_a_bundle_that_holds_exits_0(folder: Path) -> None:
    code, shown = run(folder, "new.zip", "--policy", "policy.txt", "--since", "old.zip")
    assert code == 0
    assert shown.startswith("new.zip: verified\n  letter · Acme GmbH · 2026-06\n")
    assert "Not proved" in shown
    assert "✗" not in shown


def test_a_pinned_key_may_be_written_as_people_write_fingerprints(folder: Path) -> None:
    pairs = [RECEIPT_KEY.key_id[n : n + 2].upper() for n in range(0, 64, 2)]
    assert run(folder, "new.zip", "--key", ":".join(pairs))[0] == 0
    assert run(folder, "new.zip", "--key", FOREIGN_KEY.key_id, "--key", RECEIPT_KEY.key_id)[0] == 0


def test_without_a_policy_it_exits_1_and_shows_what_to_compare(folder: Path) -> None:
    code, shown = run(folder, "new.zip")
    assert code == 1
    assert "UNPINNED" in shown
    assert RECEIPT_KEY.key_id in shown
    assert "intact, but nobody you trust vouches for the key" in shown


def test_a_tampered_bundle_exits_1_and_names_file_and_next_step(folder: Path) -> None:
    code, shown = run(folder, "edited.zip", "--policy", "policy.txt")
    assert code == 1
    assert "NOT verified, 1 finding\n" in shown
    assert "✗ DIGEST_MISMATCH: report.json" in shown
    assert "→ Do not rely on this file" in shown


@pytest.mark.parametrize("flag", [[], ["--json"]])
@pytest.mark.parametrize(
    "arguments", [["report.pdf"], ["new.zip", "--policy", "policy.txt", "--since", "report.pdf"]]
)
def test_what_is_no_bundle_exits_2_and_is_named(folder: Path, arguments: list[str], flag: list[str]) -> None:
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 no zip at all")
    code, shown = run(folder, *arguments, *flag)
    assert code == 2
    assert "NOT_A_BUNDLE" in shown
    assert "not a zip archive" in shown


def test_the_instructions_name_every_status_the_fingerprint_and_what_each_placeholder_is() -> None:
    told = verify_md(
        Manifest.of(Statement.parse(Envelope.parse(NEWER.files[MANIFEST]).payload)),
        "Aurora",
        "a.zip",
        ORIGIN,
        RECEIPT_KEY,
    )
    commands = re.findall(r"^    (.+)$", told, re.MULTILINE)
    assert [each for each in commands if not each.startswith(("trust-portal verify a.zip", "openssl"))] == [
        RECEIPT_KEY.key_id
    ]
    text = " ".join(told.split())
    for placeholder in set(re.findall(r"\b[A-Z]{4,}\.\w+", " ".join(commands))):
        assert re.search(rf"{placeholder} stands for|in place of {placeholder}", text), placeholder
    assert "UNPINNED, exit status 1" in text
    assert re.search(r"This bundle is an? [A-Za-z]", text)
    assert "is a sla-report" not in text
    assert re.search(r"status 0 if .* with 1 if .* with 2 if", text)


def test_a_foreign_policy_exits_1(folder: Path) -> None:
    code, shown = run(folder, "new.zip", "--policy", "foreign.txt", "--json")
    assert code == 1
    assert {each["code"] for each in json.loads(shown)["findings"]} == {"UNKNOWN_KEY"}


def test_the_json_is_the_verdict(folder: Path) -> None:
    code, shown = run(folder, "new.zip", "--policy", "policy.txt", "--json")
    found = json.loads(shown)
    assert (code, found["ok"], found["findings"]) == (0, True, [])
    assert found["subject"]["checkpoint"]["size"] == "20"


@pytest.mark.parametrize(
    "arguments,reason",
    [
        (["absent.zip"], "cannot be read"),
        (["new.zip", "--policy", "absent.txt"], "cannot be read"),
        (["new.zip", "--policy", "old.zip"], "no trust policy"),
        (["new.zip", "--since", "absent.zip"], "cannot be read"),
        (["new.zip", "--key", "12ab"], "no key id"),
    ],
)
def test_a_file_or_option_that_cannot_be_used_is_said_so(
    folder: Path, arguments: list[str], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        run(folder, *arguments)


def test_a_bundle_cannot_write_control_codes_to_the_terminal() -> None:
    verdict = Verdict((), (), (), Subject(kind="x", tenant="\x1b[2Jgone\n✓ proved", period=""))
    shown = describe("a.zip", verdict)
    assert "\x1b" not in shown
    assert "\n✓ proved" not in shown


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict"])
@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_a_terminal_that_cannot_write_the_words_still_gets_the_verdict(
    folder: Path, encoding: str, flag: list[str]
) -> None:
    shy = folder / "shy.zip"
    shy.write_bytes(build({**NEWER.files, "policy.txt": b"log \xff \xc3\xa9\n"}))
    done = subprocess.run(
        [sys.executable, "-m", "trust_portal.cli", "verify", str(shy), *flag],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"DIGEST_MISMATCH" in done.stdout


def test_verifying_loads_neither_a_server_nor_a_database_nor_a_network_client() -> None:
    script = (
        "import sys, trust_portal.commands.verify\n"
        "heavy = {'sqlalchemy', 'asyncpg', 'redis', 'arq', 'starlette', 'httpx', 'strawberry', 'asyncio', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "where"),
    [
        (["{missing}"], "FILE_UNREADABLE", "file"),
        (["{bundle}", "--policy", "{missing}"], "FILE_UNREADABLE", "file"),
        (["{bundle}", "--policy", "{bundle}"], "POLICY_MALFORMED", "file"),
        (["{bundle}", "--since", "{missing}"], "FILE_UNREADABLE", "file"),
        (["{bundle}", "--key", "abc"], "KEY_MALFORMED", "field"),
    ],
)
def test_what_cannot_be_used_is_json_with_a_finding_too(tmp_path, arguments, code, where):
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(NEWER.zip)
    given = [each.format(bundle=bundle, missing=tmp_path / "nowhere") for each in arguments]
    done = CliRunner().invoke(verify, [*given, "--json"])
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["ok"], answer["proved"]) == (2, False, [])
    (finding,) = answer["findings"]
    assert set(finding) == {"code", "file", "field", "message", "next"}
    assert finding["code"] == code
    assert finding[where]
