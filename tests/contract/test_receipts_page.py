"""The shell recipes of docs/formats/receipts.md do what the page says."""

import re
import subprocess
from pathlib import Path

import pytest
from evidence_sample import LOG_KEY, RECEIPT_KEY, two_exports

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "receipts.md"
BUNDLE = two_exports()[1]


def recipes() -> list[str]:
    """The indented blocks under "Without our program"."""
    section = PAGE.read_text().split("### Without our program")[1]
    blocks = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in blocks]


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    for name, content in BUNDLE.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False)


def test_openssl_verifies_a_receipt_as_the_page_says(unpacked: Path) -> None:
    script = recipes()[0].replace("KEYID", RECEIPT_KEY.key_id).replace("X.dsse", "01-sla_report.issued.dsse")
    assert run(script, unpacked).stdout.strip() == "Signature Verified Successfully"
    (unpacked / f"keys/{RECEIPT_KEY.key_id}.pem").write_text(LOG_KEY.verify_key.pem)
    assert run(script, unpacked).returncode != 0


def test_sha256sum_checks_the_files_as_the_page_says(unpacked: Path) -> None:
    done = run(recipes()[1], unpacked)
    assert done.returncode == 0, done.stderr
    assert "report.json: OK" in done.stdout
    (unpacked / "report.json").write_bytes(b"{}")
    assert run(recipes()[1], unpacked).returncode != 0
