"""PDFs by WeasyPrint, for ``documents.pdf``.

The identifier and the dates of a PDF come from the document; the machine's clock, its fonts and the
network have no say. Output is tagged for assistive technology (PDF/UA-1, ISO 14289-1).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import weasyprint
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from trust_portal.documents.sheets import settled
from trust_portal.runtime.shipped import shipped

#: In cascade order: faces, colours, components shared with the screen, then what only paper needs.
_FACES = ("fonts",)
SHEETS = (*_FACES, "tokens", "components", "report", "paper")

#: Where a document's relative addresses lead. RFC 2606 keeps the name from ever being anybody's; an
#: ``https`` address is needed because URL joining knows no relative paths in schemes of one's own.
_ORIGIN = "https://static.invalid"

_TYPES = {
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


class ForbiddenFetch(FatalURLFetchingError):  # type: ignore[misc]  # WeasyPrint ships no types
    """A document asked for something outside the static folder. Fatal: a gap would go unnoticed."""


class StaticOnly(URLFetcher):  # type: ignore[misc]  # WeasyPrint ships no types
    """Serves our own static folder from the disk and refuses every other address."""

    def __init__(self, root: Path) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
        self._root = root.resolve()

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002 - inherited shape
        parts = urlsplit(url)
        path = (self._root / unquote(parts.path).lstrip("/")).resolve()
        kind = _TYPES.get(path.suffix)
        if (
            f"{parts.scheme}://{parts.netloc}" != _ORIGIN
            or not path.is_relative_to(self._root)
            or kind is None
        ):
            raise ForbiddenFetch(f"a document may not fetch {url!r}")
        try:
            body = path.read_bytes()
        except OSError as error:
            raise ForbiddenFetch(f"there is no {url!r} to fetch") from error
        return URLFetcherResponse(url, body, {"Content-Type": kind})


def typeset(html: str, *, title: str, lang: str, identifier: str) -> bytes:
    """As ``render_pdf`` says."""
    document = laid_out(html)
    document.metadata.title = title
    document.metadata.lang = lang
    pdf: bytes = document.write_pdf(
        pdf_identifier=hashlib.sha256(identifier.encode()).hexdigest()[:32].encode(),
        pdf_variant="pdf/ua-1",
    )
    return pdf


def laid_out(html: str) -> weasyprint.Document:
    """The pages of a document with every box in its place, before they are written."""
    press = _press()
    return weasyprint.HTML(string=html, base_url=f"{_ORIGIN}/", url_fetcher=press.fetcher).render(
        font_config=press.fonts, stylesheets=press.sheets
    )


def typeset_overlay(html: str) -> bytes:
    """``html`` as a PDF to be laid over another: our fonts, no other sheet, no tags."""
    press = _press()
    document = weasyprint.HTML(string=html, base_url=f"{_ORIGIN}/", url_fetcher=press.fetcher).render(
        font_config=press.fonts, stylesheets=press.sheets[: len(_FACES)]
    )
    pdf: bytes = document.write_pdf()
    return pdf


class _Press:
    """Fonts and sheets, unpacked once. Font maps belong to the thread that made them (Pango)."""

    def __init__(self) -> None:
        self.fetcher = StaticOnly(shipped("static"))
        self.fonts = FontConfiguration()
        texts = [(shipped("static") / f"css/{name}.css").read_text() for name in SHEETS]
        self.sheets: Sequence[weasyprint.CSS] = [
            weasyprint.CSS(
                string=text, base_url=f"{_ORIGIN}/css/", url_fetcher=self.fetcher, font_config=self.fonts
            )
            for text in settled(texts)
        ]


_THREAD = threading.local()


def _press() -> _Press:
    press: _Press | None = getattr(_THREAD, "press", None)
    if press is None:
        press = _THREAD.press = _Press()
    return press
