"""LibreOffice, as somebody would open a deck with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def pdf_of(deck: bytes, folder: Path) -> Path:
    """The deck as LibreOffice prints it. Where there is none, local runs skip; a build must have it."""
    office = shutil.which("soffice")
    if office is None:
        if os.environ.get("CI"):
            pytest.fail("soffice is missing: install libreoffice-impress")
        pytest.skip("soffice is missing: install libreoffice-impress")
    (folder / "deck.pptx").write_bytes(deck)
    subprocess.run(
        [
            office,
            f"-env:UserInstallation=file://{folder / 'office'}",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(folder),
            str(folder / "deck.pptx"),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return folder / "deck.pdf"


def pages_of(deck: bytes, folder: Path) -> list[str]:
    """What can be read on each page, shape by shape and cell by cell as it was drawn."""
    *pages, end = _text(pdf_of(deck, folder), "-raw").split("\f")
    assert end == ""
    return pages


def pdf_text_of(deck: bytes, folder: Path) -> str:
    """What can be read in it, as it lies; a form feed after each page."""
    return _text(pdf_of(deck, folder), "-layout")


def _text(pdf: Path, order: str) -> str:
    found = subprocess.run(["pdftotext", order, str(pdf), "-"], check=True, capture_output=True, timeout=60)
    return found.stdout.decode()
