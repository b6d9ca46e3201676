"""A reader's copy of a PDF: every page says who took it and when. The signed original is another file."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jinja2 import Environment

from trust_portal.documents.html import create_environment

if TYPE_CHECKING:
    from pypdf import PageObject

_BEGIN, _END = b"/Artifact <</Type /Pagination /Subtype /Watermark>> BDC\n", b"\nEMC\n"
#: What is said of the original of a copy.
OF_A_BUNDLE: Final = "What is signed is the unmarked original in the bundle."
#: Points in a millimetre.
_POINTS = 72 / 25.4


def watermarked(pdf: bytes, taker: str, at: str, note: str = OF_A_BUNDLE) -> bytes:
    """``pdf`` with ``taker`` and ``at`` (both as they are to be read) across and below every page, and ``note`` below.

    The text, links and tags of the original stay as they are. Blocking and CPU-bound: call it from a thread.
    What it needs is loaded with the first copy, as ``render_pdf`` does.
    """
    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415 - as said above

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    overlays: dict[tuple[float, float], PageObject] = {}
    for sheet in writer.pages:
        size = float(sheet.mediabox.width), float(sheet.mediabox.height)
        if size not in overlays:
            overlays[size] = _overlay(size, taker, at, note)
        sheet.merge_page(overlays[size])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def copy_name(bundle: str, file: str) -> str:
    """``acme-sla-2026-06-r1-report-copy.pdf``: the bundle ``acme-sla-2026-06-r1.zip``, and its ``report.pdf``."""
    stem = file.removesuffix(".pdf").replace("/", "-")
    return "-".join(part for part in (bundle.removesuffix(".zip"), stem, "copy") if part) + ".pdf"


def _overlay(size: tuple[float, float], taker: str, at: str, note: str) -> PageObject:
    from pypdf import PdfReader  # noqa: PLC0415 - as above

    from trust_portal.documents.typesetting import typeset_overlay  # noqa: PLC0415 - as above

    width, height = (f"{points / _POINTS:.3f}mm" for points in size)
    html = (
        _environment()
        .get_template("documents/watermark.html")
        .render(width=width, height=height, taker=taker, at=at, note=note)
    )
    sheet = PdfReader(io.BytesIO(typeset_overlay(html))).pages[0]
    return _as_artifact(sheet)


def _as_artifact(sheet: PageObject) -> PageObject:
    """``sheet`` marked as what is no part of the document: readers neither speak nor copy it (ISO 32000-1, 14.8.2.2)."""
    from pypdf.generic import DecodedStreamObject, NameObject  # noqa: PLC0415 - as above

    drawn = sheet.get_contents()
    stream = DecodedStreamObject()
    stream.set_data(_BEGIN + (b"" if drawn is None else drawn.get_data()) + _END)
    sheet[NameObject("/Contents")] = stream
    return sheet


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment()
